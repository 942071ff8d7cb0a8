"""Checks in Dagster: one outcome a partition, one check that blocks and one that warns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pytest
from markdown_it import MarkdownIt

from assets_tests.orchestration.stand_ins import StandIn, good_rows, numbers_suite
from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.automation.failures import failure_summary
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.bridge import BLOCKING, WARNING, outcome, validate
from factroots_dagster.settings import Settings

Evaluations = dict[tuple[str, str | None], dg.AssetCheckEvaluation]


@dg.asset(
    deps=["mlama_split"],
    partitions_def=dg.StaticPartitionsDefinition(["el", "hy", "uk"]),
    backfill_policy=dg.BackfillPolicy.single_run(),
)
def reader() -> None:
    """Reads `mlama_split`."""


def rows_with(**values: int) -> Any:
    """Rows of which those of some languages are out of range."""

    def make(language: str) -> list[dict[str, Any]]:
        return [*good_rows(language), {"uuid": "c", "n": values.get(language, 3)}]

    return make


def evaluations(result: dg.ExecuteInProcessResult) -> Evaluations:
    return {(check.check_name, check.partition): check for check in result.get_asset_check_evaluations()}


def test_a_range_is_checked_partition_by_partition(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = StandIn(monkeypatch, tmp_path, rows_with(hy=9))
    with dg.instance_for_test() as instance:
        result = world.run(instance, more=[reader])
    found = evaluations(result)
    assert {key: found[BLOCKING, key].passed for key in ("el", "hy", "uk", None)} == {
        "el": True, "hy": False, "uk": True, None: False,
    }  # fmt: skip
    assert found[BLOCKING, None].description == "2 of 3 partitions pass; failed: hy"
    assert "not met: n is between 0 and 5 (1 rows: n 9, uuid c)" in str(found[BLOCKING, "hy"].description)
    assert found[WARNING, "hy"].passed and "3 rows seen" in str(found[WARNING, "hy"].description)
    steps = {event.step_key for event in result.get_step_success_events()}
    assert not result.success and "reader" not in steps


def test_what_a_failing_step_has_finished_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One language of three cannot be made: the step fails, and the others are written and checked."""

    def make(language: str) -> list[dict[str, Any]]:
        if language == "el":
            raise InputError("line 3 is not JSON", "correct it")
        return rows_with(hy=9)(language)  # type: ignore[no-any-return]

    world = StandIn(monkeypatch, tmp_path, make)
    with dg.instance_for_test() as instance:
        result = world.run(instance)
        check = dg.AssetCheckKey(dg.AssetKey("mlama_split"), BLOCKING)
        infos = instance.event_log_storage.get_asset_check_partition_info([check])
        written = instance.get_materialized_partitions(dg.AssetKey("mlama_split"))
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        text = failure_summary(instance, run)
    assert not result.success and written == {"hy", "uk"}
    assert "el: line 3 is not JSON" in text and "## check of mlama_split (hy)" in text and "(uk)" not in text
    status = {info.partition_key: info.latest_execution_status.value for info in infos}
    assert (status["hy"], status["uk"]) == ("FAILED", "SUCCEEDED") and status.get("el") != "SUCCEEDED"


def test_a_partition_that_cannot_be_read_fails_its_check_and_the_others_are_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = StandIn(monkeypatch, tmp_path, good_rows)
    with dg.instance_for_test() as instance:
        world.run(instance, with_checks=False)
        next(world.store.require("mlama_split", "hy").glob("*.parquet")).write_bytes(b"no table")
        result = world.run(instance, selection=dg.AssetSelection.checks(*world.checks))
    found = evaluations(result)
    failed = {key for (name, key), check in found.items() if name == BLOCKING and not check.passed}
    assert failed == {"hy", None}
    assert "materialize this partition again" in str(found[BLOCKING, "hy"].description) and not result.success


def test_one_partition_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = StandIn(monkeypatch, tmp_path, good_rows)
    with dg.instance_for_test() as instance:
        found = evaluations(world.run(instance, partition_key="hy"))
    assert {key: check.passed for key, check in found.items()} == {
        (BLOCKING, "hy"): True,
        (WARNING, "hy"): True,
    }


def test_an_expectation_of_warning_severity_does_not_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = StandIn(monkeypatch, tmp_path, rows_with(hy=9), suite=numbers_suite("warning"))
    with dg.instance_for_test() as instance:
        result = world.run(instance, partition_key="hy", more=[reader])
    found = evaluations(result)
    assert result.success and found[BLOCKING, "hy"].passed
    assert not found[WARNING, "hy"].passed and found[WARNING, "hy"].severity == dg.AssetCheckSeverity.WARN


def test_a_failed_check_names_the_rows() -> None:
    frame = pd.DataFrame({"uuid": ["a", "b", "c"], "language": "el", "n": [1, 9, 8]})
    found = outcome(validate(frame, expect.within("n", 0, 5), "numbers"), BLOCKING)
    assert "2 rows: n 9, uuid b, language el; n 8, uuid c, language el" in found.description
    assert found.metadata["not_met"] == 1


@pytest.mark.parametrize("keys", [None, ("hy",)])
def test_a_picture_in_a_uuid_is_text_in_the_ui_and_on_the_failure_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, keys: tuple[str] | None
) -> None:
    """In what is recorded of one partition, and of each of several."""
    uuid = "![x](http://host/p.png) <img src=x>"
    world = StandIn(monkeypatch, tmp_path, lambda language: [*good_rows(language), {"uuid": uuid, "n": 9}])
    with dg.instance_for_test() as instance:
        result = world.run(instance, **({} if keys is None else {"partition_key": keys[0]}))
        run = instance.get_run_by_id(result.run_id)
        assert run is not None
        page = failure_summary(instance, run)
    for check in result.get_asset_check_evaluations():
        shown = MarkdownIt().parse(str(check.description))[1].children or []
        assert {piece.type for piece in shown} <= {"text", "text_special"}
    assert f"n 9, uuid {uuid})" in page
    assert "<img" not in MarkdownIt().render(page)


@pytest.mark.parametrize("name", ["fact_coverage", "checkpoint_comparison"])
def test_a_missing_input_fails_once_and_names_the_remedy(tmp_path: Path, name: str) -> None:
    built = build_defs(Settings(world="sandbox", data_root=tmp_path))
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [*(built.assets or ())],
            selection=dg.AssetSelection.assets(name),
            resources=built.resources,
            instance=instance,
            raise_on_error=False,
        )
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    description = failure.step_failure_data.user_failure_data.description
    assert "has not been materialized. To fix it, run: dagster asset materialize" in description
    assert not list(tmp_path.rglob("*.parquet"))
