"""Running one function over the parts of a table on Spark that writes the files of its part itself.

The documents of corpora are written so; what needs no second table from one pass is in `parts` and `written`.

Spark only distributes part numbers. A task writes the files of its part into the shared folder and then, as
its last act, a file with its final state. Parts that have one are not computed again, and the state files of
running tasks say how far they are. No text passes through the Java process.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pyarrow as pa

from factroots_dagster.spark.parts import part_numbers, share_tasks
from factroots_dagster.spark.progress import (
    PROGRESS_SECONDS,
    format_progress,
    format_resumption,
    run_with_progress,
)

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

STATE_SECONDS = 1.0
"""Seconds between two states that a running task writes."""

INCOMPLETE_SUFFIX = ".writing"
"""Ending of the name of a file that is still being written."""

TaskState = dict[str, Any]
"""What a task has counted so far (JSON): `done_bytes` of its input, and whatever else its function counts."""

ReportProgress = Callable[[TaskState], None]
"""What a task's function calls now and then with its state so far."""

TaskFunction = Callable[[int, ReportProgress], TaskState]
"""Computes one part, given its number; returns its final state."""


def run_tasks(
    spark: SparkSession,
    folder: Path,
    tasks: int,
    function: TaskFunction,
    *,
    what: str,
    total: int,
    progress: Callable[[str], None] | None = None,
    progress_seconds: float = PROGRESS_SECONDS,
) -> list[TaskState]:
    """Run `function(number, report_progress)` for 0 <= number < tasks on Spark's workers.

    Returns the final state of each task, in the order of their numbers.

    `function` must write its results into `folder`, which all workers share, in such a way that a second
    attempt replaces what the first one wrote. `total` is the sum of the tasks' final `done_bytes`. Every
    `progress_seconds` `progress` receives a line that begins with `what`. Tasks that finished in an earlier
    call with the same folder are not run again, until `clean_up` removes their states.
    """
    finished = {
        number: state for number in range(tasks) if (state := read_task_state(folder, number, "done"))
    }
    pending = [number for number in range(tasks) if number not in finished]
    resumed_bytes = sum(state["done_bytes"] for state in finished.values())
    if finished and progress:
        progress(format_resumption(what, len(finished), tasks))
    if pending:
        groups = share_tasks(pending, total - resumed_bytes)
        group_numbers = spark.range(0, len(groups), 1, len(groups))
        run = partial(run_groups, folder=str(folder.absolute()), groups=groups, function=function)
        started = time.monotonic()

        def report() -> None:
            if progress:
                states = latest_task_states(folder, tasks)
                pages = sum(state.get("pages", 0) for state in states)
                done = sum(state["done_bytes"] for state in states)
                seconds = time.monotonic() - started
                progress(format_progress(what, pages, done, total, seconds, resumed_bytes))

        run_with_progress(
            lambda: group_numbers.mapInArrow(run, "id BIGINT").toArrow(), report, progress_seconds
        )
    return latest_task_states(folder, tasks)


def clean_up(folder: Path) -> None:
    """Remove the states of tasks whose results have been used, and incomplete files of killed tasks."""
    for pattern in ("_task-*.json", f"_*{INCOMPLETE_SUFFIX}"):
        for path in folder.glob(pattern):
            path.unlink()


def run_groups(
    batches: Iterable[pa.RecordBatch], folder: str, groups: list[list[int]], function: TaskFunction
) -> Iterator[pa.RecordBatch]:
    """In a worker: compute the parts of some groups (see `parts.part_numbers`)."""
    for number in part_numbers(batches, groups):
        last_write = 0.0

        def report_progress(state: TaskState, number: int = number) -> None:
            nonlocal last_write
            if time.monotonic() - last_write >= STATE_SECONDS:
                last_write = time.monotonic()
                write_task_state(Path(folder), number, "running", state)

        write_task_state(Path(folder), number, "done", function(number, report_progress))
    yield from ()


Status = Literal["running", "done"]
STATE_NAME = "_task-{number:05d}.{status}.json"


def write_task_state(folder: Path, number: int, status: Status, state: TaskState) -> None:
    """Write a task's state atomically: two attempts at a task may run at the same time."""
    temporary = folder / f"_{uuid.uuid4().hex}{INCOMPLETE_SUFFIX}"
    temporary.write_text(json.dumps(state))
    temporary.replace(folder / STATE_NAME.format(number=number, status=status))


def read_task_state(folder: Path, number: int, status: Status) -> TaskState | None:
    """A task's state; None when the task has not written one with this status."""
    try:
        state: TaskState = json.loads((folder / STATE_NAME.format(number=number, status=status)).read_text())
        return state
    except FileNotFoundError:
        return None


def forget_state(folder: Path, number: int) -> None:
    """Remove a task's final state, so that the next call runs the task again."""
    (folder / STATE_NAME.format(number=number, status="done")).unlink(missing_ok=True)


def latest_task_states(folder: Path, tasks: int) -> list[TaskState]:
    """The latest state of every task that has started, in the order of their numbers."""
    states = (
        read_task_state(folder, number, "done") or read_task_state(folder, number, "running")
        for number in range(tasks)
    )
    return [state for state in states if state is not None]
