"""Progress of a long probing run, as messages at most every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

_REPORT_SECONDS = 5.0


class ProgressReporter:
    """Counts finished rows and reports them with rate and remaining time, in any case the last ones."""

    def __init__(self, report: Callable[[str], None] | None, rows: int):
        self.report, self.rows, self.done = report, rows, 0
        self.started = self.last = time.monotonic()

    def advance(self, rows: int) -> None:
        """`rows` more rows are finished."""
        self.done += rows
        now = time.monotonic()
        if self.report is None or (now - self.last < _REPORT_SECONDS and self.done < self.rows):
            return
        self.last = now
        rate = self.done / max(now - self.started, 1e-9)
        remaining = (self.rows - self.done) / max(rate, 1e-9)
        self.report(f"{self.done} of {self.rows} rows, {rate:.0f} rows/s, {remaining:.0f} s left")


class ProgressShare:
    """Reports a number of rows gradually, in proportion to finished units of other work (prompts, say)."""

    def __init__(self, reporter: ProgressReporter, rows: int):
        self.reporter, self.rows, self.reported, self.done = reporter, rows, 0, 0

    def advance(self, units: int, total: int) -> None:
        """`units` more of `total` units are finished."""
        self.done += units
        rows = self.rows * self.done // total
        self.reporter.advance(rows - self.reported)
        self.reported = rows

    def finish(self) -> None:
        """Reports the remaining rows, also where there was no unit of work."""
        self.reporter.advance(self.rows - self.reported)
        self.reported = self.rows
