"""Reading pages out of a dump: the parts that tasks read, and every `<page>` that begins in a part.

Each page is parsed by itself, so that damage stays within its page, and an entity that the file's head
declares is unknown to every page (an entity bomb is a damaged page, never an expansion).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO
from xml.parsers import expat

import pyarrow as pa

from factroots_dagster.corpora.wikipedia.bzip2 import blocks

LARGEST_PAGE = 32 * 2**20
"""Bytes of XML of one page; MediaWiki allows 2 MiB of wikitext. Longer ones are listed as damaged."""

LEAST_PART, LARGEST_PART, PARTS = 2 * 2**20, 192 * 2**20, 16
"""Bytes of a dump file that one task reads: a 16th of the file, but within these limits."""

BLOCK, LEAST_PIECE = 2**20, 2**16
HEAD = 2000
PAGE, PAGE_END = b"<page>", b"</page>"
MOST_TAGS = 1000
"""Tags of one page; MediaWiki writes some 25, and markup in its text is escaped."""

WHOLE_NUMBER = re.compile("[0-9]{1,18}")
NUMBER = re.compile(rb"<id>([0-9]{1,18})</id>")
TITLE = re.compile(rb"<title>([^<]*)</title>")


@dataclass(frozen=True)
class Part:
    """Bytes [start, end) of a dump file; its pages are those that begin there."""

    path: str
    compression: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Page:
    """One page, or what is known of a damaged one (`damage` says what is wrong, `bytes` were lost)."""

    page_id: int | None
    title: str | None
    bytes: int
    namespace: int = 0
    redirect_to: str | None = None
    revision_id: int | None = None
    wikitext: str = ""
    damage: str | None = None


def parts_of_dump(dump: pa.Table) -> list[Part]:
    """What the tasks read of a dump (WIKIPEDIA_DUMP), in the dump's order.

    It depends on the files alone. Of .gz and .zst, which only can be read from the beginning, a part is a
    whole file.
    """
    parts = []
    for row in dump.to_pylist():
        size, compression = row["bytes"], row["compression"]
        share = (
            min(max(-(-size // PARTS), LEAST_PART), LARGEST_PART) if compression in ("bz2", "none") else size
        )
        count = max(1, -(-size // max(share, 1)))
        edges = [size * number // count for number in range(count + 1)]
        parts += [Part(row["path"], compression, start, end) for start, end in pairwise(edges)]
    return parts


Piece = tuple[bytes | None, bool, int, str]
"""Bytes (None: lost), whether they are the part's own, how many bytes of the file they took, and why lost."""


def pieces(part: Part, raw: IO[bytes]) -> Iterator[Piece]:
    """The uncompressed bytes from the part's beginning on, also behind its end, as they are asked for."""
    if part.compression == "bz2":
        found = blocks(raw, part.start)
        yield from in_larger_pieces(
            (block.data, block.start < part.end, block.compressed, "a corrupt bzip2 block") for block in found
        )
        return
    if part.compression == "none":
        raw.seek(part.start)
        at = part.start
        while data := raw.read(min(BLOCK, part.end - at) if at < part.end else BLOCK):
            yield data, at < part.end, len(data), ""
            at += len(data)
        return
    stream = pa.CompressedInputStream(
        pa.PythonFile(raw, "r"), {"gz": "gzip", "zst": "zstd"}[part.compression]
    )
    before = 0
    try:
        while data := stream.read(BLOCK):
            yield data, True, raw.tell() - before, ""
            before = raw.tell()
    except OSError:
        yield None, True, max(1, part.end - before), f"compressed data ({part.compression}) cut or corrupt"


