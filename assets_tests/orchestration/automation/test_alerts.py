"""Problems of disk, daemons, ticks and runs are seen, and each is told once."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.scheduler.instigation import InstigatorState, InstigatorStatus, TickData, TickStatus
from dagster._core.test_utils import create_run_for_test
from dagster._utils.error import SerializableErrorInfo

from factroots_dagster.orchestration import health, status
from factroots_dagster.orchestration.automation.alerts import send_alert
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.health import InstanceHealth, examine_instance
from factroots_dagster.orchestration.history import claim_run
from factroots_dagster.settings import Settings


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.instance_for_test() as instance:
        yield instance


def add_tick(instance: dg.DagsterInstance, state: TickStatus, time: float) -> None:
    """What the daemon records of a running sensor's tick."""
    from dagster._core.remote_origin import (
        RegisteredCodeLocationOrigin,
        RemoteInstigatorOrigin,
        RemoteRepositoryOrigin,
    )

    repository = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("factroots"), "__repository__")
    origin = RemoteInstigatorOrigin(repository, "checkpoint_sensor")
    if not instance.all_instigator_state():
        running = InstigatorState(origin, InstigatorType.SENSOR, InstigatorStatus.RUNNING)
        instance.add_instigator_state(running)
    error = SerializableErrorInfo("OSError: odd folder\n", [], "OSError")
    instance.create_tick(
        TickData(
            instigator_origin_id=origin.get_id(),
            instigator_name="checkpoint_sensor",
            instigator_type=InstigatorType.SENSOR,
            status=state,
            timestamp=time,
            run_ids=[],
            selector_id=origin.get_selector().get_id(),
            error=error if state is TickStatus.FAILURE else None,
        )
    )


def test_a_sensor_s_last_failed_tick_is_a_problem_until_one_succeeds(instance: dg.DagsterInstance) -> None:
    add_tick(instance, TickStatus.SUCCESS, 1.0)
    assert examine_instance(instance).problems == []
    add_tick(instance, TickStatus.FAILURE, 2.0)
    assert examine_instance(instance).problems == [
        "checkpoint_sensor: its last tick failed: OSError: odd folder"
    ]
    add_tick(instance, TickStatus.STARTED, 2.5)
    assert len(examine_instance(instance).problems) == 1  # what is under way has not succeeded yet
    add_tick(instance, TickStatus.SKIPPED, 3.0)
    assert examine_instance(instance).problems == []


def test_runs_that_wait_or_do_not_end_are_problems(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting = create_run_for_test(instance, job_name="everything")
    claim_run(instance, waiting.run_id)
    enqueued = dg.DagsterEvent(dg.DagsterEventType.PIPELINE_ENQUEUED.value, "everything")
    instance.report_dagster_event(enqueued, waiting.run_id)
    found = examine_instance(instance)
    assert found.queued == 1 and 0 <= found.queued_seconds < 60 and found.problems == []
    monkeypatch.setattr(health, "STUCK_SECONDS", -1.0)
    assert "none is under way" in examine_instance(instance).problems[0]
    run = create_run_for_test(instance, status=dg.DagsterRunStatus.STARTED)
    assert examine_instance(instance).problems == []
    monkeypatch.setattr(health, "LONGEST_RUN_SECONDS", -1.0)
    assert examine_instance(instance).overdue_runs == [run.run_id]


def test_each_problem_is_told_once_and_again_when_it_comes_back(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = tmp_path / "told.txt"
    settings = Settings(data_root=tmp_path, on_alert=f"tee -a {told}")
    sensor: Any = build_defs(settings).get_sensor_def("alert_sensor")
    cursor = None

    def tick() -> str:
        nonlocal cursor
        told.write_text("")
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            result = sensor(context)
        cursor = result.cursor
        return told.read_text()

    assert tick() == ""
    monkeypatch.setattr(status, "LOW_BYTES", 10**18)
    assert "1 new problem\n\nless than" in tick()
    assert tick() == ""
    add_tick(instance, TickStatus.FAILURE, 1.0)
    text = tick()
    assert "checkpoint_sensor: its last tick failed" in text and "less than" not in text
    add_tick(instance, TickStatus.SUCCESS, 2.0)
    assert tick() == ""
    add_tick(instance, TickStatus.FAILURE, 3.0)
    assert "checkpoint_sensor" in tick()


def test_what_could_not_be_told_is_told_by_a_later_tick(
    tmp_path: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(status, "LOW_BYTES", 10**18)
    cursor = None
    for command, problems in (("false", 0), (f"tee {tmp_path / 'told'}", 1)):
        sensor: Any = build_defs(Settings(data_root=tmp_path, on_alert=command)).get_sensor_def(
            "alert_sensor"
        )
        with dg.build_sensor_context(instance=instance, cursor=cursor) as context:
            cursor = sensor(context).cursor
        assert len(json.loads(cursor)) == problems
    assert "less than" in (tmp_path / "told").read_text()


@pytest.mark.parametrize(
    ("command", "logged"),
    [
        ("", []),
        ("true", []),
        ("no-such-command", ["No such file"]),
        ('mail "unclosed', ["No closing quotation"]),
        (f"{sys.executable} -c 'import sys; sys.exit(\"no mail server\")'", ["ended with 1: no mail server"]),
        ("echo $(touch pwned) ; touch pwned", []),
    ],
)
def test_a_command_that_fails_is_logged_and_no_shell_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str, logged: list[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    lines: list[str] = []
    assert send_alert(Settings(on_alert=command), "title", "`touch pwned`", lines.append) is not bool(logged)
    assert len(lines) == len(logged) and all(word in line for word, line in zip(logged, lines, strict=True))
    assert not (tmp_path / "pwned").exists()


def test_a_command_that_does_not_end_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("factroots_dagster.orchestration.automation.alerts.LIMIT_SECONDS", 0.2)
    lines: list[str] = []
    assert not send_alert(Settings(on_alert="sleep 60"), "title", "text", lines.append)
    assert "timed out" in lines[0]


def test_an_instance_without_daemons_or_runs_is_well() -> None:
    assert InstanceHealth().problems == []
