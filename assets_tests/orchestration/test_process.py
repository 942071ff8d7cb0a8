"""Runs whose process was killed do not stay "started" for ever."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.project import command, make_home, world_environment
from assets_tests.serving import DEFINITIONS, stop
from factroots_dagster.orchestration.automation.failures import failure_summary
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.process import PROCESS_TAG, fail_orphaned_runs, is_gone, this_process
from factroots_dagster.settings import Settings

NAME = "from factroots_dagster.orchestration.process import this_process; print(this_process())"


def test_a_living_process_is_not_gone_and_one_that_ended_is() -> None:
    assert not is_gone(this_process())
    child = subprocess.run([sys.executable, "-c", NAME], capture_output=True, text=True, check=True)
    assert child.stdout.count(" ") == 3 and is_gone(child.stdout.strip())


def test_a_zombie_is_gone() -> None:
    child = subprocess.Popen(
        [sys.executable, "-c", f"{NAME}; import sys; sys.stdout.flush(); input()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None and child.stdin is not None
    name = child.stdout.readline().strip()
    assert not is_gone(name)
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and still in the table of processes
    assert is_gone(name)
    child.wait()


@pytest.mark.parametrize(
    ("part", "other", "gone"),
    [
        (0, "elsewhere/pid:[1]", False),  # another machine, or another container: not to be seen from here
        (1, "another-boot", True),
        (3, "1", True),  # another process has the number now
    ],
)
def test_names_of_other_processes(part: int, other: str, gone: bool) -> None:
    name = this_process().split(" ")
    name[part] = other
    assert is_gone(" ".join(name)) is gone


def test_a_killed_run_is_reported_as_failed_once_and_a_living_one_left_alone(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    settings = Settings(world="sandbox", data_root=tmp_path / "data")
    built = build_defs(settings)
    sensor = next(sensor for sensor in built.sensors or () if sensor.name == "lost_run_sensor")
    with dg.DagsterInstance.from_config(str(home)) as instance:  # first: two may not create one history
        process = subprocess.Popen(
            [command("dagster"), "asset", "materialize", *DEFINITIONS, "--select", "sandbox_training"],
            env=world_environment(settings, home),
            cwd=home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            deadline = time.monotonic() + 120
            while not (runs := instance.get_runs()) or PROCESS_TAG not in runs[0].tags:
                assert process.poll() is None and time.monotonic() < deadline
                time.sleep(0.2)
            (run,) = runs
            assert fail_orphaned_runs(instance) == []
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        finally:
            stop(process)
        assert instance.get_runs()[0].status == dg.DagsterRunStatus.STARTED
        with dg.build_sensor_context(instance) as context:
            tick = sensor(context)
        assert isinstance(tick, dg.SkipReason) and run.run_id in str(tick.skip_message)
        assert instance.get_runs()[0].status == dg.DagsterRunStatus.FAILURE
        assert fail_orphaned_runs(instance) == []
        assert "it was killed" in failure_summary(instance, instance.get_runs()[0])
