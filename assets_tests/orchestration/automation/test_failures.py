"""What a failing partition does to a run: the others are made, a retry helps or is not made, a page tells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pytest

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.orchestration.assets.base import Shown, asset, publish_each
from factroots_dagster.orchestration.automation.failures import failure_summary, summaries_folder
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.bridge import Suite, asset_check
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

SCHEMA = pa.schema([("uuid", pa.string()), ("n", pa.int64())])
LANGUAGES = dg.StaticPartitionsDefinition(["el", "hy", "uk"])
RANGE = {"dagster/asset_partition_range_start": "el", "dagster/asset_partition_range_end": "uk"}
RETRIES = dg.RetryPolicy(max_retries=2, delay=0)


def run(
    store: Store, instance: dg.DagsterInstance, errors: dict[str, list[Exception]], tags: dict[str, str]
) -> tuple[dg.ExecuteInProcessResult, list[str]]:
    """Materialize a stand-in of `mlama_split` whose languages fail with these errors, one a try."""
    tried: list[str] = []

    def mlama_split(context) -> None:  # type: ignore[no-untyped-def]
        def build(work: Any, language: str) -> Shown:
            tried.append(language)
            if left := errors.get(language):
                raise left.pop(0)
            work.write(pa.table({"uuid": ["a", "b"], "n": [1, 9]}), SCHEMA)
            return Shown()

        publish_each(context, store, build)

    made = asset(group="g", kinds=("python",), partitions_def=LANGUAGES, retry_policy=RETRIES)(mlama_split)
    result = dg.materialize([made], instance=instance, tags=tags, raise_on_error=False)
    return result, tried


def test_bad_input_of_one_language_does_not_stop_the_others(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")
    with dg.instance_for_test() as instance:
        result, tried = run(store, instance, {"hy": [InputError("hy.jsonl: line 3 is no JSON")] * 9}, RANGE)
        assert not result.success and tried == ["el", "hy", "uk"]  # each once: bad input stays bad
        assert store.keys("mlama_split") == ["el", "uk"]
        assert instance.get_materialized_partitions(dg.AssetKey("mlama_split")) == {"el", "uk"}
        text = failure_summary(instance, instance.get_run_by_id(result.run_id))  # type: ignore[arg-type]
    assert "1 of 3 partitions failed" in text and "hy: hy.jsonl: line 3 is no JSON" in text
    assert "partition: el to uk" in text


def test_what_is_unavailable_is_tried_again_and_what_is_finished_is_not(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")
    with dg.instance_for_test() as instance:
        result, tried = run(store, instance, {"hy": [UnavailableError("no answer")] * 2}, RANGE)
    assert result.success and tried == ["el", "hy", "uk", "hy", "hy"]


def test_a_broken_worker_is_tried_again(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")
    with dg.instance_for_test() as instance:
        result, tried = run(store, instance, {"hy": [RuntimeError("worker lost")]}, RANGE)
    assert result.success and tried == ["el", "hy", "hy", "uk"]


def test_one_run_has_one_data_version_made_of_all(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")
    with dg.instance_for_test() as instance:
        run(store, instance, {}, {"dagster/partition": "el"})
        event = instance.get_latest_materialization_event(dg.AssetKey("mlama_split"))
    assert event is not None and event.asset_materialization is not None
    assert event.asset_materialization.tags["dagster/data_version"] == store.digest("mlama_split", "el")


def test_a_failed_check_is_in_the_page_with_its_rows(tmp_path: Path) -> None:
    store = Store(tmp_path, "mlama")

    def numbers(context) -> None:  # type: ignore[no-untyped-def]
        def build(work: Any, language: str) -> Shown:
            work.write(pa.table({"uuid": ["a", "b"], "n": [1, 9]}), SCHEMA)
            return Shown()

        publish_each(context, store, build)

    suite = Suite(
        lambda store, language: store.read("numbers", language).to_pandas(),
        lambda language: expect.within("n", 0, 5),
    )
    parts = [
        asset(group="g", kinds=("python",), partitions_def=LANGUAGES)(numbers),
        asset_check("numbers", suite, store, LANGUAGES),
    ]
    with dg.instance_for_test() as instance:
        result = dg.materialize(parts, instance=instance, partition_key="el", raise_on_error=False)
        assert not result.success
        text = failure_summary(instance, instance.get_run_by_id(result.run_id))  # type: ignore[arg-type]
    assert (
        "check of numbers [el]" in text and "n 9, uuid b" in text and "the rows that the check names" in text
    )


def test_the_sensor_writes_one_page_a_failed_run(tmp_path: Path) -> None:
    settings = Settings(world="mlama", data_root=tmp_path, mlama_source=str(tmp_path / "no.zip"))
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
    (page,) = summaries_folder(settings).iterdir()
    text = page.read_text()
    assert "mlama_release" in text and "no.zip" in text and "## What to do" in text


@pytest.mark.parametrize("name", ["mlama_release", "wikipedia_dump", "checkpoint", "wikipedia_articles"])
def test_what_can_be_out_of_reach_is_retried(tmp_path: Path, name: str) -> None:
    built = build_defs(Settings(world="mlama", data_root=tmp_path))
    definition = next(made for made in built.assets or () if dg.AssetKey(name) in made.keys)  # type: ignore[union-attr]
    policy = definition.op.retry_policy  # type: ignore[union-attr]
    assert policy is not None and policy.max_retries >= 2 and policy.backoff == dg.Backoff.EXPONENTIAL
