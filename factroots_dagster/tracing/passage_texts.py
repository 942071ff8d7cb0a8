"""What passages say, and what stands around their sides, read from the articles."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.spark.tasks import ReportProgress, TaskState
from factroots_dagster.tracing.cells import text_with_cells
from factroots_dagster.tracing.contexts import Context, cut_context, hash_words
from factroots_dagster.tracing.excerpts import cut_excerpt, passage_span
from factroots_dagster.tracing.passages import Columns

SPAN_COLUMNS = (
    *("length", "subject_start", "subject_end", "object_start", "object_end"),
    *("sentence_start", "sentence_end"),
)
"""Columns of a passage that say where it is in its article."""

PAGE_COLUMNS = ["title", "revision_id", "redirect_to", "text", "url", "cells.list.element.text"]
"""Columns of WIKIPEDIA_ARTICLES; of the cells only their texts."""


SENTENCES = pa.schema(
    [
        *(("row", pa.int64()), ("title", pa.string()), ("revision_id", pa.int64())),
        *(("sentence", pa.string()), ("url", pa.string())),
        *(("words", pa.list_(pa.int64())), ("marks", pa.float64())),
        *(("bare", pa.bool_()), ("lines", pa.int64())),
    ]
)
"""Intermediate files: one row per selected passage, `row` its row among all of them.

words, marks: those of its Context, see `contexts.hash_words`. bare: whether no word is between the sides.
lines: ends of lines between them."""


def write_sentences(
    number: int, report_progress: ReportProgress, paths: list[Path], folder: Path, passages: list[Columns]
) -> TaskState:
    """In a worker: write the sentences of some passages in one file of articles.

    passages: for each file PASSAGE_COLUMNS and row. Writes SENTENCES as `_sentences-<number>.parquet`; a
    passage whose page is not in the file, or is a redirect, gets no row.
    """
    file, size, columns = pq.ParquetFile(paths[number]), paths[number].stat().st_size, passages[number]
    order = np.argsort(columns["page_id"], kind="stable")
    page_ids = columns["page_id"][order]
    rows: list[tuple[Any, ...]] = []
    contexts: list[Context] = []
    pages, is_read = 0, np.zeros(len(order), dtype=bool)
    row_numbers, *spans = (columns[name].tolist() for name in ("row", *SPAN_COLUMNS))
    for group in range(file.num_row_groups):
        ids = file.read_row_group(group, columns=["page_id"])["page_id"].to_numpy()
        first, last = np.searchsorted(page_ids, ids), np.searchsorted(page_ids, ids, side="right")
        needed = np.flatnonzero(last > first)
        if len(needed):
            table = file.read_row_group(group, columns=PAGE_COLUMNS).take(pa.array(needed))
            for at, page in zip(needed.tolist(), table.to_pylist(), strict=True):
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
        report_progress({"pages": pages, "done_bytes": size * (group + 1) // file.num_row_groups})
    write_rows(folder / f"_sentences-{number:05d}.parquet", rows, contexts)
    return {"pages": pages, "done_bytes": size}


def write_rows(path: Path, rows: list[tuple[Any, ...]], contexts: list[Context]) -> None:
    """Write SENTENCES, given its first columns by row, and the contexts."""
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
    pq.write_table(pa.Table.from_arrays(arrays, schema=SENTENCES), path, use_dictionary=False)


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
