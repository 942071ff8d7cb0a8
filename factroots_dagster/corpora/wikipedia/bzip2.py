"""One large bzip2 file read by many tasks: blocks found by their marks, each decompressed by itself.

A bzip2 stream is a row of blocks of at most 900 kB, which begin at any bit with a mark of 48 bits. A block
that is cut out and given a head and a tail of its own is a whole file for any decompressor. So a task reads
the blocks of its range of bytes, single-stream and multistream files alike, and a corrupt block costs itself
alone. (Format: Joe Tsai, "BZIP2: Format Specification", 2016; the trick is that of bzip2recover.)
"""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

BLOCK_MARK = 0x314159265359
END_MARK = 0x177245385090
MARK_BITS, HEAD_BITS = 48, 32
READ = 2**20
LONGEST_BLOCK = 2 * 2**20
"""No block is longer than this when compressed: 900 kB that do not shrink take some 1% more."""


def _patterns() -> dict[bytes, tuple[int, int]]:
    """Five bytes that only stand inside a mark, with the mark and how many bits before a byte it begins."""
    found = {}
    for mark in (BLOCK_MARK, END_MARK):
        for shift in range(8):
            # A mark that begins `shift` bits into byte 0 fills bytes 1 to 5 whole.
            whole = (mark << (8 - shift)).to_bytes(7, "big")
            found[whole[1:6]] = (mark, shift)
    return found


PATTERNS = _patterns()
PATTERN_BYTES = 5
STARTS = np.zeros(2**16, dtype=bool)
"""Whether a pattern begins with these two bytes."""
STARTS[[int.from_bytes(pattern[:2], "big") for pattern in PATTERNS]] = True


@dataclass(frozen=True)
class Block:
    """Where a block stands (its first byte, rounded down) and what it holds; None when it is corrupt."""

    start: int
    compressed: int
    data: bytes | None


def marks(data: bytes) -> Iterator[tuple[int, bool]]:
    """Bit places of the marks that lie whole in `data`, in order, and whether each begins a block."""
    codes = np.frombuffer(data, dtype=np.uint8)
    pairs = codes[:-1].astype(np.uint16)
    pairs <<= 8
    pairs |= codes[1:]
    for place in np.flatnonzero(STARTS.take(pairs)).tolist():
        pattern = data[place : place + PATTERN_BYTES]
        if place == 0 or pattern not in PATTERNS:
            continue
        mark, shift = PATTERNS[pattern]
        first = place - 1
        around = int.from_bytes(data[first : first + 7].ljust(7, b"\0"), "big")
        whole = first * 8 + shift + MARK_BITS <= len(data) * 8
        if whole and (around >> (8 - shift)) & (2**MARK_BITS - 1) == mark:
            yield first * 8 + shift, mark == BLOCK_MARK


def decompressed(data: bytes, start: int, end: int) -> bytes | None:
    """The content of the block that fills the bits [start, end) of `data`; None when it is corrupt."""
    bits = end - start
    if bits < MARK_BITS + 32:
        return None
    first, last = start // 8, -(-end // 8)
    value = (int.from_bytes(data[first:last], "big") >> (last * 8 - end)) & ((1 << bits) - 1)
    checksum = (value >> (bits - MARK_BITS - 32)) & 0xFFFFFFFF
    # The checksum of a stream with one block is that of the block.
    value = (value << (MARK_BITS + 32)) | (END_MARK << 32) | checksum
    size = bits + MARK_BITS + 32
    body = (value << (-size % 8)).to_bytes(-(-size // 8), "big")
    try:
        return bz2.decompress(b"BZh9" + body)
    except (OSError, ValueError):
        return None


def blocks(raw: IO[bytes], start: int) -> Iterator[Block]:
    """The blocks that begin at byte `start` of the file or later, in order.

    What stands between two marks and is no block may hold a mark by chance: it is tried once more up to
    the mark after, and corrupt if that fails too. So is the last block of a file that is cut inside it.
    """
    raw.seek(start)
    window = Window(raw, start)
    opened: int | None = None
    doubtful: tuple[int, bool] | None = None
    # Where a mark must stand: behind the head of a stream. Unknown when the range begins inside a stream.
    expected = HEAD_BITS if start == 0 else None
    for place, begins in window.marks():
        if opened is None and expected is not None and place > expected:
            yield Block(expected // 8, (place - expected) // 8, None)
        while opened is not None:
            if (content := window.content(opened, place)) is not None:
                yield Block(opened // 8, (place - opened) // 8, content)
            elif doubtful is None and place - opened < LONGEST_BLOCK * 8:
                doubtful = (place, begins)
                break
            else:
                end, again = doubtful or (place, False)
                yield Block(opened // 8, (end - opened) // 8, None)
                opened, doubtful = (end if again else None), None
                continue
            opened = doubtful = None
        if opened is None:
            opened = place if begins else None
            expected = None if begins else -(-(place + MARK_BITS + 32) // 8) * 8 + HEAD_BITS
        window.keep_from(opened)
    if opened is None and expected is not None and window.end > expected:
        yield Block(expected // 8, (window.end - expected) // 8, None)
    while opened is not None:
        content = window.content(opened, window.end)
        if content is None and doubtful is not None:
            end, again = doubtful
        else:
            end, again = window.end, False
        yield Block(opened // 8, (end - opened) // 8, content)
        opened, doubtful = (end if again else None), None


class Window:
    """The stretch of the file in memory. Places are bits from the file's beginning."""

    def __init__(self, raw: IO[bytes], start: int) -> None:
        self.raw = raw
        self.first = start
        self.kept = start
        self.data = b""

    @property
    def end(self) -> int:
        return (self.first + len(self.data)) * 8

    def keep_from(self, place: int | None) -> None:
        """Bytes before `place` may go; all that have been searched when it is None."""
        self.kept = self.first + len(self.data) - 8 if place is None else place // 8

    def content(self, start: int, end: int) -> bytes | None:
        """The block that fills the bits [start, end); None when it is corrupt or too long to be one."""
        if start < self.first * 8:
            return None
        return decompressed(self.data, start - self.first * 8, end - self.first * 8)

    def marks(self) -> Iterator[tuple[int, bool]]:
        """Every mark from the window's beginning to the file's end, reading on as they are asked for."""
        searched = self.first
        last = -1
        while more := self.raw.read(READ):
            gone = max(0, min(self.kept, searched) - self.first, len(self.data) - 2 * LONGEST_BLOCK)
            self.data = self.data[gone:] + more
            self.first += gone
            base = self.first
            for place, begins in marks(self.data[searched - base :]):
                if searched * 8 + place > last:
                    last = searched * 8 + place
                    yield last, begins
            # A mark that reaches into the next bytes is found with them.
            searched = base + len(self.data) - 6
