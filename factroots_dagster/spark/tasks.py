"""Running one function over the parts of a table on Spark: told while it runs, resumed where it stopped.

Spark gets a range of numbers, one a task; a task writes its part into the shared folder and then, as its
last act, a note with its figures. Parts with a note are not made again, and the notes of running tasks tell
how far they are. No text passes through the Java side.
"""

from __future__ import annotations

import gc
import json
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

TOLD_EVERY = 5.0
"""Seconds between two lines of progress."""

NOTED_EVERY = 1.0

LEAST_TASKS, TASK_BYTES = 8, 4 * 2**20
"""How many Spark tasks there are: one for so many bytes that are read, at least so many."""

WRITING = ".writing"
"""Ending of a file that is not complete."""

Figures = dict[str, Any]
Beat = Callable[[Figures], None]
"""What a task calls now and then with its figures so far."""

Body = Callable[[int, Beat], Figures]


def run_tasks(
    spark: SparkSession,
    folder: Path,
    tasks: int,
    body: Body,
    *,
    what: str,
    total: int,
    progress: Callable[[str], None] | None = None,
) -> list[Figures]:
    """Run `body(number, beat)` for 0 <= number < tasks on Spark's workers; return the figures of each.

    `body` must leave its results in `folder`, which all workers see, so that a second try replaces what the
    first left; its figures must be JSON, `done_bytes` among them, which count to `total`. While it runs,
    `progress` is told every few seconds how far `what` is. Tasks that ended in an earlier call with the
    same folder are not run again; `gathered` ends this.
    """
    ended = {number: note for number in range(tasks) if (note := read_note(folder, number, "done"))}
    waiting = [number for number in range(tasks) if number not in ended]
    already = sum(note["done_bytes"] for note in ended.values())
    if ended and progress:
        progress(f"{what}: {len(ended)} of {tasks} parts are there from a run before")
    if waiting:
        # A Spark task costs some 20 ms, so small parts share one. Those with more parts come first: a core
        # that gets one of them last would keep the others waiting.
        count = min(len(waiting), max(LEAST_TASKS, (total - already) // TASK_BYTES))
        groups = [group.tolist() for group in np.array_split(waiting, count)]
        numbers = spark.range(0, count, 1, count)
        run = partial(run_batches, folder=str(folder.absolute()), groups=groups, body=body)
        began = time.monotonic()

        def tell() -> None:
            if progress:
                seconds = time.monotonic() - began
                progress(progress_line(what, figures_so_far(folder, tasks), total, seconds, already))

        watched(lambda: numbers.mapInArrow(run, "id BIGINT").toArrow(), tell)
    return figures_so_far(folder, tasks)


def gathered(folder: Path) -> None:
    """Remove the notes of tasks whose results have been gathered, and what killed tasks left."""
    for pattern in ("_task-*.json", f"_*{WRITING}"):
        for left in folder.glob(pattern):
            left.unlink()


def watched(action: Callable[[], object], look: Callable[[], object]) -> None:
    """Run `action` in a thread, and `look` every few seconds in this one, which may write to a run's log."""
    failed: list[BaseException] = []
    over = threading.Event()

    def run() -> None:
        try:
            action()
        except BaseException as error:
            failed.append(error)
        finally:
            over.set()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not over.wait(TOLD_EVERY):
        look()
    thread.join()
    if failed:
        raise failed[0]


def run_batches(
    batches: Iterable[pa.RecordBatch], folder: str, groups: list[list[int]], body: Body
) -> Iterator[pa.RecordBatch]:
    """In a worker: run the parts of the groups whose numbers the batches hold."""
    if not gc.get_freeze_count():
        gc.freeze()  # after every task Spark collects garbage among all that was ever imported: 6 ms
    for batch in batches:
        for number in chain.from_iterable(groups[group] for group in batch["id"].to_pylist()):
            noted = 0.0

            def beat(figures: Figures, number: int = number) -> None:
                nonlocal noted
                if time.monotonic() - noted >= NOTED_EVERY:
                    noted = time.monotonic()
                    write_note(Path(folder), number, "running", figures)

            write_note(Path(folder), number, "done", body(number, beat))
        yield batch


def note_path(folder: Path, number: int, state: str) -> Path:
    return folder / f"_task-{number:05d}.{state}.json"


def write_note(folder: Path, number: int, state: str, figures: Figures) -> None:
    """Put a note in its place in one step. A task may be tried twice at a time."""
    work = folder / f"_{uuid.uuid4().hex}{WRITING}"
    work.write_text(json.dumps(figures))
    os.replace(work, note_path(folder, number, state))


def read_note(folder: Path, number: int, state: str) -> Figures | None:
    try:
        figures: Figures = json.loads(note_path(folder, number, state).read_text())
        return figures
    except FileNotFoundError:
        return None


def figures_so_far(folder: Path, tasks: int) -> list[Figures]:
    """The last figures of every task that has begun."""
    found = []
    for number in range(tasks):
        figures = read_note(folder, number, "done") or read_note(folder, number, "running")
        if figures is not None:
            found.append(figures)
    return found


def progress_line(what: str, figures: list[Figures], total: int, seconds: float, already: int) -> str:
    """How far a reading is: pages and MB done, rate, time left. `already` bytes were there before it."""
    done = sum(figure["done_bytes"] for figure in figures)
    pages = sum(figure.get("pages", 0) for figure in figures)
    rate = max(done - already, 0) / max(seconds, 1e-9)
    left = f"{duration((total - done) / rate)} left" if rate else "time left unknown"
    return (
        f"{what}: {pages:,} pages, {done / 1e6:,.1f} of {total / 1e6:,.1f} MB "
        f"({100 * done / max(total, 1):.0f}%), {rate / 1e6:.2f} MB/s, {left}"
    )


def duration(seconds: float) -> str:
    """Seconds as a person says them: 40 s, 12 min, 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
