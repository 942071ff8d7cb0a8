"""The memory of a process and all that descend from it, sampled while they run."""

from __future__ import annotations

import re
import threading
from pathlib import Path
from types import TracebackType

EVERY = 1.0
"""Seconds between two samples: each stops a process for some 20 ms."""


def children() -> dict[int, list[int]]:
    """Every process's children, by its id."""
    found: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # the name, in brackets, may hold anything; the parent is the second field behind it
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # it has ended
            continue
        found.setdefault(parent, []).append(int(stat.parent.name))
    return found


def tree_bytes(root: int) -> int:
    """Bytes that `root` and its descendants keep in memory; what they share counts once (PSS)."""
    known = children()
    waiting, total = [root], 0
    while waiting:
        process = waiting.pop()
        waiting += known.get(process, [])
        try:
            rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        except OSError:  # it has ended
            continue
        share = re.search(r"^Pss:\s+([0-9]+) kB", rollup, re.MULTILINE)
        total += 1024 * int(share[1]) if share else 0
    return total


class PeakMemory:
    """A context in which the memory of a process tree is watched; `bytes` is the largest sum seen.

    `wanted=False` watches nothing: what is timed must not be stopped for samples.
    """

    def __init__(self, root: int, wanted: bool) -> None:
        self.root, self.wanted, self.bytes = root, wanted, 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def _watch(self) -> None:
        while not self._ended.wait(EVERY):
            self.bytes = max(self.bytes, tree_bytes(self.root))

    def __enter__(self) -> PeakMemory:
        if self.wanted:
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        if self.wanted:
            self._thread.join()
