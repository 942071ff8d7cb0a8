"""Hostile inputs through Dagster: the step fails once, with the error's message, and old data stay."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.files import file_digests
from assets_tests.hostile import archives
from assets_tests.hostile.releases import write_release
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.partitions import checkpoint_set
from factroots_dagster.settings import Settings

REMEDY = ". To fix it, "


def run_asset(settings: Settings, asset: str, key: str | None) -> str | None:
    """Materialize an asset; the message of its one failure, which is not retried, or None if it succeeds."""
    definitions = build_defs(settings)
    assets: list[Any] = list(definitions.assets or ())
    with dg.DagsterInstance.ephemeral() as instance:
        if asset == "checkpoint" and key is not None:
            instance.add_dynamic_partitions(checkpoint_set(settings.world), [key])
        result = dg.materialize(
            assets,
            selection=dg.AssetSelection.assets(asset),
            instance=instance,
            resources=definitions.resources,
            partition_key=key,
            raise_on_error=False,
        )
    if result.success:
        return None
    (event,) = (event for event in result.all_events if event.is_step_failure)
    assert not any(event.is_step_up_for_retry for event in result.all_events)
    data = event.step_failure_data.user_failure_data
    assert data is not None and data.description, event.step_failure_data.error
    return data.description


@pytest.mark.timeout(300)
def test_bad_sources_fail_once_with_a_remedy_and_leave_the_old_data(tmp_path: Path) -> None:
    release, dumps = tmp_path / "release", tmp_path / "dumps"
    write_release(release, language="nl")
    dumps.mkdir()
    name = "nlwiki-20240101-pages-articles.xml.bz2"
    write_dump(dumps, dump_xml([page_xml(1, "A", "Tekst.")]), name)
    settings = Settings(
        world="mlama",
        data_root=tmp_path / "data",
        languages=("nl",),
        mlama_source=str(release),
        wikipedia_source=str(dumps),
    )
    assert run_asset(settings, "mlama_release", None) is None
    assert run_asset(settings, "wikipedia_dump", "nl") is None
    before = file_digests(tmp_path / "data")
    (tmp_path / "evil.zip").write_bytes(archives.make_zip(("../../evil.jsonl", b"{}")))
    (dumps / name).write_bytes(b"no bz2")
    hostile = settings.model_copy(update={"mlama_source": str(tmp_path / "evil.zip")})
    message = run_asset(hostile, "mlama_release", None) or ""
    assert "evil.zip" in message and "'../../evil.jsonl'" in message and REMEDY in message
    message = run_asset(hostile, "wikipedia_dump", "nl") or ""
    assert str(dumps / name) in message and REMEDY in message
    assert file_digests(tmp_path / "data") == before


@pytest.mark.parametrize("key", ["../../evil", "a/b", "evil\\x", ".git", "nobody", "a b", "a|b", "x" * 300])
@pytest.mark.timeout(300)
def test_partition_keys_added_in_the_ui_are_refused_by_name(key: str, tmp_path: Path) -> None:
    settings = Settings(world="mlama", data_root=tmp_path / "data", languages=("nl",))
    message = run_asset(settings, "checkpoint", key) or ""
    assert key[:40].replace("\\", "\\\\") in message and REMEDY in message, message
    assert file_digests(tmp_path) == {}
