"""Inputs of the benchmark: pages of real dumps, and larger valid dumps in which they are repeated."""

from __future__ import annotations

import bz2
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa

from factroots_dagster.corpora.wikipedia.dump import COMPRESSIONS

READ_BYTES = 2**20
PAGE_ID = re.compile(rb"<id>([0-9]+)</id>")


@dataclass(frozen=True)
class Pages:
    """The beginning of a dump: its head, and complete `<page>` elements as they are in the file."""

    head: bytes
    pages: list[bytes]

    @property
    def xml_bytes(self) -> int:
        return len(self.head) + sum(map(len, self.pages))


def read_pages(path: Path, limit: int) -> Pages:
    """The complete pages among the first `limit` bytes of XML of a dump file, which may be cut off."""
    data = bytearray()
    with pa.input_stream(str(path), compression=COMPRESSIONS[path.suffix.removeprefix(".")]) as stream:
        while len(data) < limit and (block := stream.read(READ_BYTES)):
            data += block
    complete = bytes(data[: data.rfind(b"</page>") + len(b"</page>")])
    start = complete.index(b"<page>")
    pages = [b"<page>" + piece for piece in complete[start:].split(b"<page>")[1:]]
    return Pages(complete[:start], pages)


def write_repeated(source: Pages, copies: int, target: Path) -> int:
    """Write the pages `copies` times as one bz2 dump, each copy with new page ids; return bytes of XML."""
    step = 1 + max(int(match[1]) for page in source.pages if (match := PAGE_ID.search(page)))
    size = 0
    compressor = bz2.BZ2Compressor()
    with target.open("wb") as out:

        def write(data: bytes) -> None:
            nonlocal size
            size += len(data)
            out.write(compressor.compress(data))

        write(source.head)
        for first in range(0, copies * step, step):
            for page in source.pages:
                match = PAGE_ID.search(page)
                assert match is not None
                write(page[: match.start(1)] + b"%d" % (first + int(match[1])) + page[match.end(1) :])
        write(b"</mediawiki>\n")
        out.write(compressor.flush())
    return size


def parse_articles(source: Pages) -> Iterator[tuple[str, str, str]]:
    """Page id, title and wikitext of the articles (namespace 0, no redirects), read by ElementTree."""
    for page in source.pages:
        element = ElementTree.fromstring(page[: page.rindex(b"</page>") + len(b"</page>")])
        if element.findtext("ns") == "0" and element.find("redirect") is None:
            text = element.findtext("revision/text") or ""
            yield element.findtext("id") or "", element.findtext("title") or "", text
