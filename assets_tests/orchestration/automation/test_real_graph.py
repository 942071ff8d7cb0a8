"""The automation drives real runs of the graph's sources, from nothing and after changes."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from factroots_dagster.orchestration import catalog
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

LANGUAGES = ("de", "fr")
SOURCES = {
    "mlama_release",
    "planted_truth",
    "fact_coverage",
    "mlama_split",
    "wikipedia_dump",
    "wikipedia_articles",
    "entity_mentions",
    "fact_sources",
    "wikipedia_volume",
}
UNPARTITIONED = {"mlama_release", "planted_truth", "fact_coverage"}
ALL = sorted(
    [(name, None) for name in UNPARTITIONED]
    + [(name, language) for name in SOURCES - UNPARTITIONED for language in LANGUAGES],
    key=str,
)


def settle(settings: Settings, instance: dg.DagsterInstance, cursor: object) -> tuple[list, object]:  # type: ignore[type-arg]
    """Tick, and run what is asked for as the daemon would, until nothing is; what ran, and the cursor."""
    built = build_defs(settings)
    assets = [*(built.assets or ())]
    ran = []
    for _ in range(20):
        selection = dg.AssetSelection.assets(*SOURCES)
        result = dg.evaluate_automation_conditions(built, instance, asset_selection=selection, cursor=cursor)
        cursor = result.cursor
        if not result.total_requested:
            return ran, cursor
        for name in sorted(SOURCES):
            keys = sorted(result.get_requested_partitions(dg.AssetKey(name)), key=str)
            if not keys:
                continue
            tags = {}
            if keys != [None]:
                tags = {
                    "dagster/asset_partition_range_start": keys[0],
                    "dagster/asset_partition_range_end": keys[-1],
                }
            done = dg.materialize(
                assets,
                selection=dg.AssetSelection.assets(name),
                instance=instance,
                resources=built.resources,
                tags=tags,
                run_config={"loggers": {"console": {"config": {"log_level": "ERROR"}}}},
            )
            assert done.success
            ran += [(name, key) for key in keys]
    raise AssertionError("not settled")


@pytest.mark.slow
def test_changes_go_down_real_runs_once(
    tmp_path: Path, spark: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Settings(data_root=tmp_path, languages=LANGUAGES, spark_master="local[2]")
    store = Store(tmp_path, "sandbox")
    with dg.instance_for_test() as instance:
        ran, cursor = settle(first, instance, None)
        assert sorted(ran, key=str) == ALL
        before = {partition: digest(store, *partition) for partition in ALL}

        row = catalog.CATALOG["wikipedia_articles"]
        raised = replace(row, number=99)
        monkeypatch.setitem(catalog.CATALOG, "wikipedia_articles", raised)  # type: ignore[arg-type]
        monkeypatch.setattr(catalog, "ROWS", tuple(catalog.CATALOG[each.name] for each in catalog.ROWS))
        ran, cursor = settle(first, instance, cursor)
        assert ran == [("wikipedia_articles", language) for language in LANGUAGES]  # and the same came out
        assert {partition: digest(store, *partition) for partition in ALL} == before

        other = first.model_copy(update={"sandbox_seed": 5})
        ran, cursor = settle(other, instance, cursor)
        assert sorted(ran, key=str) == ALL  # another world: everything again, and once
        assert settle(other, instance, cursor)[0] == []


def digest(store: Store, name: str, key: str | None) -> str:
    return store.digest(name, *([key] if key else []))
