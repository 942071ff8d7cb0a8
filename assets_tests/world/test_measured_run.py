"""What the benchmarks of whole runs measure, against processes and histories of known content."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import dagster as dg
import pytest
import torch

from assets_tests.project import PROJECT
from benchmarks import forward_passes
from benchmarks.forward_passes import OURS, Look, is_in_model, read_looks
from benchmarks.measured_run import (
    CHECKS,
    LOOKS,
    Meter,
    Sample,
    Step,
    cost_by_step,
    read_samples,
    read_steps,
)


def test_time_and_memory_are_divided_among_steps() -> None:
    steps = [Step(("a", "b"), 10.0, 20.0), Step(("c",), 20.0, 24.0), Step(("c",), 40.0, 41.0)]
    samples = [
        Sample(time, cpu, memory)
        for time, cpu, memory in [
            (0.0, 0.0, 9), (10.0, 4.0, 2), (15.0, 6.5, 5), (20.0, 9.0, 3), (30.0, 9.0, 8), (40.0, 11.0, 1),
            (42.0, 13.0, 7),
        ]
    ]  # fmt: skip
    looks = [Look(time, time in (12.0, 15.0, 40.5)) for time in (9.0, 12.0, 14.0, 15.0, 18.0, 22.0, 40.5)]
    assert cost_by_step(steps, samples, looks) == {
        ("a", "b"): (10.0, pytest.approx(5.0), 5, pytest.approx(5.0)),
        ("c",): (5.0, pytest.approx(1.0), 3, pytest.approx(1.0)),
        ("",): (0.0, pytest.approx(7.0), 0, 0.0),
    }


class Slow(torch.nn.Module):
    """Sees where the main thread is, from within a forward pass."""

    def forward(self, seen: list[bool]) -> list[bool]:
        return [*seen, is_in_model(sys._getframe())]


def test_forward_passes_are_told_from_what_calls_them_and_from_hooks() -> None:
    model = Slow()
    assert model([]) == [True] and not is_in_model(sys._getframe())
    hooked: list[bool] = []
    source = "def note(*_): hooked.append(is_in_model(sys._getframe()))"
    hook = {"hooked": hooked, "is_in_model": is_in_model, "sys": sys}
    exec(compile(source, f"/x{OURS}models/hook.py", "exec"), hook)
    model.register_forward_hook(hook["note"])
    model([])
    assert hooked == [False]


def test_a_command_leaves_a_log_of_its_forward_passes(tmp_path: Path) -> None:
    log = tmp_path / LOOKS
    command = [sys.executable, "-P", forward_passes.__file__, str(log), "status", "--help"]
    assert subprocess.run(command, capture_output=True, text=True).stdout.startswith("Usage: factroots")
    program = (
        "import pathlib, threading, time\nfrom benchmarks.forward_passes import log_looks\n"
        f"threading.Thread(target=log_looks, args=(threading.get_ident(), pathlib.Path({str(log)!r})), "
        "daemon=True).start()\ntime.sleep(2)"
    )
    subprocess.run([sys.executable, "-c", program], check=True, cwd=PROJECT)
    looks = read_looks(log)
    assert 2 <= len(looks) <= 4 and not any(look.in_model for look in looks)
    assert looks == sorted(looks) and abs(time.time() - looks[-1].time) < 60


def test_the_cpu_time_of_a_process_and_its_children_goes_on_from_the_last_run(tmp_path: Path) -> None:
    log = tmp_path / "log"
    busy = "import time\nwhile time.process_time() < 0.5: pass\ntime.sleep(1.2)"
    program = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {busy!r}])"
    used = []
    for _ in range(2):
        process = subprocess.Popen([sys.executable, "-c", program])
        with Meter(process.pid, log):
            assert process.wait() == 0
        samples = read_samples(log)
        assert samples == sorted(samples) and samples[-1].time <= time.time()
        used.append(samples[-1].cpu)
        assert max(sample.memory for sample in samples) > 10**6  # the last may be of one that has ended
    assert used[0] >= 0.5 and used[1] - used[0] >= 0.5


def test_steps_are_read_from_the_history() -> None:
    @dg.asset
    def quick() -> None: ...

    @dg.multi_asset(specs=[dg.AssetSpec("one"), dg.AssetSpec("two")])
    def both():
        yield dg.MaterializeResult("one")
        yield dg.MaterializeResult("two")

    @dg.asset(deps=["one"])
    def failing() -> None:
        raise ValueError

    @dg.asset_check(asset=quick)
    def is_quick() -> dg.AssetCheckResult:
        return dg.AssetCheckResult(passed=True)

    before = time.time()
    with dg.DagsterInstance.ephemeral() as instance:
        dg.materialize([quick, both, failing, is_quick], instance=instance, raise_on_error=False)
        steps = read_steps(instance)
    assert sorted(step.assets for step in steps) == [(CHECKS,), ("one", "two"), ("quick",)]
    assert all(before <= step.start <= step.end for step in steps)
