"""A Spark cluster whose machines share nothing but an object store makes the whole sandbox world."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.project import make_home, run_factroots
from assets_tests.serving import running_ui
from assets_tests.spark.test_cluster import standalone_cluster
from assets_tests.store.object_server import object_server
from factroots_dagster.store.objects import cache_folder
from factroots_dagster.store.versions import MANIFEST

SMALL = {
    "FACTROOTS_SANDBOX_DIALS": "languages=2,relations=2,facts_per_relation=20,hidden=64,"
    "steps=300,learning_rate=0.004",
    "FACTROOTS_SANDBOX_SEED": "3",
    "FACTROOTS_DEVICE": "cpu",
}


def can_hide_folders() -> bool:
    """Whether a process here can have a view of the disk of its own."""
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Of the driver: everything is in a bucket, of which it has a cache."""
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    with object_server("s3") as server:
        yield (
            inherited
            | SMALL
            | server.environment()
            | {
                "DAGSTER_HOME": str(make_home(tmp_path / "driver" / "home")),
                "FACTROOTS_DATA_ROOT": server.uri("data"),
                "FACTROOTS_CACHE": str(tmp_path / "cache"),
            }
        )


@pytest.mark.slow
@pytest.mark.skipif(not can_hide_folders(), reason="no mount namespaces here, which hide the driver's disk")
def test_a_world_is_made_by_machines_that_share_an_object_store(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    """The workers see neither the driver's folder nor its cache; Spark's tables are those of one machine."""
    (tmp_path / "cache").mkdir()
    hidden = [tmp_path / "driver", tmp_path / "cache"]
    access = {name: value for name, value in environment.items() if name.startswith("AWS_")}
    with standalone_cluster(tmp_path, hidden, access) as url:
        log, variables = tmp_path / "log", environment | {"FACTROOTS_SPARK_MASTER": url}
        with running_ui(variables, tmp_path / "driver", log) as api:
            assert api.wait(api.launch_job("everything"), seconds=900) == "SUCCESS", log.read_text()[-5000:]
    alone = environment | {
        "FACTROOTS_DATA_ROOT": str(tmp_path / "data"),
        "FACTROOTS_SPARK_MASTER": "local[2]",
    }
    home = make_home(tmp_path / "alone")
    until = ("--until", "fact_sources", "--until", "wikipedia_volume")
    run_factroots(alone | {"DAGSTER_HOME": str(home)}, home, "run", *until)
    ours = digests(tmp_path / "data" / "sandbox")
    theirs = digests(cache_folder(environment["FACTROOTS_DATA_ROOT"], tmp_path / "cache") / "sandbox")
    assert {"wikipedia_articles/de", "entity_mentions/en", "fact_sources/de"} <= ours.keys()
    assert ours.items() <= theirs.items()
    assert {"fact_verdicts", "categorization_report"} <= {name.partition("/")[0] for name in theirs}


def digests(root: Path) -> dict[str, str]:
    """By asset and keys, the digest of what every partition holds, from a data root or a cache."""
    manifests = sorted(root.rglob(MANIFEST))
    assert manifests
    return {
        path.parent.relative_to(root).as_posix(): json.loads(path.read_bytes())["digest"]
        for path in manifests
    }
