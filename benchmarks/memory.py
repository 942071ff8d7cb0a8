"""The memory of a process and its descendants, sampled while they run, and their processor time."""

from __future__ import annotations

import os
import re
import threading
from pathlib import Path
from types import TracebackType

SAMPLE_SECONDS = 1.0
"""Seconds between two samples: each suspends a process for some 20 ms."""


def list_children() -> dict[int, list[int]]:
    """The process ids of the children of every process, by its id."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name, in brackets, may contain anything; the parent is the second field after it
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it has ended
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    return children


def cpu_seconds(root: int) -> float:
    """Processor time of `root` and its descendants so far, those that have ended and been waited for too."""
    children = list_children()
    pending, ticks = [root], 0
    while pending:
        process = pending.pop()
        pending += children.get(process, [])
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:  # it has ended
            continue
        # user and system time, its own and that of children waited for
        ticks += sum(map(int, fields[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")


def measure_tree(root: int) -> int:
    """Bytes of memory of `root` and its descendants; memory that they share counts once (PSS)."""
    children = list_children()
    pending, total = [root], 0
    while pending:
        process = pending.pop()
        pending += children.get(process, [])
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:  # it has ended
            continue
        share = re.search(r"^Pss:\s+([0-9]+) kB", rollup, re.MULTILINE)
        total += 1024 * int(share[1]) if share else 0
    return total


class PeakMemory:
    """A context that samples the memory of a process tree; `bytes` is the largest sample.

    With `enabled=False` no samples are taken: they would delay what is timed.
    """

    def __init__(self, root: int, enabled: bool) -> None:
        self.root, self.enabled, self.bytes = root, enabled, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def _sample(self) -> None:
        while not self._ended.wait(SAMPLE_SECONDS):
            self.bytes = max(self.bytes, measure_tree(self.root))

    def __enter__(self) -> PeakMemory:
        if self.enabled:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self.enabled:
            self._thread.join()
