"""Runs whose process was killed: noticed, and reported as failed.

Dagster's DefaultRunLauncher cannot ask after a run, and a run of the command line has no launcher at all. One
whose process was killed, or whose machine was switched off, stays "started" for ever, holds its pool's only
place, and four of them stop the queue. Every step therefore writes into its run which process it is.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import dagster as dg

PROCESS_TAG = "factroots/process"
_PROC = Path("/proc")
_WORDS = "Its process ended without a word: it was killed, or the machine stopped. What it published stays."


def this_process() -> str:
    """What names this process among all of this and other machines, and among those that had its number."""
    return " ".join((_place(), _boot(), str(os.getpid()), _started(os.getpid())))


def is_gone(process: str) -> bool:
    """Whether the process that `this_process` named has ended; False where it cannot be seen from here."""
    place, boot, number, started = process.split(" ")
    if place != _place():
        return False
    if boot != _boot():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's process has the number, or ours runs as another user
        pass
    return started != _started(int(number))


def tag_run_with_process(context: Any) -> None:
    """Write into the step's run which process it is."""
    context.instance.add_run_tags(context.run.run_id, {PROCESS_TAG: this_process()})


def fail_orphaned_runs(instance: dg.DagsterInstance) -> list[str]:
    """Report as failed every unfinished run whose process has ended; their ids."""
    lost = []
    unfinished = [dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING]
    for run in instance.get_runs(dg.RunsFilter(statuses=unfinished)):
        process = run.tags.get(PROCESS_TAG)
        if process is None or not is_gone(process):
            continue
        now = instance.get_run_by_id(run.run_id)  # it may have ended well since it was listed
        if now is not None and not now.is_finished:
            instance.report_run_failed(now, _WORDS)
            lost.append(run.run_id)
    return lost


def _place() -> str:
    """The machine, and which of its tables of processes this one sees (a container has its own)."""
    try:
        table = os.readlink(_PROC / "self" / "ns" / "pid")
    except OSError:  # no Linux
        table = "-"
    return f"{socket.gethostname()}/{table}"


def _boot() -> str:
    return _read("sys/kernel/random/boot_id") or "-"


def _started(number: int) -> str:
    """When a living process was started, in the kernel's ticks; "-" where that is not known."""
    fields = _read(f"{number}/stat").rpartition(")")[2].split()  # from the third on: names may hold spaces
    return fields[19] if fields and fields[0] not in "ZX" else "-"


def _read(name: str) -> str:
    try:
        return (_PROC / name).read_text().strip()
    except OSError:
        return ""
