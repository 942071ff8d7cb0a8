"""What a person is told while a world is made: which stage is under way, how far it is, what warned.

Belongs here: the events of a making, and their report as plain lines. A live display for a terminal is in
`cli/display.py`.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Sequence

_MADE = re.compile(r"(\S+): (?:[\d,]+|-) rows, [\d.]+ MB in [\d.]+ s")


def describe_made(name: str, rows: int | None, size: int, seconds: float) -> str:
    """The line of a run's log that says that a partition is made. name: `asset/partition`; size: in bytes."""
    return f"{name}: {'-' if rows is None else f'{rows:,}'} rows, {size / 1e6:.2f} MB in {seconds:.1f} s"


def find_made(line: str) -> str | None:
    """The name in a line of `describe_made`; None for any other line."""
    found = _MADE.fullmatch(line)
    return found[1] if found else None


class Reporter:
    """Is told what happens while stages are made; `stage` of `total` counts from 1. This one says nothing.

    made: how many stages have begun, without those that were up to date. warnings: the checks that warned,
    as `asset [partition]: what`, in the order of the stages.
    """

    def __init__(self) -> None:
        self.stage = 0
        self.total = 0
        self.made = 0
        self.warnings: list[str] = []

    def expect(self, stages: Sequence[Sequence[str]]) -> None:
        """The assets of all stages, as far as is known."""
        self.total = max(len(stages), self.stage)

    def skip(self) -> None:
        """A stage is up to date."""
        self.stage += 1

    def begin(self, title: str, assets: Sequence[str], partitions: int) -> None:
        """A stage begins. partitions: how many pieces it makes, an asset's partitions each one."""
        self.stage += 1
        self.made += 1

    def finish_partition(self, name: str) -> None:
        """A piece of the stage is made: `asset/partition`."""

    def say(self, line: str) -> None:
        """A line of the run's log."""

    def warn(self, warning: str) -> None:
        """A check warned."""
        self.warnings.append(warning)

    def end(self) -> None:
        """The stage has succeeded."""


class LineReporter(Reporter):
    """Prints a line when a stage begins, its warnings, and how long it took.

    numbered: whether lines say which of how many stages it is.
    """

    def __init__(self, write: Callable[[str], None], *, numbered: bool = False) -> None:
        super().__init__()
        self.write, self.numbered = write, numbered
        self._started = 0.0

    def begin(self, title: str, assets: Sequence[str], partitions: int) -> None:
        super().begin(title, assets, partitions)
        self._started = time.monotonic()
        self.write(
            f"stage {self.stage} of {max(self.stage, self.total)}: {title}" if self.numbered else title
        )

    def warn(self, warning: str) -> None:
        super().warn(warning)
        self.write(f"  warning: {warning}")

    def end(self) -> None:
        self.write(f"  {time.monotonic() - self._started:.1f} s")
