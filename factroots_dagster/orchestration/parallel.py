"""One stage in several processes, one per device: each makes the cells of some of the languages."""

from __future__ import annotations

import multiprocessing
import queue
import traceback
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import dagster as dg

from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.partitions import platform_for
from factroots_dagster.orchestration.progress import Reporter
from factroots_dagster.orchestration.stages import Range, StageFailedError, StageRunner
from factroots_dagster.settings import Settings

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

STOP_SECONDS = 60.0
"""How long an interrupted process may take to record what it has finished."""
TOLD = 3
"""What a process ends with that has sent why it failed."""
_FAILED = "failed"


def run_ranges(
    settings: Settings,
    instance: dg.DagsterInstance,
    title: str,
    assets: Sequence[str],
    ranges: Sequence[Range],
    reporter: Reporter,
) -> list[str]:
    """Materialize assets in ranges of partitions, each in a process and a run of its own; what failed.

    A process that fails does not stop the others. When this one is interrupted, they are too.
    """
    context = multiprocessing.get_context("spawn")
    messages: Queue[tuple[str, str]] = context.Queue()
    processes = [
        context.Process(
            target=_run_range,
            args=(settings, instance.get_ref(), title, list(assets), chosen, messages),
            daemon=True,
        )
        for chosen in ranges
    ]
    failures: list[str] = []
    try:
        for process in processes:
            process.start()
        while any(process.is_alive() for process in processes):
            _pass_on(messages, reporter, failures, wait_seconds=0.2)
    except KeyboardInterrupt:  # the terminal has interrupted them, too: they record what they have finished
        for process in processes:
            if process.pid is not None:
                process.join(timeout=STOP_SECONDS)
        raise
    finally:
        for process in processes:
            if process.is_alive():
                process.terminate()
        for process in processes:
            if process.pid is not None:
                process.join()
        _pass_on(messages, reporter, failures, wait_seconds=0.2)
    ended = [process.exitcode for process in processes if process.exitcode not in (0, TOLD)]
    return failures + [f"{title}: a process ended with {code}" for code in ended]


def _pass_on(
    messages: Queue[tuple[str, str]], reporter: Reporter, failures: list[str], wait_seconds: float
) -> None:
    """Tell the reporter what the processes have sent."""
    while True:
        try:
            kind, text = messages.get(timeout=wait_seconds)
        except queue.Empty:
            return
        if kind == _FAILED:
            failures.append(text)
        else:
            getattr(reporter, kind)(text)


class _Sender(Reporter):
    """Sends to the process of the stage what it is told."""

    def __init__(self, messages: Queue[tuple[str, str]]) -> None:
        super().__init__()
        self._messages = messages

    def finish_partition(self, name: str) -> None:
        self._messages.put(("finish_partition", name))

    def say(self, line: str) -> None:
        self._messages.put(("say", line))

    def warn(self, warning: str) -> None:
        self._messages.put(("warn", warning))


def _run_range(
    settings: Settings,
    instance_ref: Any,
    title: str,
    assets: list[str],
    chosen: Range,
    messages: Queue[tuple[str, str]],
) -> None:
    """What a process does: one run of the assets in a range of partitions."""
    try:
        job = build_defs(settings).resolve_implicit_global_asset_job_def()
        with dg.DagsterInstance.from_ref(instance_ref) as instance:
            StageRunner(platform_for(settings), job, instance, _Sender(messages)).run(title, assets, *chosen)
    except Exception as error:
        text = str(error)
        if not isinstance(error, StageFailedError):
            traceback.print_exc()
            text = f"{title}: {type(error).__name__}: {text}"
        messages.put((_FAILED, text))
        raise SystemExit(TOLD) from None
