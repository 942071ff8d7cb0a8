"""Articles as a table: columns from what was read of each page, and their sizes."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate, chain
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.corpora.schema import WIKIPEDIA, WIKIPEDIA_ARTICLES
from factroots_dagster.corpora.wikipedia.markup.cells import Cell
from factroots_dagster.text.tokens import count_words

Structure = tuple[list[int], list[Cell]]
"""The numbers of a page's lines that are headings, and its cells."""


def article_table(
    rows: list[tuple[Any, ...]],
    provenance: Sequence[tuple[str, str | None, int]] | None = None,
    structures: Sequence[Structure] | None = None,
) -> pa.Table:
    """Rows of `article_row` as WIKIPEDIA_ARTICLES.

    provenance: corpus, url and weight of each row; None for pages of Wikipedia. structures: of each row; None
    where there is no markup.
    """
    columns = list(zip(*rows, strict=True)) or [()] * WIKIPEDIA_ARTICLES.get_field_index("words")
    words = count_words(columns[WIKIPEDIA_ARTICLES.get_field_index("text")])
    origins = list(zip(*(provenance or [(WIKIPEDIA, None, 1)] * len(rows)), strict=True)) or [()] * 3
    headings, cells = zip(*(structures or [([], [])] * len(rows)), strict=True) if rows else ((), ())
    # The cells come last.
    typed_columns = zip([*columns, words, *origins, headings], list(WIKIPEDIA_ARTICLES)[:-1], strict=True)
    arrays = [pa.array(column, field.type) for column, field in typed_columns]
    arrays.append(cell_lists(cells))
    return pa.Table.from_arrays(arrays, schema=WIKIPEDIA_ARTICLES)


def cell_lists(cells: Sequence[list[Cell]]) -> pa.ListArray:
    """Column `cells` of WIKIPEDIA_ARTICLES."""
    lists = WIKIPEDIA_ARTICLES.field("cells").type
    # Columns of the struct: Arrow reads tuples several times as slowly.
    columns = zip(*chain.from_iterable(cells), strict=True) if any(cells) else ((), (), ())
    fields = list(lists.value_type)
    arrays = [pa.array(values, field.type) for values, field in zip(columns, fields, strict=True)]
    offsets = [0, *accumulate(map(len, cells))]
    values = pa.StructArray.from_arrays(arrays, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values, type=lists)


def counted(table: pa.Table, counts: dict[str, int]) -> pa.Table:
    """WIKIPEDIA_ARTICLES as it is, its sizes added to `counts`."""
    for name, size in count_sizes(table).items():
        counts[name] += size
    return table


def count_sizes(table: pa.Table) -> dict[str, int]:
    """The bytes of wikitext, words and characters of the articles in WIKIPEDIA_ARTICLES."""
    # Redirects have no text and so no words, but they have wikitext.
    wikitext_bytes = table["wikitext_bytes"].filter(pc.is_null(table["redirect_to"]))
    sizes = {"wikitext_bytes": wikitext_bytes, "words": table["words"]}
    sizes["characters"] = pc.utf8_length(table["text"])
    return {name: pc.sum(values).as_py() or 0 for name, values in sizes.items()}
