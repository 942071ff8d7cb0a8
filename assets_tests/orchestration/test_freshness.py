"""What the UI says of freshness and what the automation does agree, partition by partition."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.files import publish_changed
from assets_tests.models.folders import checkpoint_folder
from assets_tests.orchestration.automation.lab import (
    CHECKPOINTS,
    LANGUAGES,
    Lab,
    Partition,
    out_of_date,
    stale_in_the_ui,
)
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.orchestration import catalog
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.events import input_tags, materialization
from factroots_dagster.orchestration.process import rebuild_history
from factroots_dagster.orchestration.stages import StageFailedError, StageRunner
from factroots_dagster.settings import Settings
from factroots_dagster.store.verify import verify_world
from factroots_dagster.store.versions import MANIFEST

CHEAP = {"mlama_release", "planted_truth", "mlama_split", "fact_coverage"}
"""Assets that take no model and no Spark: the situations are tried on real runs of them."""


def agreed(lab: Lab) -> set[Partition]:
    """What is out of date, on which the automation and the UI agree."""
    stale = lab.stale_in_the_ui()
    assert lab.out_of_date() == stale
    return stale


def test_one_language_made_again_with_the_same_content_makes_nothing_stale(lab: Lab) -> None:
    lab.make("mlama_split", "el")
    assert agreed(lab) == set()


def test_one_language_changed_makes_stale_what_reads_it(lab: Lab) -> None:
    lab.content["mlama_split", "el"] = "changed"
    lab.make("mlama_split", "el")
    stale = agreed(lab)
    assert {("entity_mentions", "el"), ("predictions", "step-1|el"), ("fact_coverage", None)} <= stale
    assert ("entity_mentions", "bn") not in stale and ("predictions", "step-1|bn") not in stale
    lab.settle()
    assert agreed(lab) == set()


def test_a_new_checkpoint_is_missing_and_makes_the_comparison_stale(lab: Lab) -> None:
    checkpoint_folder(lab.settings.checkpoints / "step-3")  # type: ignore[operator]
    lab.register("step-3")
    cells = {f"step-3|{language}" for language in LANGUAGES}
    stale = agreed(lab)
    assert {key for _, key in stale - {("knowledge_timeline", None)}} == {"step-3", *cells}
    assert ("knowledge_timeline", None) in stale  # its run has another last checkpoint
    while ("fact_types", "step-3") in agreed(lab):
        for asset, partition in lab.tick():
            lab.make(asset, partition)
    assert ("checkpoint_comparison", None) in agreed(lab)
    lab.settle()
    assert agreed(lab) == set()


def test_a_changed_setting_makes_stale_what_reads_it(lab: Lab) -> None:
    lab.use(lab.settings.model_copy(update={"wikipedia_lists": False}))
    assert agreed(lab) == {("wikipedia_articles", language) for language in LANGUAGES}
    lab.settle()
    assert agreed(lab) == set()


def test_a_raised_number_makes_an_asset_stale(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    row = catalog.CATALOG["fact_types"]
    monkeypatch.setitem(catalog.CATALOG, "fact_types", replace(row, number=row.number + 1))  # type: ignore[arg-type]
    monkeypatch.setattr(catalog, "ROWS", tuple(catalog.CATALOG[each.name] for each in catalog.ROWS))
    lab.use(lab.settings)
    assert agreed(lab) == {("fact_types", key) for key in CHECKPOINTS}


@pytest.mark.parametrize("asset", ["mlama_release", "mlama_split", "fact_types", "checkpoint_comparison"])
def test_a_wiped_asset_is_missing_until_it_is_made_again(lab: Lab, asset: str) -> None:
    lab.instance.wipe_assets([dg.AssetKey(asset)])
    wiped = {partition for partition in agreed(lab) if partition[0] == asset}
    assert wiped
    lab.settle()
    assert agreed(lab) == set()


class Cheap:
    """Real runs of the assets of CHEAP, with their checks."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance) -> None:
        self.settings, self.instance = settings, instance
        self.lines: list[str] = []
        self.runner: StageRunner = stage_runner(settings, instance, self.lines.append)
        self.graph = build_defs(settings).resolve_asset_graph()

    def agreed(self) -> set[Partition]:
        """What of CHEAP is out of date, on which the automation and the UI agree."""
        automation = {item for item in out_of_date(self.settings, self.instance) if item[0] in CHEAP}
        ui = {item for item in stale_in_the_ui(self.settings, self.instance, self.graph) if item[0] in CHEAP}
        assert automation == ui
        return ui

    def make_all(self) -> None:
        self.runner.run("release", ["mlama_release", "planted_truth"])
        self.runner.run("splits", ["mlama_split"], "en", "fr")
        self.runner.run("coverage", ["fact_coverage"])
        assert self.agreed() == set()


