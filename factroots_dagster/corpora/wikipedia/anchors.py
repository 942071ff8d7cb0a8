"""Anchors: which words the articles' links show for which title, counted.

They are read from the wikitext, by one pattern, and not from the text: `[[Берлін]]у` shows a word that ends
outside the link, and letters may precede it, as in Hebrew. Lines of tables and template arguments, which list
names in their dictionary form, are left out.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections import Counter
from collections.abc import Set
from pathlib import Path
from zlib import crc32

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.corpora.schema import WIKIPEDIA_ANCHORS
from factroots_dagster.corpora.wikipedia.markup.magic_words import fold_name
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.finished import keep_files
from factroots_dagster.tables import storage_schema

MAX_DISTINCT = 1 << 19
"""Anchors that a task counts before it packs them, so that memory hardly grows with the pages."""

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
MAX_LENGTH = 200
"""Characters of a target or of the words shown; longer ones are no names."""

KEYS = ["target", "words"]
_KEPT = "_anchors-*.arrow"

RawAnchor = tuple[str, ...]
"""A match's groups of ANCHOR."""


def is_held_out(page_id: int) -> bool:
    """Whether a page's anchors are held out, by a hash of its id."""
    return crc32(page_id.to_bytes(8, "little")) % HELD_OUT_OF == 0


class AnchorCounter:
    """Counts the anchors of one part's pages."""

    def __init__(self, namespaces: Namespaces, max_distinct: int = MAX_DISTINCT) -> None:
        self._prefixes = namespaces.files | namespaces.categories | namespaces.languages
        self._max_distinct = max_distinct
        self._counts: tuple[Counter[RawAnchor], Counter[RawAnchor]] = (Counter(), Counter())
        self._packed = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="zstd")
        self._stream = pa.ipc.new_stream(self._packed, storage_schema(WIKIPEDIA_ANCHORS), options=options)

    def add(self, page_id: int, wikitext: str) -> None:
        """Count the anchors of an article."""
        counts = self._counts[is_held_out(page_id)]
        counts.update(ANCHOR.findall(TABLE_LINE.sub("", "\n" + wikitext)))
        if len(counts) >= self._max_distinct:
            self._pack()

    def finish(self) -> bytes:
        """WIKIPEDIA_ANCHORS of all pages as an Arrow stream; afterwards the counter is of no use.

        Of the dumps measured it has a fifth (English) to two fifths (Ukrainian) of the bytes of the dump as
        .bz2, and less of larger parts, since anchors are repeated.
        """
        self._pack()
        self._stream.close()
        packed: bytes = self._packed.getvalue().to_pybytes()
        return packed

    def _pack(self) -> None:
        """Add what was counted so far to the stream, by target and words."""
        tables = [
            read_anchors(counts, self._prefixes, column)
            for counts, column in zip(self._counts, ("links", "held_out_links"), strict=True)
        ]
        both = pa.concat_tables(tables, promote_options="default").group_by(KEYS, use_threads=False)
        summed = both.aggregate([("links", "sum"), ("held_out_links", "sum")])
        summed = summed.rename_columns(WIKIPEDIA_ANCHORS.names).sort_by([(key, "ascending") for key in KEYS])
        if summed.num_rows:
            columns = [pc.fill_null(column, 0) for column in summed.columns[len(KEYS) :]]
            columns = [*summed.columns[: len(KEYS)], *columns]
            table = pa.Table.from_arrays(columns, schema=storage_schema(WIKIPEDIA_ANCHORS))
            self._stream.write_table(table.combine_chunks())
        for counts in self._counts:
            counts.clear()


def read_anchors(counts: Counter[RawAnchor], prefixes: Set[str], column: str) -> pa.Table:
    """The titles that links lead to, the words that they show, and as `column` how many there are.

    The words reach over the whole first and last word, wherever the link begins and ends. prefixes: folded
    prefixes of links that are not part of the prose. Computed on whole columns, since there are as many
    distinct anchors as a Wikipedia has sentences.
    """
    columns = zip(*counts, strict=True) if counts else [()] * ANCHOR.groups
    one, two, three, target, label, trail = (pa.array(values, pa.string()) for values in columns)
    own = pc.if_else(
        pc.equal(pc.utf8_trim_whitespace(label), ""), pc.replace_substring_regex(target, "^ *: *", ""), label
    )
    words = _plain(pc.binary_join_element_wise(one, two, pc.utf8_trim_whitespace(own), trail, ""))
    title = pc.replace_substring_regex(_plain(target), "^ *: *", "")
    first, rest = pc.utf8_slice_codeunits(title, 0, 1), pc.utf8_slice_codeunits(title, 1)
    title = pc.binary_join_element_wise(pc.utf8_title(first), rest, "")
    has_colon = pc.match_substring(target, ":")
    is_foreign = [
        fold_name(link.partition(":")[0]) in prefixes for link in target.filter(has_colon).to_pylist()
    ]
    is_article = pc.replace_with_mask(
        pc.invert(has_colon), has_colon, pa.array([not foreign for foreign in is_foreign], pa.bool_())
    )
    kept = pc.and_(is_article, pc.equal(three, ""))  # three letters: the second part of a compound
    for values in (title, words):
        kept = pc.and_(
            kept, pc.and_(pc.not_equal(values, ""), pc.less_equal(pc.utf8_length(values), MAX_LENGTH))
        )
    table = pa.table([title, words, pa.array(counts.values(), pa.int64())], [*KEYS, column])
    return table.filter(kept)


def _plain(texts: pa.Array) -> pa.Array:
    """Titles or labels without bold and italic marks, entities and repeated spaces."""
    has_entity = pc.match_substring(texts, "&")
    if pc.any(has_entity).as_py():
        resolved = map(html.unescape, texts.filter(has_entity).to_pylist())
        texts = pc.replace_with_mask(texts, has_entity, pa.array(resolved, pa.string()))
    texts = pc.replace_substring_regex(pc.replace_substring(texts, "\u00a0", " "), "'{2,}", "")
    return pc.utf8_trim_whitespace(pc.replace_substring_regex(texts, r"[\s_]+", " "))


def keep_anchors(packed: bytes, folder: Path, number: int) -> dict[str, str]:
    """Keep the anchors of one part in `folder` until `forget_anchors`; the file by name, with its SHA-256."""
    path = folder / f"_anchors-{number:05d}.arrow"
    path.write_bytes(packed)
    return keep_files([path])


def merge_anchors(folder: Path) -> None:
    """Join what `keep_anchors` has kept as `folder/_anchors.parquet` (WIKIPEDIA_ANCHORS), in order."""
    with (
        atomic_file(folder / "_anchors.parquet") as temporary,
        pq.ParquetWriter(temporary, storage_schema(WIKIPEDIA_ANCHORS), compression="zstd") as writer,
    ):
        for part in sorted(folder.glob(_KEPT)):
            with pa.memory_map(str(part)) as source:
                for batch in pa.ipc.open_stream(source):
                    writer.write_batch(batch)


def forget_anchors(folder: Path) -> None:
    """Remove what `keep_anchors` has kept."""
    for part in folder.glob(_KEPT):
        part.unlink()
