"""Sensors: new checkpoints, changes that go downstream, and runs that failed or were orphaned."""

import time
from collections.abc import Sequence

import dagster as dg

from factroots_dagster.orchestration.automation.alerts import read_told, send_alert, write_told
from factroots_dagster.orchestration.automation.checkpoint_scan import ScanResult, ScanState, scan_checkpoints
from factroots_dagster.orchestration.automation.failures import (
    failure_summary,
    summaries_folder,
    write_summary,
)
from factroots_dagster.orchestration.materialization import AUTOMATIC_TAG
from factroots_dagster.orchestration.partitions import Platform, checkpoint_set
from factroots_dagster.orchestration.process import recover_orphaned_runs
from factroots_dagster.orchestration.status import find_problems

REQUEST_TAG = "factroots/asked"
FAILURE_PAGE_TAG = "factroots/failure_page"
"""Tags a failed run with the page about it."""


def platform_sensors(platform: Platform) -> list[dg.SensorDefinition]:
    """The sensors of a world.

    `checkpoint_sensor`, `refresh_sensor`, `failure_sensor`, `lost_run_sensor` and `alert_sensor`.
    """
    refresh_sensor = dg.AutomationConditionSensorDefinition(
        name="refresh_sensor",
        target=dg.AssetSelection.all(),
        use_user_code_server=True,
        run_tags={AUTOMATIC_TAG: "true"},
        minimum_interval_seconds=30,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Makes what is missing or out of date, once everything upstream of it is up to date.",
    )
    return [
        _checkpoint_sensor(platform),
        refresh_sensor,
        _failure_sensor(platform),
        _lost_run_sensor(platform),
        _alert_sensor(platform),
    ]


def _checkpoint_sensor(platform: Platform) -> dg.SensorDefinition:
    @dg.sensor(
        name="checkpoint_sensor",
        job_name="describe_checkpoint",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Registers new checkpoints and new versions of known ones as partitions, and has them "
        "described; refresh_sensor has them probed.",
    )
    def checkpoint_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        state = ScanState.from_cursor(context.cursor)
        partitions = context.instance.get_dynamic_partitions(checkpoint_set(platform.settings.world))
        scan = scan_checkpoints(platform.settings, state, partitions, time.time())
        if (summary := scan.summary()) and summary != state.logged:
            context.log.warning(summary)
        state.logged = summary
        requests = run_requests(context.instance, scan)
        new = [key for key in scan.requests if key not in partitions]
        return dg.SensorResult(
            run_requests=requests,
            dynamic_partitions_requests=[platform.checkpoints.build_add_request(new)] if new else [],
            skip_reason=None if requests else _skip_reason(partitions, summary),
            cursor=state.cursor(),
        )

    return checkpoint_sensor


def _failure_sensor(platform: Platform) -> dg.SensorDefinition:
    @dg.run_failure_sensor(
        name="failure_sensor",
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Writes a readable page about every failed run, and alerts.",
    )
    def failure_sensor(context: dg.RunFailureSensorContext) -> None:
        run = context.dagster_run
        text = failure_summary(context.instance, run)
        path = write_summary(summaries_folder(platform.settings), run.run_id, text)
        context.instance.add_run_tags(run.run_id, {FAILURE_PAGE_TAG: str(path)})
        context.log.info(f"what failed, and what to do: {path}")
        send_alert(platform.settings, f"run {run.run_id[:8]} failed", text, context.log.warning)

    return failure_sensor


def _lost_run_sensor(platform: Platform) -> dg.SensorDefinition:
    @dg.sensor(
        name="lost_run_sensor",
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Reports runs whose process is gone as failed, since they would hold up the queue, and "
        "records which partitions they had finished.",
    )
    def lost_run_sensor(context: dg.SensorEvaluationContext) -> dg.SkipReason:
        lines = [run.describe() for run in recover_orphaned_runs(context.instance, platform)]
        return dg.SkipReason("; ".join(lines) or "every run's process is there")

    return lost_run_sensor


def _alert_sensor(platform: Platform) -> dg.SensorDefinition:
    @dg.sensor(
        name="alert_sensor",
        minimum_interval_seconds=300,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells FACTROOTS_ON_ALERT of new problems: those that `factroots status` shows, but for "
        "failed runs, of which failure_sensor tells.",
    )
    def alert_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        if not platform.settings.on_alert:
            return dg.SensorResult(skip_reason="FACTROOTS_ON_ALERT names no command")
        told = read_told(context.cursor)
        problems = find_problems(platform, context.instance)
        if new := [problem for problem in problems if problem not in told]:
            title = f"{len(new)} new {'problem' if len(new) == 1 else 'problems'}"
            if not send_alert(platform.settings, title, "\n".join(new) + "\n", context.log.warning):
                problems = [problem for problem in problems if problem in told]  # the next tick tries again
        text = "; ".join(problems) or "no problem"
        return dg.SensorResult(cursor=write_told(problems), skip_reason=text)

    return alert_sensor


def run_requests(instance: dg.DagsterInstance, scan: ScanResult) -> list[dg.RunRequest]:
    """A run for every request that neither the sensor nor the schedule has made yet."""
    return [
        dg.RunRequest(run_key=name, partition_key=key, tags={REQUEST_TAG: name})
        for key, name in scan.requests.items()
        if not instance.get_runs(dg.RunsFilter(tags={REQUEST_TAG: name}), limit=1)
    ]


def _skip_reason(partitions: Sequence[str], summary: str) -> str:
    return f"nothing new; {len(partitions)} checkpoints" + (f"; {summary}" if summary else "")
