"""Lineage events and trackers, as runs of the real graph tell them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets_tests.orchestration.runs import materialize
from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.lineage_events import write_lineage_event
from factroots_dagster.orchestration.listeners import tell_listeners
from factroots_dagster.settings import Settings, load_settings
from factroots_dagster.store.store import Store

pytest.importorskip("openlineage.client", reason="needs openlineage-python (the extra `openlineage`)")


def read_events(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_events_of_all_assets_are_the_graph(tiny_world: tuple[Settings, Store], tmp_path: Path) -> None:
    """The graph as Dagster resolves it from the definitions, without what the tiny world leaves out."""
    settings, store = tiny_world
    made = {name: _partitions(store, name) for name in CATALOG}
    made = {name: partitions for name, partitions in made.items() if partitions}
    for name, partitions in made.items():
        for parts in partitions:
            write_lineage_event(tmp_path / "events.jsonl", store, name, parts, "run")
    graph = build_defs(settings).resolve_asset_graph()
    for event in read_events(tmp_path / "events.jsonl"):
        (output,) = event["outputs"]
        parents = graph.get(dg.AssetKey(output["name"])).parent_keys
        expected = {key.to_user_string() for key in parents} & made.keys()
        assert {one["name"] for one in event["inputs"]} == expected, output["name"]
        assert event["job"]["name"] == output["name"] and event["eventType"] == "COMPLETE"
        assert {one["namespace"] for one in (*event["inputs"], output)} == {"factroots/sandbox"}


def _partitions(store: Store, name: str) -> list[tuple[str, ...]]:
    partitions: list[tuple[str, ...]] = [()]
    for _ in CATALOG[name].partitioned_by:
        partitions = [(*parts, key) for parts in partitions for key in store.folders(name, *parts)]
    return [parts for parts in partitions if store.exists(name, *parts)]


def test_a_run_writes_an_event_per_partition_that_it_makes(tmp_path: Path) -> None:
    path = tmp_path / "lineage" / "events.jsonl"
    settings = Settings(world="sandbox", data_root=tmp_path / "data", openlineage=str(path))
    materialize(settings, "mlama_release")
    materialize(settings, "mlama_split", partition="de")
    release, split = read_events(path)
    assert release["inputs"] == [] and [one["name"] for one in split["inputs"]] == ["mlama_release"]
    tags = {tag["key"]: tag["value"] for tag in split["run"]["facets"]["tags"]["tags"]}
    manifest = Store(settings.data_root, "sandbox").manifest("mlama_split", "de")
    assert {"partition": "de", "dagster_run": manifest["run_id"]}.items() <= tags.items()
    facets = split["outputs"][0]["facets"]
    assert facets["version"]["datasetVersion"] == manifest["digest"]
    assert "template" in {field["name"] for field in facets["schema"]["fields"]}
    assert release["run"]["runId"] != split["run"]["runId"]


def test_what_goes_wrong_there_is_a_warning(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    below_a_file = str(tmp_path / "file" / "events.jsonl")
    settings = Settings(world="sandbox", data_root=tmp_path / "data", openlineage=below_a_file)
    materialize(settings, "mlama_release")
    store, warnings = Store(settings.data_root, "sandbox"), list[str]()
    tell_listeners(settings, store, "mlama_release", (), "run", warnings.append)
    assert len(warnings) == 1 and warnings[0].startswith("FACTROOTS_OPENLINEAGE: ")


def test_a_missing_package_is_named_with_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factroots_dagster.settings.find_spec", lambda name: None)
    for name, value in (("TRACKING", "wandb"), ("TRACKING", "trackio"), ("OPENLINEAGE", "events.jsonl")):
        extra = value if name == "TRACKING" else "openlineage"
        with monkeypatch.context() as changed, pytest.raises(InputError) as failed:
            changed.setenv(f"FACTROOTS_{name}", value)
            load_settings()
        assert f"FACTROOTS_{name}" in str(failed.value)
        assert f"pip install 'factroots-dagster[{extra}]'" in str(failed.value)
