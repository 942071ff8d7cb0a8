"""What passages say, and what stands around their sides, read from the articles."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.spark.parts import Outcome
from factroots_dagster.tables import is_among
from factroots_dagster.tracing.cells import text_with_cells
from factroots_dagster.tracing.contexts import Context, cut_context, hash_words
from factroots_dagster.tracing.excerpts import cut_excerpt, passage_span
from factroots_dagster.tracing.passages import Columns

SPAN_COLUMNS = (
    *("length", "subject_start", "subject_end", "object_start", "object_end"),
    *("sentence_start", "sentence_end"),
)
"""Columns of a passage that say where it is in its article."""

PAGE_COLUMNS = ["page_id", "title", "revision_id", "redirect_to", "text", "url", "cells.list.element.text"]
"""Columns of WIKIPEDIA_ARTICLES; of the cells only their texts."""

BATCH_ROWS = 1024

SENTENCES = pa.schema(
    [
        *(("row", pa.int64()), ("title", pa.string()), ("revision_id", pa.int64())),
        *(("sentence", pa.string()), ("url", pa.string())),
        *(("words", pa.list_(pa.int64())), ("marks", pa.float64())),
        *(("bare", pa.bool_()), ("lines", pa.int64())),
    ]
)
"""Intermediate: one row per selected passage, `row` its row among all of them.

words, marks: those of its Context, see `contexts.hash_words`. bare: whether no word is between the sides.
lines: ends of lines between them."""


def read_sentences(
    number: int, paths: list[Path], passages: list[Columns]
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: the sentences of some passages in one file of articles, as SENTENCES.

    passages: for each file PASSAGE_COLUMNS and row. A passage whose page is not in the file, or is a
    redirect, gets no row.
    """
    columns = passages[number]
    order = np.argsort(columns["page_id"], kind="stable")
    page_ids = columns["page_id"][order]
    rows: list[tuple[Any, ...]] = []
    contexts: list[Context] = []
    pages, is_read = 0, np.zeros(len(order), dtype=bool)
    row_numbers, *spans = (columns[name].tolist() for name in ("row", *SPAN_COLUMNS))
    for batch in read_pages_among(paths[number], page_ids):
        ids = batch["page_id"].to_numpy()
        first, last = np.searchsorted(page_ids, ids), np.searchsorted(page_ids, ids, side="right")
        for at, page in enumerate(batch.to_pylist()):
            if page["redirect_to"] is not None:
                continue
            pages += 1
            passages_on_page = order[first[at] : last[at]]
            # A dump may hold a page twice; the first counts.
            text = text_with_cells(page["text"], page["cells"])
            for passage in passages_on_page[~is_read[passages_on_page]].tolist():
                span = [column[passage] for column in spans]
                sentence = cut_passage(text, page["title"], *span)
                contexts.append(cut_context(text, (span[1], span[2]), (span[3], span[4])))
                values = (page["title"], page["revision_id"], sentence, page["url"])
                rows.append((row_numbers[passage], *values))
            is_read[passages_on_page] = True
    yield tabulate_sentences(rows, contexts)
    return {"pages": pages}


def read_pages_among(path: Path, page_ids: NDArray[np.int64]) -> Iterator[pa.RecordBatch]:
    """The rows of a file of articles with these page ids, which ascend: PAGE_COLUMNS, some at a time."""
    file = pq.ParquetFile(path)
    for group in range(file.num_row_groups):
        # Most row groups of a large corpus hold none of them: their texts are not read.
        if not is_among(file.read_row_group(group, ["page_id"])["page_id"].to_numpy(), page_ids).any():
            continue
        for batch in file.iter_batches(BATCH_ROWS, row_groups=[group], columns=PAGE_COLUMNS):
            needed = np.flatnonzero(is_among(batch["page_id"].to_numpy(), page_ids))
            if len(needed):
                yield batch.take(pa.array(needed))


def tabulate_sentences(rows: list[tuple[Any, ...]], contexts: list[Context]) -> pa.Table:
    """SENTENCES, given its first columns by row, and the contexts."""
    hashed = hash_words(["\n".join(context[:3]) for context in contexts])
    offsets = np.searchsorted(hashed.text, np.arange(len(contexts) + 1)).astype(np.int32)
    columns: list[Any] = list(zip(*rows, strict=True)) or [()] * SENTENCES.get_field_index("words")
    columns += [
        pa.ListArray.from_arrays(pa.array(offsets), pa.array(hashed.word)),
        pa.array(hashed.marks),
        [not any(map(str.isalpha, context.between)) for context in contexts],
        [context.lines for context in contexts],
    ]
    arrays = [pa.array(values, field.type) for values, field in zip(columns, SENTENCES, strict=True)]
    return pa.Table.from_arrays(arrays, schema=SENTENCES)


def cut_passage(
    text: str,
    title: str,
    length: int,
    subject_start: int,
    subject_end: int,
    object_start: int,
    object_end: int,
    sentence_start: int,
    sentence_end: int,
) -> str:
    """What evidence shows of a passage in `text`, given its SPAN_COLUMNS.

    Where the page's title stands for the subject, whose span is then empty, it is shown first.
    """
    span = passage_span(length, subject_start, (sentence_start, sentence_end))
    excerpt = cut_excerpt(text, span, (subject_start, subject_end), (object_start, object_end))
    return f"{title}: {excerpt}" if subject_start == subject_end else excerpt
