"""Anchors: which words the articles' links show for which title, counted.

They are read from the wikitext, by one pattern, and not from the text: `[[Берлін]]у` shows a word that ends
outside the link, and letters may precede it, as in Hebrew. Lines of tables and template arguments, which list
names in their dictionary form, are left out.
"""

from __future__ import annotations

import html
import re
import unicodedata
import uuid
from collections import Counter
from collections.abc import Set
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.corpora.schema import WIKIPEDIA_ANCHORS
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces, fold_name
from factroots_dagster.spark.tasks import INCOMPLETE_SUFFIX
from factroots_dagster.tables import storage_schema

MAX_DISTINCT = 1 << 19
"""Anchors that a task counts before it writes them, so that memory does not grow with the pages."""

HELD_OUT_OF = 10
"""One page in so many is held out: what it shows measures the forms that the other pages gave."""

_MARKS = "".join(chr(code) for code in range(0x10000) if unicodedata.category(chr(code))[0] == "M")
_LETTER = rf"[\w\u200c\u200d{_MARKS}]"
ANCHOR = re.compile(
    rf"\[\[(?:(?<=\W({_LETTER})\[\[)|(?<=\W({_LETTER}{{2}})\[\[)|(?<=({_LETTER}{{3}})\[\[))?"
    rf"([^\[\]|{{}}<>\n#]+)(?:\|([^\[\]|{{}}<>\n]*))?\]\]({_LETTER}*)"
)
"""One or two letters before the link, three of a longer word, target, label, letters after the link."""
TABLE_LINE = re.compile(r"\n[ \t]*[|!{][^\n]*")
QUOTES = re.compile("'{2,}")
MAX_LENGTH = 200
"""Characters of a target or of the words shown; longer ones are no names."""

RawAnchor = tuple[str, ...]
"""A match's groups of ANCHOR."""


def is_held_out(page_id: int) -> bool:
    """Whether a page's anchors are held out, by a hash of its id."""
    return crc32(page_id.to_bytes(8, "little")) % HELD_OUT_OF == 0


class AnchorWriter:
    """Counts the anchors of one part's pages and writes them as `folder/_anchors-<number>.parquet`.

    A context manager: the file gets its name on exit; on an error none remains.
    """

    def __init__(
        self, folder: Path, number: int, namespaces: Namespaces, max_distinct: int = MAX_DISTINCT
    ) -> None:
        self._path = folder / f"_anchors-{number:05d}.parquet"
        # Two attempts at a task may run at the same time: each writes a file of its own.
        self._incomplete = folder / f"_{uuid.uuid4().hex}{INCOMPLETE_SUFFIX}"
        self._prefixes = namespaces.files | namespaces.categories | namespaces.languages
        self._max_distinct = max_distinct
        self._counts: tuple[Counter[RawAnchor], Counter[RawAnchor]] = (Counter(), Counter())
        self._writer = pq.ParquetWriter(
            self._incomplete, storage_schema(WIKIPEDIA_ANCHORS), compression="zstd"
        )

    def add(self, page_id: int, wikitext: str) -> None:
        """Count the anchors of an article."""
        counts = self._counts[is_held_out(page_id)]
        counts.update(ANCHOR.findall(TABLE_LINE.sub("", "\n" + wikitext)))
        if len(counts) >= self._max_distinct:
            self._write()

    def _write(self) -> None:
        """Write what was counted so far as one row group, by target and words."""
        rows: dict[tuple[str, str], list[int]] = {}
        for held_out, counts in enumerate(self._counts):
            for raw, count in counts.items():
                anchor = read_anchor(raw, self._prefixes)
                if anchor is not None:
                    rows.setdefault(anchor, [0, 0])[held_out] += count
            counts.clear()
        if rows:
            keys = sorted(rows)
            columns = [*zip(*keys, strict=True), *zip(*(rows[key] for key in keys), strict=True)]
            arrays = [pa.array(column) for column in columns]
            self._writer.write_table(pa.Table.from_arrays(arrays, schema=storage_schema(WIKIPEDIA_ANCHORS)))

    def __enter__(self) -> AnchorWriter:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None:
            self._write()
        self._writer.close()
        if error is None:
            self._incomplete.replace(self._path)
        else:
            self._incomplete.unlink(missing_ok=True)


def read_anchor(raw: RawAnchor, prefixes: Set[str]) -> tuple[str, str] | None:
    """The title that a link leads to and the words that it shows; None for links to no article.

    The words reach over the whole first and last word, wherever the link begins and ends. prefixes: folded
    prefixes of links that are not part of the prose.
    """
    one, two, three, target, label, trail = raw
    if three:  # the second part of a compound
        return None
    prefix, colon, _ = target.partition(":")
    if colon and fold_name(prefix) in prefixes:
        return None
    title = _plain(target).removeprefix(":").strip()
    words = _plain(f"{one}{two}{label.strip() or target.strip().removeprefix(':')}{trail}")
    if not title or not words or max(len(title), len(words)) > MAX_LENGTH:
        return None
    first = title[0].title()
    return (first + title[1:] if len(first) == 1 else title), words


def _plain(text: str) -> str:
    """A title or label without bold and italic marks, entities and repeated spaces."""
    if "&" in text:
        text = html.unescape(text)
    if "''" in text:
        text = QUOTES.sub("", text)
    return " ".join(text.replace("_", " ").split())


def merge_anchors(folder: Path) -> None:
    """Join the parts' files as `folder/_anchors.parquet` (WIKIPEDIA_ANCHORS), one row group at a time."""
    parts, merged = sorted(folder.glob("_anchors-*.parquet")), folder / "_anchors.parquet"
    if not merged.exists():
        incomplete = folder / f"_{uuid.uuid4().hex}{INCOMPLETE_SUFFIX}"
        with pq.ParquetWriter(incomplete, storage_schema(WIKIPEDIA_ANCHORS), compression="zstd") as writer:
            for part in map(pq.ParquetFile, parts):
                for group in range(part.num_row_groups):
                    writer.write_table(part.read_row_group(group))
        incomplete.replace(merged)
    for part in parts:
        part.unlink()
