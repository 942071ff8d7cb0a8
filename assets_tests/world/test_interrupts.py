"""Ctrl-C, SIGTERM, Terminate in the UI and a stopped container end a run once, with the old data in place."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.project import LAST_CHECKPOINT, MaterializedWorld, command
from assets_tests.serving import DEFINITIONS, dagster_dev, stop, survivors

PATIENCE = 60.0
"""Seconds after which an interrupted run still runs; on a fast machine it ends within five."""
LONG = {
    "sandbox_training": (None, "training: step"),
    "wikipedia_articles": ("en", "STEP_START"),
    "predictions,neuron_activations": (f"{LAST_CHECKPOINT}|en", "STEP_START"),
}
"""Assets whose steps take seconds (training, Spark, a probe): a partition, and a sign in the log."""


def wait_for(condition: Callable[[], bool], seconds: float, what: str) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)


def runs_of(world: MaterializedWorld) -> list[dg.DagsterRun]:
    with dg.DagsterInstance.from_config(str(world.dagster_home)) as instance:
        return list(instance.get_runs())


def attempts(world: MaterializedWorld, run_id: str) -> int:
    """How often steps of a run were started, retries included."""
    kinds = {dg.DagsterEventType.STEP_START, dg.DagsterEventType.STEP_RESTARTED}
    with dg.DagsterInstance.from_config(str(world.dagster_home)) as instance:
        return len(instance.all_logs(run_id, of_type=kinds))


@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("assets", LONG)
def test_a_signal_ends_a_run_of_the_command_line(
    world: MaterializedWorld, tmp_path: Path, assets: str, sign: signal.Signals
) -> None:
    partition, marker = LONG[assets]
    names, parts = assets.split(","), partition.split("|") if partition else []
    before = {name: world.store.digest(name, *parts) for name in names}
    known = {run.run_id for run in runs_of(world)}
    log = tmp_path / "log"
    arguments = ["asset", "materialize", *DEFINITIONS, "--select", assets]
    with log.open("w") as out:
        process = subprocess.Popen(
            [command("dagster"), *arguments, *(["--partition", partition] if partition else [])],
            env=world.environment(),
            cwd=world.dagster_home,
            stdout=out,
            stderr=out,
            start_new_session=True,
        )
    try:
        wait_for(lambda: marker in log.read_text(), 120, f"{marker} in the log")
        time.sleep(1.0)
        os.kill(process.pid, sign)
        process.wait(PATIENCE)
        assert survivors([process.pid], PATIENCE) == []
    finally:
        stop(process)
    assert process.returncode != 0
    (run,) = [run for run in runs_of(world) if run.run_id not in known]
    assert run.status in (dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED)
    assert attempts(world, run.run_id) == 1
    assert {name: world.store.digest(name, *parts) for name in names} == before


def test_terminate_in_the_ui_ends_a_run(world: MaterializedWorld, tmp_path: Path) -> None:
    """By the request that the UI's Terminate button sends."""
    before = world.store.digest("sandbox_training")
    with dagster_dev(world, tmp_path) as api:
        run_id = api.launch(["sandbox_training"])
        wait_for(lambda: api.status(run_id) == "STARTED", 120, "the run starts")
        time.sleep(8.0)  # the training is under way
        mutation = """mutation Terminate($id: String!) {
            terminateRun(runId: $id, terminatePolicy: SAFE_TERMINATE) { __typename } }"""
        assert api(mutation, id=run_id)["terminateRun"]["__typename"] == "TerminateRunSuccess"
        assert api.wait(run_id, seconds=PATIENCE) == "CANCELED"
    assert attempts(world, run_id) == 1
    assert world.store.digest("sandbox_training") == before
