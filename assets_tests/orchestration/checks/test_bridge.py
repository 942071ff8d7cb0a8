"""How a suite becomes an asset check: per partition, blocking, with words; in real Dagster runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pandas as pd
import pyarrow as pa
import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.assets.base import Shown, asset, publish_each
from factroots_dagster.orchestration.automation.failures import failure_summary
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.bridge import Suite, asset_check, to_check_result, validate
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

BROKEN = -1
SCHEMA = pa.schema([("n", pa.int64())])
LANGUAGES = dg.StaticPartitionsDefinition(["qaa", "qab", "qac"])
RANGE = {"dagster/asset_partition_range_start": "qaa", "dagster/asset_partition_range_end": "qac"}


def definitions(store: Store, high: dict[str, int], severity: str = "critical") -> list[Any]:
    """An asset with one number a language, a check that it is at most 5, and an asset after it."""

    def numbers(context) -> None:  # type: ignore[no-untyped-def]
        def build(work: Any, language: str) -> Shown:
            if high.get(language) == BROKEN:
                raise InputError("line 3 is no JSON")
            work.write(pa.table({"n": [high.get(language, 1)]}), SCHEMA)
            return Shown()

        publish_each(context, store, build)

    def after(context) -> None:  # type: ignore[no-untyped-def]
        context.log.info("ran")

    suite = Suite(
        lambda store, language: store.read("numbers", language).to_pandas(),
        lambda language: expect.within("n", 0, 5, severity=severity),
        says=lambda frame: f"{len(frame)} rows seen",
    )
    return [
        asset(group="g", kinds=("python",), partitions_def=LANGUAGES)(numbers),
        asset(group="g", kinds=("python",), partitions_def=LANGUAGES, deps=["numbers"])(after),
        asset_check("numbers", suite, store, LANGUAGES),
    ]


def evaluations(result: dg.ExecuteInProcessResult) -> dict[str | None, dg.AssetCheckEvaluation]:
    return {check.partition: check for check in result.get_asset_check_evaluations()}


def test_a_range_is_checked_partition_by_partition(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            definitions(Store(tmp_path, "w"), {"qab": 9}), instance=instance, tags=RANGE, raise_on_error=False
        )
    found = evaluations(result)
    assert {key: check.passed for key, check in found.items()} == {
        "qaa": True, "qab": False, "qac": True, None: False,
    }  # fmt: skip
    assert found[None].description == "2 of 3 partitions pass; failed: qab"
    assert "be_between of n (observed: 1 unexpected: row 0: 9); 1 rows seen" in str(found["qab"].description)
    assert not result.success and "after" not in {
        event.step_key for event in result.get_step_success_events()
    }


def test_what_a_failing_step_has_finished_is_checked(tmp_path: Path) -> None:
    """One language of three cannot be made: the step fails, and the others are published and checked."""
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            definitions(Store(tmp_path, "w"), {"qaa": BROKEN, "qab": 9}),
            instance=instance,
            tags=RANGE,
            raise_on_error=False,
        )
        check = dg.AssetCheckKey(dg.AssetKey("numbers"), "expectations")
        kept = instance.event_log_storage.get_asset_check_partition_info([check])
        published = instance.get_materialized_partitions(dg.AssetKey("numbers"))
        text = failure_summary(instance, instance.get_run_by_id(result.run_id))  # type: ignore[arg-type]
    assert not result.success and published == {"qab", "qac"}
    assert "qaa: line 3 is no JSON" in text and "## check of numbers [qab]" in text and "[qac]" not in text
    status = {info.partition_key: info.latest_execution_status.value for info in kept}
    assert (status["qab"], status["qac"]) == ("FAILED", "SUCCEEDED") and status.get("qaa") != "SUCCEEDED"


def test_a_partition_that_cannot_be_read_fails_its_check_and_the_others_are_checked(tmp_path: Path) -> None:
    store = Store(tmp_path, "w")
    numbers, _, check = definitions(store, {})
    with dg.instance_for_test() as instance:
        dg.materialize([numbers], instance=instance, tags=RANGE)
        next(store.path("numbers", "qab").glob("*.parquet")).write_bytes(b"no table")
        result = dg.materialize(
            [numbers, check],
            selection=dg.AssetSelection.checks(check),
            instance=instance,
            tags=RANGE,
            raise_on_error=False,
        )
    found = evaluations(result)
    assert [key for key, each in found.items() if not each.passed] == ["qab", None]
    assert "materialize this partition again" in str(found["qab"].description) and not result.success


def test_one_partition_alone(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        result = dg.materialize(definitions(Store(tmp_path, "w"), {}), instance=instance, partition_key="qab")
    assert {key: check.passed for key, check in evaluations(result).items()} == {"qab": True}


def test_an_expectation_of_warning_severity_does_not_block(tmp_path: Path) -> None:
    with dg.instance_for_test() as instance:
        result = dg.materialize(
            definitions(Store(tmp_path, "w"), {"qab": 9}, "warning"), instance=instance, partition_key="qab"
        )
    (check,) = evaluations(result).values()
    assert result.success and not check.passed and check.severity == dg.AssetCheckSeverity.WARN


def test_a_failed_check_names_the_rows() -> None:
    frame = pd.DataFrame({"uuid": ["a", "b", "c"], "language": "el", "n": [1, 9, 8]})
    result = to_check_result(validate(frame, expect.within("n", 0, 5), "numbers"))
    assert "2 unexpected: n 9, uuid b, language el; n 8, uuid c, language el" in str(result.description)


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
    assert "has not been materialized; run: dagster asset materialize" in description
    assert not list(tmp_path.rglob("*.parquet"))
