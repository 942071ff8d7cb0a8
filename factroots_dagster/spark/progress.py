"""Lines of progress while Spark works: what is done, the rate, the time left."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

PROGRESS_SECONDS = 5.0
"""Seconds between two lines of progress."""

Result = TypeVar("Result")


def run_with_progress(
    action: Callable[[], Result], report: Callable[[], object], seconds: float = PROGRESS_SECONDS
) -> Result:
    """Run `action` in a second thread, and meanwhile `report` in this one every so many seconds.

    Only the calling thread may write to a Dagster run's log. Returns or raises what `action` does.
    """
    outcome: Future[Result] = Future()

    def run() -> None:
        try:
            outcome.set_result(action())
        except BaseException as error:
            outcome.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    while not wait([outcome], seconds).done:
        report()
    return outcome.result()


def format_progress(
    what: str, pages: int, done: int, total: int, seconds: float, resumed_bytes: int = 0
) -> str:
    """A line of progress: pages (where they are counted) and megabytes done, rate, time remaining.

    done, total: bytes. seconds: since this run started; resumed_bytes: done by an earlier run, which count as
    done but not towards the rate.
    """
    rate = max(done - resumed_bytes, 0) / max(seconds, 1e-9)
    remaining = f"{format_duration((total - done) / rate)} left" if rate else "time left unknown"
    counted = f"{pages:,} pages, " if pages else ""
    return (
        f"{what}: {counted}{done / 1e6:,.1f} of {total / 1e6:,.1f} MB "
        f"({100 * done / max(total, 1):.0f}%), {rate / 1e6:.2f} MB/s, {remaining}"
    )


def format_resumption(what: str, finished: int, parts: int) -> str:
    """A line that says how much an earlier run had done."""
    return f"{what}: {finished} of {parts} parts were finished by an earlier run"


def format_duration(seconds: float) -> str:
    """Seconds as 40 s, 12 min or 3 h 20 min."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
