"""Reading pages out of a dump: the byte ranges that tasks read, and every `<page>` that begins in a range.

Each page is parsed by itself (`page_xml`), so that damage stays within its page.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, NamedTuple

import pyarrow as pa

from factroots_dagster.corpora.wikipedia.bzip2 import read_blocks
from factroots_dagster.corpora.wikipedia.page_xml import (
    HEAD_BYTES,
    MAX_PAGE_BYTES,
    Page,
    damaged_page,
    parse_page,
    too_long_page,
)

RANGES_PER_FILE, MIN_RANGE_BYTES, MAX_RANGE_BYTES = 16, 2 * 2**20, 192 * 2**20
"""A task reads a 16th of a dump file, but within these limits."""

READ_BYTES, MIN_PIECE_BYTES = 2**20, 2**16
PAGE_START, PAGE_END = b"<page>", b"</page>"


@dataclass(frozen=True)
class ByteRange:
    """Bytes [start, end) of a dump file, for one task, which reads the pages that begin there."""

    path: str
    compression: str
    start: int
    end: int


def split_dump(dump: pa.Table, min_bytes: int = MIN_RANGE_BYTES) -> list[ByteRange]:
    """The byte ranges of a dump's files (WIKIPEDIA_DUMP) that tasks read, in the dump's order.

    They depend on the files alone. A .gz or .zst file, which can be read from its beginning only, is one
    range.
    """
    ranges = []
    for row in dump.to_pylist():
        size, compression = row["bytes"], row["compression"]
        if compression in ("bz2", "none"):
            share = min(max(-(-size // RANGES_PER_FILE), min_bytes), MAX_RANGE_BYTES)
        else:
            share = size
        count = max(1, -(-size // max(share, 1)))
        edges = [size * number // count for number in range(count + 1)]
        ranges += [ByteRange(row["path"], compression, start, end) for start, end in pairwise(edges)]
    return ranges


class Piece(NamedTuple):
    """Consecutive bytes of a dump, decompressed."""

    data: bytes | None
    """None where they are lost."""
    in_range: bool
    """Whether they begin in the task's byte range; pages that begin in it may end behind it."""
    size: int
    """How many bytes of the file they take."""
    damage: str = ""
    """Why they are lost."""


def read_pieces(source: ByteRange, raw: IO[bytes], read_bytes: int = READ_BYTES) -> Iterator[Piece]:
    """The decompressed bytes from the beginning of a range to the end of its file, read lazily."""
    if source.compression == "bz2":
        yield from merge_small_pieces(
            Piece(block.data, block.start < source.end, block.compressed, "a corrupt bzip2 block")
            for block in read_blocks(raw, source.start)
        )
        return
    if source.compression == "none":
        raw.seek(source.start)
        position = source.start
        while data := raw.read(
            min(read_bytes, source.end - position) if position < source.end else read_bytes
        ):
            yield Piece(data, position < source.end, len(data))
            position += len(data)
        return
    codec = {"gz": "gzip", "zst": "zstd"}[source.compression]
    stream = pa.CompressedInputStream(pa.PythonFile(raw, "r"), codec)
    before = 0
    try:
        while data := stream.read(read_bytes):
            yield Piece(data, True, raw.tell() - before)
            before = raw.tell()
    except OSError:
        damage = f"compressed data ({source.compression}) cut or corrupt"
        yield Piece(None, True, max(1, source.end - before), damage)