def cheap_settings(folder: Path, world: str = "sandbox") -> Settings:
    return Settings(world=world, data_root=folder / "data", languages=("en", "de", "fr"))  # type: ignore[arg-type]


@pytest.fixture
def cheap(tmp_path: Path) -> Iterator[Cheap]:
    with dg.instance_for_test() as instance:
        cheap = Cheap(cheap_settings(tmp_path), instance)
        cheap.make_all()
        yield cheap


def test_a_history_that_was_lost_is_rebuilt_from_a_copy_of_the_store(cheap: Cheap, tmp_path: Path) -> None:
    """Backup and restore: a copy of the data root, and an empty DAGSTER_HOME."""
    shutil.copytree(cheap.settings.data_root, tmp_path / "copy", symlinks=True)
    shutil.rmtree(cheap.settings.data_root)
    settings = cheap.settings.model_copy(update={"data_root": tmp_path / "copy"})
    with dg.instance_for_test() as instance:
        restored = Cheap(settings, instance)
        assert all(found.error is None for found in verify_world(restored.runner.platform.store.root))
        made = {"mlama_release", "planted_truth", "fact_coverage"}
        made |= {f"mlama_split/{language}" for language in ("en", "de", "fr")}
        rebuilt = list(rebuild_history(instance, restored.runner.platform))
        assert {name for name, error in rebuilt if error is None} == made and len(rebuilt) == len(made)
        assert restored.agreed() == set()
        assert list(rebuild_history(instance, restored.runner.platform)) == []


def test_what_cannot_be_recorded_is_passed_over(cheap: Cheap) -> None:
    store = cheap.runner.platform.store
    (store.path("mlama_split", "de") / MANIFEST).write_text("{")
    with dg.instance_for_test() as instance:
        rebuilt = dict(rebuild_history(instance, cheap.runner.platform))
    assert [name for name, error in rebuilt.items() if error] == ["mlama_split/de"]
    assert "damaged" in str(rebuilt["mlama_split/de"]) and len(rebuilt) == 6


def test_a_range_after_single_runs_makes_nothing_stale(cheap: Cheap) -> None:
    cheap.runner.run("one", ["mlama_split"], "de")
    assert cheap.agreed() == set()
    cheap.runner.run("all", ["mlama_split"], "en", "fr")
    assert cheap.agreed() == set()


def test_the_latest_event_of_each_partition_of_a_range_has_its_own_versions(cheap: Cheap) -> None:
    cheap.runner.run("all", ["mlama_split"], "en", "fr")
    store = cheap.runner.platform.store
    for language in cheap.settings.active_languages:
        event = cheap.instance.get_latest_data_version_record(
            dg.AssetKey("mlama_split"), partition_key=language
        )
        assert event is not None and event.asset_materialization is not None
        tags = event.asset_materialization.tags or {}
        assert tags["dagster/data_version"] == store.digest("mlama_split", language)
        assert tags["dagster/code_version"] == store.manifest("mlama_split", language)["code_version"]
        assert event.asset_materialization.metadata["dagster/partition_row_count"].value == 200


def test_a_failed_partition_of_a_range_is_stale_and_the_others_are_not(tmp_path: Path) -> None:
    """A new release changes every language; one of them cannot be read."""
    with dg.instance_for_test() as instance:
        Cheap(cheap_settings(tmp_path), instance).make_all()
        changed = Cheap(cheap_settings(tmp_path).model_copy(update={"sandbox_seed": 1}), instance)
        changed.runner.run("release", ["mlama_release", "planted_truth"])
        store = changed.runner.platform.store

        def spoil(release: Path) -> None:
            (release / "_release" / "de" / "P19.jsonl").write_text("no JSON\n", encoding="utf-8")

        publish_changed(store, store, spoil, "mlama_release")
        inputs = input_tags("mlama_release", changed.settings, instance)
        instance.report_runless_asset_event(materialization("mlama_release", store, (), inputs))
        changed.runner.run("truth", ["planted_truth"])
        languages = {("mlama_split", language) for language in ("en", "de", "fr")}
        assert changed.agreed() == languages
        with pytest.raises(StageFailedError, match="de"):
            changed.runner.run("all", ["mlama_split"], "en", "fr")
        assert changed.agreed() == {("mlama_split", "de"), ("fact_coverage", None)}


def test_two_worlds_in_one_dagster_home(tmp_path: Path) -> None:
    """What the other world made last is stale in this one, and made again."""
    with dg.instance_for_test() as instance:
        first, second = (
            Cheap(cheap_settings(tmp_path, world), instance) for world in ("sandbox", "disjoint")
        )
        first.make_all()
        assert ("mlama_split", "en") in second.agreed()
        second.make_all()
        assert {asset for asset, _ in first.agreed()} == CHEAP
        first.make_all()
