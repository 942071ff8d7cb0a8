"""A whole `factroots run` measured from outside: processor time and memory of all its processes, by asset."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import dagster as dg
import numpy as np

from benchmarks import forward_passes
from benchmarks.forward_passes import Look, model_seconds
from benchmarks.memory import cpu_seconds, measure_tree

SAMPLE_SECONDS = 0.5
SAMPLES, LOOKS = "samples.csv", "forward_passes.csv"
CHECKS = "checks"
"""Stands for what steps make that make no asset."""


class Sample(NamedTuple):
    """What a process and its descendants had used at a time: seconds since 1970, CPU seconds, bytes held."""

    time: float
    cpu: float
    memory: int


class Step(NamedTuple):
    """What one step of a run computed. start, end: seconds since 1970."""

    assets: tuple[str, ...]
    start: float
    end: float


class Cost(NamedTuple):
    """What steps took: wall-clock and CPU seconds, and the most bytes of memory of all processes together.

    model: how many of the wall-clock seconds were forward passes.
    """

    wall: float
    cpu: float
    peak: int
    model: float


class Meter:
    """Appends a sample of a process and its descendants to a log, every SAMPLE_SECONDS while it is entered.

    Lines are the fields of `Sample`; CPU seconds go on from those that an earlier log ends with.
    """

    def __init__(self, process: int, log: Path) -> None:
        self.process, self.log = process, log
        earlier = read_samples(log) if log.exists() else []
        self.before = earlier[-1].cpu if earlier else 0.0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        used = 0.0
        with self.log.open("a") as out:
            while not self._ended.wait(SAMPLE_SECONDS):
                used = max(used, cpu_seconds(self.process))  # of what was killed nothing is left
                memory = measure_tree(self.process)
                print(f"{time.time():.3f},{self.before + used:.2f},{memory}", file=out, flush=True)

    def __enter__(self) -> Meter:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()


def mlama_environment(folder: Path, languages: Sequence[str], **settings: str) -> dict[str, str]:
    """The settings of a run on mLAMA, as a user sets them; others by name, without their prefix.

    folder: holds `release`, `wikipedia` and `home`, and gets `data`.
    """
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    return inherited | {
        "DAGSTER_HOME": str(folder / "home"),
        "FACTROOTS_WORLD": "mlama",
        "FACTROOTS_DATA_ROOT": str(folder / "data"),
        "FACTROOTS_LANGUAGES": ",".join(languages),
        "FACTROOTS_MLAMA_SOURCE": str(folder / "release"),
        "FACTROOTS_WIKIPEDIA_SOURCE": str(folder / "wikipedia"),
        "FACTROOTS_DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
        **{f"FACTROOTS_{name}": value for name, value in settings.items()},
    }


def run_factroots(folder: Path, settings: Mapping[str, str], *arguments: str) -> None:
    """Run the command in a folder, which gets SAMPLES and LOOKS; raises ClickException where it fails."""
    command = [sys.executable, "-P", forward_passes.__file__, str(folder / LOOKS), *arguments]
    process = subprocess.Popen(command, env=settings, cwd=folder)
    with Meter(process.pid, folder / SAMPLES):
        failed = process.wait()
    if failed:
        raise click.ClickException(f"{' '.join(arguments)} failed; start again with --folder {folder}")


def read_samples(log: Path) -> list[Sample]:
    """The samples that `Meter` wrote."""
    lines = [line.split(",") for line in log.read_text().splitlines()]
    return [Sample(float(at), float(cpu), int(memory)) for at, cpu, memory in lines]


def read_steps(instance: dg.DagsterInstance) -> list[Step]:
    """The steps of all runs that have succeeded, in the order of their starts."""
    steps = []
    for run in instance.get_run_records():
        started: dict[str, float] = {}
        made: dict[str, list[str]] = {}
        for entry in instance.all_logs(run.dagster_run.run_id):
            event = entry.dagster_event
            if event is None or event.step_key is None:
                continue
            if event.event_type == dg.DagsterEventType.STEP_START:
                started[event.step_key] = entry.timestamp
            elif event.event_type == dg.DagsterEventType.ASSET_MATERIALIZATION_PLANNED and event.asset_key:
                made.setdefault(event.step_key, []).append(event.asset_key.to_user_string())
            elif event.event_type == dg.DagsterEventType.STEP_SUCCESS and event.step_key in started:
                assets = tuple(dict.fromkeys(made.get(event.step_key, [CHECKS])))
                steps.append(Step(assets, started.pop(event.step_key), entry.timestamp))
    return sorted(steps, key=lambda step: step.start)


def cost_by_step(
    steps: Iterable[Step], samples: Sequence[Sample], looks: Sequence[Look]
) -> dict[tuple[str, ...], Cost]:
    """What the steps of each group of assets took, and all else (""); repetitions are added up.

    samples: ascending. All else has only CPU time of its own: the other figures are 0.
    """
    times, used, memory = (np.array(column) for column in zip(*samples, strict=True))
    costs: dict[tuple[str, ...], Cost] = {}
    for step in steps:
        before, after = np.interp([step.start, step.end], times, used)
        within = memory[(times >= step.start) & (times <= step.end)]
        earlier = costs.get(step.assets, Cost(0.0, 0.0, 0, 0.0))
        costs[step.assets] = Cost(
            earlier.wall + step.end - step.start,
            earlier.cpu + float(after - before),
            max(earlier.peak, int(within.max(initial=0))),
            earlier.model + model_seconds(looks, step.start, step.end),
        )
    others = float(used[-1] - used[0]) - sum(cost.cpu for cost in costs.values())
    return costs | {("",): Cost(0.0, others, 0, 0.0)}
