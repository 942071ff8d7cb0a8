"""What is up to date is not made again; what changed, is missing, or failed its check is."""

from __future__ import annotations

import shutil
from pathlib import Path

import dagster as dg

from factroots_dagster.cli.run import stage_runner
from factroots_dagster.cli.yardstick import NEEDED_ASSETS
from factroots_dagster.orchestration.catalog import CATALOG, ancestors
from factroots_dagster.orchestration.outdated import current_assets, find_current
from factroots_dagster.orchestration.partitions import LANGUAGE, platform_for
from factroots_dagster.orchestration.stages import Stage, stages
from factroots_dagster.settings import Settings

DIALS = "languages=3,relations=3,facts_per_relation=12"
STAGES = (Stage((), ("mlama_release",)), Stage((LANGUAGE,), ("mlama_split",)), Stage((), ("fact_coverage",)))
EVERYTHING = ["mlama_release", "mlama_split in 3 languages", "fact_coverage"]


def test_what_is_made_from_an_outdated_asset_of_its_stage_is_made_again() -> None:
    """Before a run all but the changed asset look current: they were made from what is still on disk."""
    stage = next(stage.assets for stage in stages(list(CATALOG.values())) if "wikipedia_dump" in stage.assets)
    needed = [name for name in stage if name in NEEDED_ASSETS]
    assert {"mlama_split", "wikipedia_articles", "fact_sources"} <= set(needed)
    assert current_assets(needed, lambda name: True) == needed
    current = current_assets(needed, lambda name: name != "wikipedia_dump")
    assert "mlama_split" in current
    made_from_it = {name for name in needed if "wikipedia_dump" in ancestors(name)}
    assert "fact_sources" in made_from_it and made_from_it.isdisjoint(current)
    assert set(current) == set(needed) - made_from_it - {"wikipedia_dump"}


def make(settings: Settings, instance: dg.DagsterInstance) -> list[str]:
    """Make what is not up to date of three stages; returns what was said of it."""
    said: list[str] = []
    runner = stage_runner(settings, instance, said.append)
    made = [runner.run_stage(stage, only_outdated=True) for stage in STAGES]
    titles = [line for line in said if not line.startswith("  ")]
    assert made.count(True) == len(titles)
    return titles


def test_a_second_run_makes_what_changed_and_nothing_else(tmp_path: Path) -> None:
    settings = Settings(world="sandbox", data_root=tmp_path / "data", sandbox_dials=DIALS)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        assert make(settings, instance) == EVERYTHING
        assert make(settings, instance) == []
        shutil.rmtree(platform_for(settings).store.path("mlama_split", settings.active_languages[1]))
        assert make(settings, instance) == EVERYTHING[1:2]  # what comes out is the same
        assert make(settings.model_copy(update={"sandbox_seed": 1}), instance) == EVERYTHING


def test_what_failed_its_blocking_check_is_not_up_to_date(tmp_path: Path) -> None:
    settings = Settings(world="sandbox", data_root=tmp_path / "data", sandbox_dials=DIALS)
    platform, language = platform_for(settings), settings.active_languages[1]
    with dg.DagsterInstance.local_temp(str(tmp_path)) as instance:
        make(settings, instance)
        assert find_current(platform, instance, ["mlama_split"], None) == ["mlama_split"]
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("mlama_split"),
                check_name="blocking",
                passed=False,
                metadata={},
                partition=language,
            )
        )
        assert find_current(platform, instance, ["mlama_split"], None) == []
        assert make(settings, instance) == EVERYTHING[1:2]
        assert make(settings, instance) == []