def in_larger_pieces(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """Neighbours put together, so that a page in many tiny streams is not copied once for each of them."""
    data: list[bytes] = []
    own, size, length = True, 0, 0
    for piece, is_own, took, why in pieces:
        if data and (piece is None or is_own != own):
            yield b"".join(data), own, size, ""
            data, size, length = [], 0, 0
        if piece is None:
            yield piece, is_own, took, why
            continue
        data.append(piece)
        own, size, length = is_own, size + took, length + len(piece)
        # At once, since the next piece may be beyond what is wanted, and costs a block to be told.
        if length >= LEAST_PIECE:
            yield b"".join(data), own, size, ""
            data, size, length = [], 0, 0
    if data:
        yield b"".join(data), own, size, ""


class Reader:
    """The pages of one part. `done` is how many bytes of the part have been read."""

    def __init__(self, part: Part) -> None:
        self.part = part
        self.done = 0

    def pages(self) -> Iterator[Page]:
        """Every page that begins in the part, damaged ones too, in the file's order."""
        with open(self.part.path, "rb") as raw:
            # What comes before the first page of a part ends a page of the part before.
            cutter = Cutter(foreign=self.part.start > 0)
            for data, own, size, why in pieces(self.part, raw):
                if data is None:
                    yield from cutter.broken_off()
                    if not own:
                        return
                    yield Page(None, None, size, damage=f"{Path(self.part.path).name}: {why}")
                else:
                    yield from cutter.add(data, own)
                    if cutter.ended:
                        return
                self.done += size if own else 0
            yield from cutter.broken_off()


class Cutter:
    """Cuts a stream of XML into pages; knows how much of it belongs to the part."""

    def __init__(self, foreign: bool) -> None:
        self.text = b""
        self.own = 0
        self.foreign = foreign
        self.head = b""
        self.skipped = 0
        self.ended = False

    def add(self, data: bytes, own: bool) -> Iterator[Page]:
        """The pages that `data` completes. Sets `ended` when no further page can belong to the part."""
        self.text += data
        self.own += len(data) if own else 0
        at = 0
        while True:
            start = self.text.find(PAGE, at)
            if self.skipped:
                # In a page too long to keep: to its end, or to the next page.
                end = self.text.find(PAGE_END, at)
                if end < 0 and start < 0:
                    keep = max(at, len(self.text) - len(PAGE_END))
                    self.skipped += keep - at
                    at = keep
                    break
                stop = end + len(PAGE_END) if end >= 0 and not 0 <= start < end else start
                yield damaged(self.head, self.skipped + stop - at, f"longer than {LARGEST_PAGE} bytes")
                self.skipped = 0
                at = stop
                continue
            if start < 0 or start >= self.own:
                self.ended = not own and (start >= 0 or self.own <= at)
                keep = max(at, len(self.text) - len(PAGE) + 1) if start < 0 else start
                yield from self.between(self.text[at:keep], whole=start >= 0)
                at = keep
                break
            yield from self.between(self.text[at:start], whole=True)
            end = self.text.find(PAGE_END, start)
            following = self.text.find(PAGE, start + len(PAGE), end if end >= 0 else len(self.text))
            if following >= 0:
                yield damaged(self.text[start:following], following - start, "no end")
                at = following
            elif end >= 0:
                at = end + len(PAGE_END)
                yield parsed(self.text[start:at])
            else:
                at = start
                if len(self.text) - start > LARGEST_PAGE:
                    self.head = self.text[start : start + HEAD]
                    self.skipped = len(self.text) - start - len(PAGE_END)
                    at = start + self.skipped
                break
        self.text = self.text[at:]
        self.own = max(0, self.own - at)

    def between(self, text: bytes, whole: bool) -> Iterator[Page]:
        """What stands between two pages: nothing, the file's head, or a page without its beginning."""
        if b"<revision>" in text and not self.foreign:
            yield damaged(text, len(text), "no beginning")
        if whole:
            self.foreign = False

    def broken_off(self) -> Iterator[Page]:
        """What is left where the stream ends or has a hole."""
        if self.skipped:
            yield damaged(self.head, self.skipped + len(self.text), f"longer than {LARGEST_PAGE} bytes")
        elif self.own and self.text.startswith(PAGE):
            yield damaged(self.text, len(self.text), "no end")
        self.text, self.own, self.head, self.skipped, self.foreign = b"", 0, b"", 0, False


def damaged(xml: bytes, size: int, damage: str) -> Page:
    """A page that cannot be read, with the id and title that still can."""
    head = xml[:HEAD]
    number, title = NUMBER.search(head), TITLE.search(head)
    return Page(
        int(number[1]) if number else None,
        html.unescape(title[1].decode("utf-8", "replace")) if title else None,
        size,
        damage=damage,
    )


def parsed(xml: bytes) -> Page:
    """One `<page>...</page>`."""
    if len(xml) > LARGEST_PAGE:
        return damaged(xml, len(xml), f"longer than {LARGEST_PAGE} bytes")
    if xml.count(b"<") > 2 * MOST_TAGS:
        return damaged(xml, len(xml), f"more than {MOST_TAGS} tags")
    try:
        found = fields(xml)
        if "page/revision" not in found or not found.get("page/title"):
            raise ValueError
        return Page(
            whole_number(found.get("page/id")),
            found["page/title"],
            len(xml),
            whole_number(found.get("page/ns")),
            found.get("page/redirect") or None,
            whole_number(found.get("page/revision/id")),
            found.get("page/revision/text", ""),
        )
    except (expat.ExpatError, ValueError):
        return damaged(xml, len(xml), "not well-formed")


FIELDS = frozenset(
    f"page/{name}" for name in ("id", "title", "ns", "redirect", "revision", "revision/id", "revision/text")
)


def fields(xml: bytes) -> dict[str, str]:
    """The texts of FIELDS in a page, for `page/redirect` its title; of what stands twice, the first.

    Raises ExpatError when the XML is not well-formed.
    """
    found: dict[str, str] = {}
    path: list[str] = []
    kept: list[str] = []  # for each element of the path, the field whose text it is, or nothing

    def start(name: str, attributes: dict[str, str]) -> None:
        path.append(name)
        place = "/".join(path)
        kept.append(place if place in FIELDS and place not in found else "")
        if kept[-1]:
            found[place] = attributes.get("title", "")

    def data(text: str) -> None:
        if kept[-1]:
            found[kept[-1]] += text

    def end(name: str) -> None:
        path.pop()
        kept.pop()

    parser = expat.ParserCreate()
    # One call for a whole text; ElementTree makes a string of every stretch between two entities.
    parser.buffer_text, parser.buffer_size = True, len(xml)
    parser.StartElementHandler, parser.CharacterDataHandler, parser.EndElementHandler = start, data, end
    parser.Parse(xml, True)
    return found


def whole_number(text: str | None) -> int:
    """An id or namespace, which fits into 64 bits; raises ValueError for anything else."""
    if text is None or not WHOLE_NUMBER.fullmatch(text):
        raise ValueError
    return int(text)
