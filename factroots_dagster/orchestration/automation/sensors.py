"""Sensors: new checkpoints, changes that go downstream, and runs that failed or were lost."""

import time
from collections.abc import Sequence

import dagster as dg

from factroots_dagster.orchestration.automation.checkpoint_scan import Seen, State, look
from factroots_dagster.orchestration.automation.failures import (
    failure_summary,
    summaries_folder,
    write_summary,
)
from factroots_dagster.orchestration.partitions import Platform, checkpoint_set
from factroots_dagster.orchestration.process import fail_orphaned_runs

ASKED_TAG = "factroots/asked"


def platform_sensors(platform: Platform) -> list[dg.SensorDefinition]:
    """`checkpoint_sensor`, `refresh_sensor`, `failure_sensor` and `lost_run_sensor` of a world."""

    @dg.sensor(
        name="checkpoint_sensor",
        job_name="describe_checkpoint",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Registers new checkpoints and new versions of known ones as partitions, and has them "
        "described; refresh_sensor has them probed.",
    )
    def checkpoint_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        state = State.of(context.cursor)
        partitions = context.instance.get_dynamic_partitions(checkpoint_set(platform.settings))
        seen = look(platform.settings, state, partitions, time.time())
        if words := seen.words():
            context.log.warning(words)
        requests = requests_for(context.instance, seen)
        new = [key for key in seen.wanted if key not in partitions]
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=[platform.checkpoints.build_add_request(new)] if new else [],
            skip_reason=None if requests else _nothing(partitions, words),
            cursor=state.cursor(),
        )

    @dg.run_failure_sensor(
        name="failure_sensor",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes one readable summary of every failed run.",
    )
    def failure_sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        path = write_summary(
            summaries_folder(platform.settings), run.run_id, failure_summary(context.instance, run)
        )
        context.log.info(f"what failed and what to do: {path}")

    @dg.sensor(
        name="lost_run_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports runs whose process was killed as failed: they would hold the queue.",
    )
    def lost_run_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        lost = fail_orphaned_runs(context.instance)
        return dg.SkipReason(f"lost and reported as failed: {', '.join(lost)}" if lost else "no run was lost")

    refresh_sensor = dg.AutomationConditionSensorDefinition(
        name="refresh_sensor",
        target=dg.AssetSelection.all(),
        use_user_code_server=True,
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Makes what is missing or out of date, once everything upstream of it is up to date.",
    )
    return [checkpoint_sensor, refresh_sensor, failure_sensor, lost_run_sensor]


def requests_for(instance: dg.DagsterInstance, seen: Seen) -> list[dg.RunRequest]:
    """A run for every wanted checkpoint that nobody has asked for yet, be it this sensor or the schedule."""
    requests = []
    for key, name in seen.wanted.items():
        if not instance.get_runs(dg.RunsFilter(tags={ASKED_TAG: name}), limit=1):
            requests.append(dg.RunRequest(run_key=name, partition_key=key, tags={ASKED_TAG: name}))
    return requests


def _nothing(partitions: Sequence[str], words: str) -> str:
    return f"nothing new; {len(partitions)} checkpoints" + (f"; {words}" if words else "")