def merge_small_pieces(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbouring pieces joined, so that a page in many tiny streams is not copied once for each of them."""
    data: list[bytes] = []
    in_range, size, length = True, 0, 0
    for piece in pieces:
        if data and (piece.data is None or piece.in_range != in_range):
            yield Piece(b"".join(data), in_range, size)
            data, size, length = [], 0, 0
        if piece.data is None:
            yield piece
            continue
        data.append(piece.data)
        in_range, size, length = piece.in_range, size + piece.size, length + len(piece.data)
        # Before the next piece is read: it may not be needed, and would have to be decompressed.
        if length >= MIN_PIECE_BYTES:
            yield Piece(b"".join(data), in_range, size)
            data, size, length = [], 0, 0
    if data:
        yield Piece(b"".join(data), in_range, size)


class PageReader:
    """The pages of one byte range."""

    def __init__(self, source: ByteRange, read_bytes: int = READ_BYTES) -> None:
        self.source, self.read_bytes = source, read_bytes

    def pages(self) -> Iterator[Page]:
        """Every page that begins in the range, damaged ones too, in the file's order."""
        with open(self.source.path, "rb") as raw:
            # What comes before the first page of a range ends a page of the range before.
            splitter = PageSplitter(inside_foreign_page=self.source.start > 0)
            for data, in_range, size, damage in read_pieces(self.source, raw, self.read_bytes):
                if data is None:
                    yield from splitter.break_off()
                    if not in_range:
                        return
                    yield Page(None, None, size, damage=f"{Path(self.source.path).name}: {damage}")
                else:
                    yield from splitter.add(data, in_range)
                    if splitter.ended:
                        return
            yield from splitter.break_off()


class PageSplitter:
    """Splits a stream of XML into pages.

    text: XML that has not been split yet; its first `own` bytes belong to the task's byte range.
    skipped: how many bytes of a page that is too long to keep have been dropped, `head` its beginning.
    """

    def __init__(self, inside_foreign_page: bool) -> None:
        self.text = b""
        self.own = 0
        self.inside_foreign_page = inside_foreign_page
        self.head = b""
        self.skipped = 0
        self.ended = False

    def add(self, data: bytes, in_range: bool) -> Iterator[Page]:
        """The pages that `data` completes. Sets `ended` when no further page can belong to the range."""
        self.text += data
        self.own += len(data) if in_range else 0
        position = 0
        while True:
            start = self.text.find(PAGE_START, position)
            if self.skipped:
                # In a page too long to keep: to its end, or to the next page.
                end = self.text.find(PAGE_END, position)
                if end < 0 and start < 0:
                    keep = max(position, len(self.text) - len(PAGE_END))
                    self.skipped += keep - position
                    position = keep
                    break
                stop = end + len(PAGE_END) if end >= 0 and not 0 <= start < end else start
                yield too_long_page(self.head, self.skipped + stop - position)
                self.skipped = 0
                position = stop
                continue
            if start < 0 or start >= self.own:
                self.ended = not in_range and (start >= 0 or self.own <= position)
                keep = max(position, len(self.text) - len(PAGE_START) + 1) if start < 0 else start
                yield from self.check_gap(self.text[position:keep], before_page=start >= 0)
                position = keep
                break
            yield from self.check_gap(self.text[position:start], before_page=True)
            end = self.text.find(PAGE_END, start)
            following = self.text.find(PAGE_START, start + len(PAGE_START), end if end >= 0 else None)
            if following >= 0:
                yield damaged_page(self.text[start:following], following - start, "no end")
                position = following
            elif end >= 0:
                position = end + len(PAGE_END)
                yield parse_page(self.text[start:position])
            else:
                position = start
                if len(self.text) - start > MAX_PAGE_BYTES:
                    self.head = self.text[start : start + HEAD_BYTES]
                    self.skipped = len(self.text) - start - len(PAGE_END)
                    position = start + self.skipped
                break
        self.text = self.text[position:]
        self.own = max(0, self.own - position)

    def check_gap(self, text: bytes, before_page: bool) -> Iterator[Page]:
        """A damaged page when the text between two pages is a page without its beginning.

        before_page: whether the text is complete, since the next page follows it.
        """
        if b"<revision>" in text and not self.inside_foreign_page:
            yield damaged_page(text, len(text), "no beginning")
        if before_page:
            self.inside_foreign_page = False

    def break_off(self) -> Iterator[Page]:
        """The incomplete page where the stream ends or has a hole; resets the splitter."""
        if self.skipped:
            yield too_long_page(self.head, self.skipped + len(self.text))
        elif self.own and self.text.startswith(PAGE_START):
            yield damaged_page(self.text, len(self.text), "no end")
        self.text, self.own, self.head, self.skipped, self.inside_foreign_page = b"", 0, b"", 0, False
