"""Runs whose process is gone: noticed, and reported as failed; what they finished enters the history.

Dagster's DefaultRunLauncher cannot ask after a run, and a run of the command line has no launcher at all. One
whose process was killed, or whose machine was switched off, stays "started" for ever, holds its pool's only
slot, and four of them stop the queue. Every step therefore tags its run with its process. In a container the
processes of the container before cannot be seen; there a run is known by the server that started it.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.catalog import rows_in
from factroots_dagster.orchestration.events import record_unrecorded
from factroots_dagster.orchestration.history import origin_tags
from factroots_dagster.orchestration.partitions import Platform, checkpoint_set
from factroots_dagster.settings import Settings

PROCESS_TAG = "factroots/process"
SERVER_TAG = ".dagster/grpc_info"  # which code server started a run
UNFINISHED = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)
_PROC = Path("/proc")


def this_process() -> str:
    """What identifies this process among those of all machines, and among earlier ones with its number."""
    return " ".join((_machine(), _boot(), str(os.getpid()), _start_time(os.getpid())))


def is_gone(process: str) -> bool:
    """Whether the process of a `this_process` has ended; False where it cannot be seen from here."""
    try:
        machine, boot, number, start_time = process.split(" ")
        int(number)
    except ValueError:  # not a tag of ours
        return False
    if machine != _machine():
        return False
    if boot != _boot():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # somebody else's process has the number, or ours runs as another user
        pass
    return start_time != _start_time(int(number))


def tag_run(context: Any, settings: Settings) -> None:
    """Tag the step's run with the process that executes it, and what it makes (`history.origin_tags`)."""
    tags = {PROCESS_TAG: this_process(), **origin_tags(settings)}
    context.instance.add_run_tags(context.run.run_id, tags)


def process_is_gone(run: dg.DagsterRun) -> bool:
    """Whether the process that executed a run has ended."""
    process = run.tags.get(PROCESS_TAG)
    return process is not None and is_gone(process)


def started_by(host: str, port: int) -> Callable[[dg.DagsterRun], bool]:
    """Whether a run was started by the code server at an address: for when that server has just restarted."""

    def condition(run: dg.DagsterRun) -> bool:
        try:
            server = json.loads(run.tags.get(SERVER_TAG, "{}"))
        except ValueError:
            return False
        return (server.get("host"), server.get("port")) == (host, port)

    return condition


def fail_orphaned_runs(
    instance: dg.DagsterInstance, orphaned: Callable[[dg.DagsterRun], bool] = process_is_gone
) -> list[dg.DagsterRun]:
    """Report as failed every unfinished run that is orphaned; those runs."""
    failed = []
    for run in instance.get_runs(dg.RunsFilter(statuses=list(UNFINISHED))):
        # it may have ended well since it was listed
        if orphaned(run) and (now := instance.get_run_by_id(run.run_id)) and not now.is_finished:
            instance.report_run_failed(
                now,
                "The run's process is gone: it was killed, or the machine stopped. What it finished is kept; "
                "run it again for the rest.",
            )
            failed.append(now)
    return failed


@dataclass(frozen=True)
class RecoveredRun:
    """A run that was reported as failed.

    finished: the partitions that it had finished and not recorded, which are recorded now. unrecorded: those
    that cannot be recorded, and why.
    """

    run_id: str
    finished: tuple[str, ...]
    unrecorded: Mapping[str, InputError]

    def describe(self) -> str:
        """What became of it, in words."""
        finished = ", ".join(self.finished) or "nothing"
        text = f"run {self.run_id} failed: its process is gone; finished: {finished}"
        return text + "".join(f"; not recorded: {name}: {error}" for name, error in self.unrecorded.items())


def recover_orphaned_runs(
    instance: dg.DagsterInstance,
    platform: Platform,
    orphaned: Callable[[dg.DagsterRun], bool] = process_is_gone,
) -> list[RecoveredRun]:
    """Fail every orphaned run, and record what it had finished."""
    recovered = []
    for run in fail_orphaned_runs(instance, orphaned):
        names = [row.name for row in rows_in(platform.settings)]
        if run.asset_selection:
            selected = {key.to_user_string() for key in run.asset_selection}
            names = [name for name in names if name in selected]
        recorded = dict(record_unrecorded(instance, platform.settings, platform.store, names, run.run_id))
        finished = tuple(name for name, error in recorded.items() if error is None)
        unrecorded = {name: error for name, error in recorded.items() if error is not None}
        recovered.append(RecoveredRun(run.run_id, finished, unrecorded))
    return recovered


def rebuild_history(
    instance: dg.DagsterInstance, platform: Platform
) -> Iterator[tuple[str, InputError | None]]:
    """Record every partition of the store that the history lacks; each, and why it cannot be recorded.

    For a history that was lost or is another one than the data's: registered checkpoints become partitions
    again, too. Results of checks are not in the store; the checks run again.
    """
    settings = platform.settings
    if keys := list(registered(settings)):
        instance.add_dynamic_partitions(checkpoint_set(settings.world), keys)
    names = [row.name for row in rows_in(settings)]
    yield from record_unrecorded(instance, settings, platform.store, names)


def _machine() -> str:
    """The machine, and which of its process tables this process sees (a container has its own)."""
    try:
        table = os.readlink(_PROC / "self" / "ns" / "pid")
    except OSError:  # not Linux
        table = "-"
    return f"{socket.gethostname()}/{table}"


def _boot() -> str:
    return _read("sys/kernel/random/boot_id") or "-"


def _start_time(number: int) -> str:
    """When a living process was started, in the kernel's ticks; "-" where that is not known."""
    fields = _read(f"{number}/stat").rpartition(")")[2].split()  # from the third on: names may hold spaces
    return fields[19] if fields and fields[0] not in "ZX" else "-"


def _read(name: str) -> str:
    try:
        return (_PROC / name).read_text().strip()
    except OSError:
        return ""
