"""What a failing partition does to a run: the others are made, retries only where they help, a page."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from assets_tests.orchestration.stand_ins import StandIn, good_rows
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.orchestration.automation.failures import (
    KEPT_PAGES,
    failure_summary,
    summaries_folder,
    write_summary,
)
from factroots_dagster.orchestration.automation.sensors import FAILURE_PAGE_TAG
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.materialization import AUTOMATIC_TAG
from factroots_dagster.settings import Settings

ASSET = dg.AssetKey("mlama_split")


class Attempts:
    """Makes good rows, but raises a language's errors first, one an attempt."""

    def __init__(self, **errors: list[BaseException]) -> None:
        self.errors = errors
        self.languages: list[str] = []

    def __call__(self, language: str) -> list[dict[str, Any]]:
        self.languages.append(language)
        if errors := self.errors.get(language):
            raise errors.pop(0)
        return good_rows(language)


def page(instance: dg.DagsterInstance, result: dg.ExecuteInProcessResult) -> str:
    run = instance.get_run_by_id(result.run_id)
    assert run is not None
    return failure_summary(instance, run)


def test_bad_input_of_one_language_does_not_stop_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(hy=[InputError("hy.jsonl: line 3 is not JSON", "correct it")] * 9)
    world = StandIn(monkeypatch, tmp_path, attempts, attempts=3)
    with dg.instance_for_test() as instance:
        result = world.run(instance)
        assert not result.success and attempts.languages == ["el", "hy", "uk"]  # bad input stays bad
        assert world.store.keys("mlama_split") == ["el", "uk"]
        assert instance.get_materialized_partitions(ASSET) == {"el", "uk"}
        text = page(instance, result)
    assert (
        "1 of 3 partitions failed" in text
        and "hy: hy.jsonl: line 3 is not JSON. To fix it, correct it" in text
    )
    assert "partition: el to uk" in text


def test_what_is_unavailable_is_retried_and_what_is_finished_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(hy=[UnavailableError("no answer", "try later")] * 2)
    world = StandIn(monkeypatch, tmp_path, attempts, attempts=3)
    with dg.instance_for_test() as instance:
        assert world.run(instance).success
    assert attempts.languages == ["el", "hy", "uk", "hy", "hy"]


def test_what_stays_unavailable_fails_in_the_words_of_the_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(hy=[UnavailableError("no answer", "try later")] * 9)
    world = StandIn(monkeypatch, tmp_path, attempts, attempts=3)
    with dg.instance_for_test() as instance:
        result = world.run(instance)
        assert not result.success and attempts.languages.count("hy") == 3
        assert "hy: no answer. To fix it, try later" in page(instance, result)


def test_a_retry_makes_what_was_current_before_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only what this run has finished is passed over: a forced run makes everything again."""
    with dg.instance_for_test() as instance:
        assert StandIn(monkeypatch, tmp_path, good_rows).run(instance).success
        attempts = Attempts(el=[UnavailableError("no answer", "try later")])
        assert StandIn(monkeypatch, tmp_path, attempts, attempts=2).run(instance).success
    assert attempts.languages == ["el", "hy", "uk", "el"]


def test_an_error_that_is_not_declared_transient_is_not_retried(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(hy=[RuntimeError("a defect")])
    world = StandIn(monkeypatch, tmp_path, attempts, attempts=3)
    with dg.instance_for_test() as instance:
        result = world.run(instance)
        assert not result.success and attempts.languages == ["el", "hy"]
        assert instance.get_materialized_partitions(ASSET) == {"el"}  # finished, and the history knows


def test_an_interrupted_run_is_not_retried_and_keeps_what_it_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attempts = Attempts(hy=[KeyboardInterrupt()])
    world = StandIn(monkeypatch, tmp_path, attempts, attempts=3)
    with dg.instance_for_test() as instance:
        assert not world.run(instance).success
        assert attempts.languages == ["el", "hy"]
        assert instance.get_materialized_partitions(ASSET) == {"el"}
    assert world.store.keys("mlama_split") == ["el"]


def test_a_run_of_the_automation_records_what_is_current_and_makes_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.instance_for_test() as instance:
        assert StandIn(monkeypatch, tmp_path, good_rows).run(instance, partition_key="el").success
        instance.wipe_assets([ASSET])
        attempts = Attempts()
        world = StandIn(monkeypatch, tmp_path, attempts)
        assert world.run(instance, tags={AUTOMATIC_TAG: "true"}).success
        assert instance.get_materialized_partitions(ASSET) == {"el", "hy", "uk"}
    assert attempts.languages == ["hy", "uk"]


def test_a_failed_check_is_in_the_page_with_its_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = StandIn(monkeypatch, tmp_path, lambda language: [{"uuid": "a", "n": 1}, {"uuid": "b", "n": 9}])
    with dg.instance_for_test() as instance:
        result = world.run(instance, partition_key="el")
        assert not result.success
        text = page(instance, result)
    assert "check of mlama_split (el)" in text and "n 9, uuid b" in text
    assert "n is between 0 and 5" in text


def test_the_sensor_writes_one_page_a_failed_run(tmp_path: Path) -> None:
    command = f"tee -a {tmp_path / 'alerts.txt'}"
    settings = Settings(
        world="mlama", data_root=tmp_path, mlama_source=str(tmp_path / "no.zip"), on_alert=command
    )
    built = build_defs(settings)
    sensor = next(sensor for sensor in built.sensors or () if sensor.name == "failure_sensor")
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            [*(built.assets or ())],
            selection=dg.AssetSelection.assets("mlama_release"),
            resources=built.resources,
            instance=instance,
            raise_on_error=False,
        )
        failed = instance.get_run_by_id(result.run_id)
        event = next(event for event in result.all_events if event.event_type_value == "PIPELINE_FAILURE")
        for _ in range(2):
            with dg.build_run_status_sensor_context(
                sensor_name="failure_sensor",
                dagster_instance=instance,
                dagster_run=failed,  # type: ignore[arg-type]
                dagster_event=event,
            ).for_run_failure() as context:
                sensor(context)  # type: ignore[operator]
        tagged = instance.get_run_by_id(result.run_id).tags[FAILURE_PAGE_TAG]  # type: ignore[union-attr]
    (path,) = summaries_folder(settings).iterdir()
    assert tagged == str(path)
    text = path.read_text()
    alert = f"factroots, world mlama: run {result.run_id[:8]} failed\n\n{text}"
    assert (tmp_path / "alerts.txt").read_text() == alert * 2
    assert "mlama_release" in text and "no.zip" in text and "## What to do" in text


def test_only_the_newest_pages_are_kept(tmp_path: Path) -> None:
    for number in range(KEPT_PAGES + 3):
        os.utime(write_summary(tmp_path, f"run-{number}", "text"), (number, number))
    write_summary(tmp_path, "run-5", "again")
    kept = {f"run-{number}" for number in range(4, KEPT_PAGES + 3)} - {"run-4"}
    assert {path.stem for path in tmp_path.iterdir()} >= kept
    assert len(list(tmp_path.iterdir())) == KEPT_PAGES


def test_what_can_be_out_of_reach_is_retried_and_nothing_else() -> None:
    retried = {name for name, row in CATALOG.items() if row.attempts > 1}
    spark = {name for name, row in CATALOG.items() if "spark" in row.resources}
    assert retried == {"mlama_release", "wikipedia_dump", "checkpoint", *spark}
