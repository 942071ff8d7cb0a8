"""Running one function over the parts of a table on Spark, with progress reports and resumption.

Spark only distributes part numbers. A task writes the files of its part into the shared folder and then, as
its last act, a file with its final state. Parts that have one are not computed again, and the state files of
running tasks say how far they are. No text passes through the Java process.
"""

from __future__ import annotations

import gc
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, wait
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PROGRESS_SECONDS = 5.0
"""Seconds between two lines of progress."""

STATE_SECONDS = 1.0
"""Seconds between two states that a running task writes."""

MIN_SPARK_TASKS, BYTES_PER_SPARK_TASK = 8, 4 * 2**20
"""Parts are grouped into one Spark task per so many bytes of input, but into no fewer tasks than this."""

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
        progress(f"{what}: {len(finished)} of {tasks} parts were finished by an earlier run")
    if pending:
        # A Spark task costs some 20 ms, so small parts share one. The larger groups come first: a core that
        # got one of them last would keep the others waiting.
        count = min(len(pending), max(MIN_SPARK_TASKS, (total - resumed_bytes) // BYTES_PER_SPARK_TASK))
        groups = [group.tolist() for group in np.array_split(pending, count)]
        group_numbers = spark.range(0, count, 1, count)
        run = partial(run_groups, folder=str(folder.absolute()), groups=groups, function=function)
        started = time.monotonic()

        def report() -> None:
            if progress:
                states = latest_task_states(folder, tasks)
                seconds = time.monotonic() - started
                progress(format_progress(what, states, total, seconds, resumed_bytes))

        run_with_progress(
            lambda: group_numbers.mapInArrow(run, "id BIGINT").toArrow(), report, progress_seconds
        )
    return latest_task_states(folder, tasks)


def clean_up(folder: Path) -> None:
    """Remove the states of tasks whose results have been used, and incomplete files of killed tasks."""
    for pattern in ("_task-*.json", f"_*{INCOMPLETE_SUFFIX}"):
        for path in folder.glob(pattern):
            path.unlink()


def run_with_progress(
    action: Callable[[], object], report: Callable[[], object], seconds: float = PROGRESS_SECONDS
) -> None:
    """Run `action` in a second thread, and meanwhile `report` in this one every so many seconds.

    Only the calling thread may write to a Dagster run's log. Raises what `action` raises.
    """
    outcome: Future[object] = Future()

    def run() -> None:
        try:
            outcome.set_result(action())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([outcome], seconds).done:
        report()
    outcome.result()


def run_groups(
    batches: Iterable[pa.RecordBatch], folder: str, groups: list[list[int]], function: TaskFunction
) -> Iterator[pa.RecordBatch]:
    """In a worker: compute the parts of the groups whose numbers are in the batches' column `id`."""
    if not gc.get_freeze_count():
        gc.freeze()  # after every task Spark collects garbage among all that was ever imported: 6 ms
    for batch in batches:
        for number in chain.from_iterable(groups[group] for group in batch["id"].to_pylist()):
            last_write = 0.0

            def report_progress(state: TaskState, number: int = number) -> None:
                nonlocal last_write
                if time.monotonic() - last_write >= STATE_SECONDS:
                    last_write = time.monotonic()
                    write_task_state(Path(folder), number, "running", state)

            write_task_state(Path(folder), number, "done", function(number, report_progress))
        yield batch


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


def format_progress(
    what: str, states: list[TaskState], total: int, seconds: float, resumed_bytes: int = 0
) -> str:
    """A line of progress: pages and megabytes done, rate, time remaining.

    seconds: since this run started; resumed_bytes: done by an earlier run, which count as done but not
    towards the rate.
    """
    done = sum(state["done_bytes"] for state in states)
    pages = sum(state.get("pages", 0) for state in states)
    rate = max(done - resumed_bytes, 0) / max(seconds, 1e-9)
    remaining = f"{format_duration((total - done) / rate)} left" if rate else "time left unknown"
    return (
        f"{what}: {pages:,} pages, {done / 1e6:,.1f} of {total / 1e6:,.1f} MB "
        f"({100 * done / max(total, 1):.0f}%), {rate / 1e6:.2f} MB/s, {remaining}"
    )


def format_duration(seconds: float) -> str:
    """Seconds as 40 s, 12 min or 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
