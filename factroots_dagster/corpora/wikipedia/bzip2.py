"""One large bzip2 file read by many tasks: blocks found by their markers, each decompressed by itself.

A bzip2 stream is a sequence of blocks of at most 900 kB. Each begins, at any bit of the file, with a marker
of 48 bits, and a marker ends the stream. A block that is cut out and given a header and a footer of its own
is a whole file for any decompressor. So a task reads the blocks of its byte range, of single-stream and
multistream files alike, and a corrupt block costs only itself. (Format: Joe Tsai, "BZIP2: Format
Specification", 2016; bzip2recover works the same way.)
"""

from __future__ import annotations

import bz2
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import IO

import numpy as np

BLOCK_MARKER = 0x314159265359
END_MARKER = 0x177245385090
MARKER_BITS, HEADER_BITS, CHECKSUM_BITS = 48, 32, 32
READ_BYTES = 2**20
MAX_BLOCK_BYTES = 2 * 2**20
"""No block is longer than this when compressed: 900 kB of incompressible data take some 1% more."""


PATTERNS = {
    # A marker that begins `shift` bits into byte 0 fills bytes 1 to 5.
    (marker << (8 - shift)).to_bytes(7, "big")[1:6]: (marker, shift)
    for marker in (BLOCK_MARKER, END_MARKER)
    for shift in range(8)
}
"""Marker and the bit of a byte at which it begins, by the five whole bytes that it then contains."""
PATTERN_BYTES = 5
BEGINS_PATTERN = np.zeros(2**16, dtype=bool)
"""Whether a pattern begins with these two bytes."""
BEGINS_PATTERN[[int.from_bytes(pattern[:2], "big") for pattern in PATTERNS]] = True

Marker = tuple[int, bool]
"""Position of a marker in bits, and whether it begins a block (else it ends a stream)."""


@dataclass(frozen=True)
class Block:
    """One block: its first byte in the file (rounded down), its size there, and what it holds."""

    start: int
    compressed: int
    data: bytes | None
    """None when the block is corrupt."""


def find_markers(data: bytes) -> Iterator[Marker]:
    """The markers that lie entirely in `data`, in order."""
    codes = np.frombuffer(data, dtype=np.uint8)
    pairs = codes[:-1].astype(np.uint16)
    pairs <<= 8
    pairs |= codes[1:]
    for position in np.flatnonzero(BEGINS_PATTERN.take(pairs)).tolist():
        pattern = data[position : position + PATTERN_BYTES]
        if position == 0 or pattern not in PATTERNS:
            continue
        marker, shift = PATTERNS[pattern]
        first = position - 1
        bits = int.from_bytes(data[first : first + 7].ljust(7, b"\0"), "big")
        complete = first * 8 + shift + MARKER_BITS <= len(data) * 8
        if complete and (bits >> (8 - shift)) & (2**MARKER_BITS - 1) == marker:
            yield first * 8 + shift, marker == BLOCK_MARKER


def decompress_block(data: bytes, start: int, end: int) -> bytes | None:
    """The content of the block in the bits [start, end) of `data`; None when it is corrupt."""
    bits = end - start
    if bits < MARKER_BITS + CHECKSUM_BITS:
        return None
    first, last = start // 8, -(-end // 8)
    value = (int.from_bytes(data[first:last], "big") >> (last * 8 - end)) & ((1 << bits) - 1)
    checksum = (value >> (bits - MARKER_BITS - CHECKSUM_BITS)) & 0xFFFFFFFF
    # The checksum of a stream with one block is that of the block.
    value = (value << (MARKER_BITS + CHECKSUM_BITS)) | (END_MARKER << CHECKSUM_BITS) | checksum
    size = bits + MARKER_BITS + CHECKSUM_BITS
    body = (value << (-size % 8)).to_bytes(-(-size // 8), "big")
    try:
        return bz2.decompress(b"BZh9" + body)
    except (OSError, ValueError):
        return None


FindMarkers = Callable[[bytes], Iterator[Marker]]


def read_blocks(raw: IO[bytes], start: int, find: FindMarkers = find_markers) -> Iterator[Block]:
    """The blocks that begin at byte `start` of the file or later, in order.

    A block's data may contain a marker by chance: if what is between two markers is not a block, it is tried
    once more up to the next marker, and counts as corrupt if that fails too. So does the last block of a file
    that is cut off inside it.
    """
    raw.seek(start)
    window = Window(raw, start, find)
    block_start: int | None = None
    chance_marker: Marker | None = None
    # Where a marker must be: after the header of a stream. Unknown when the range begins inside a stream.
    expected = HEADER_BITS if start == 0 else None
    for position, begins_block in window.markers():
        if block_start is None and expected is not None and position > expected:
            yield Block(expected // 8, (position - expected) // 8, None)
        while block_start is not None:
            if (content := window.decompress(block_start, position)) is not None:
                yield Block(block_start // 8, (position - block_start) // 8, content)
            elif chance_marker is None and position - block_start < MAX_BLOCK_BYTES * 8:
                chance_marker = (position, begins_block)
                break
            else:
                end, retry = chance_marker or (position, False)
                yield Block(block_start // 8, (end - block_start) // 8, None)
                block_start, chance_marker = (end if retry else None), None
                continue
            block_start = chance_marker = None
        if block_start is None:
            block_start = position if begins_block else None
            stream_end = -(-(position + MARKER_BITS + CHECKSUM_BITS) // 8) * 8
            expected = None if begins_block else stream_end + HEADER_BITS
        window.keep_from(block_start)
    if block_start is None and expected is not None and window.end > expected:
        yield Block(expected // 8, (window.end - expected) // 8, None)
    while block_start is not None:
        content = window.decompress(block_start, window.end)
        if content is not None:
            chance_marker = None
        end, retry = chance_marker or (window.end, False)
        yield Block(block_start // 8, (end - block_start) // 8, content)
        block_start, chance_marker = (end if retry else None), None


class Window:
    """The stretch of the file in memory. Positions are bits from the beginning of the file."""

    def __init__(self, raw: IO[bytes], start: int, find: FindMarkers = find_markers) -> None:
        self.raw, self.find = raw, find
        self.first = self.keep = start
        self.data = b""

    @property
    def end(self) -> int:
        return (self.first + len(self.data)) * 8

    def keep_from(self, position: int | None) -> None:
        """Allow bytes before `position` to be dropped; all that have been searched when it is None."""
        self.keep = self.first + len(self.data) - 8 if position is None else position // 8

    def decompress(self, start: int, end: int) -> bytes | None:
        """The block in the bits [start, end); None when it is corrupt, or too long and partly dropped."""
        if start < self.first * 8:
            return None
        return decompress_block(self.data, start - self.first * 8, end - self.first * 8)

    def markers(self) -> Iterator[Marker]:
        """Every marker from the window's beginning to the end of the file, which is read as needed."""
        searched = self.first
        last = -1
        while more := self.raw.read(READ_BYTES):
            dropped = max(0, min(self.keep, searched) - self.first, len(self.data) - 2 * MAX_BLOCK_BYTES)
            self.data = self.data[dropped:] + more
            self.first += dropped
            base = self.first
            for position, begins_block in self.find(self.data[searched - base :]):
                if searched * 8 + position > last:
                    last = searched * 8 + position
                    yield last, begins_block
            # A marker that continues in the bytes read next is found with them.
            searched = base + len(self.data) - 6
