"""What passages say, and what stands around their sides, read from the articles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.spark.tasks import ReportProgress, TaskState
from factroots_dagster.tracing.cells import text_with_cells
from factroots_dagster.tracing.contexts import Context, cut_context
from factroots_dagster.tracing.excerpts import cut_excerpt, passage_span
from factroots_dagster.tracing.passages import (
    Columns,
)

if TYPE_CHECKING:
    pass

SPAN_COLUMNS = (
    *("length", "subject_start", "subject_end", "object_start", "object_end"),
    *("sentence_start", "sentence_end"),
)
"""Columns of a passage that say where it is in its article."""


SENTENCES = pa.schema(
    [
        *(("row", pa.int64()), ("title", pa.string()), ("revision_id", pa.int64())),
        *(("sentence", pa.string()), ("url", pa.string())),
        *((name, pa.string()) for name in Context._fields[:3]),
        ("lines", pa.int64()),
    ]
)
"""Intermediate files: one row per selected passage, `row` its row among all of them; its Context."""


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
    rows, pages, is_read = [], 0, np.zeros(len(order), dtype=bool)
    row_numbers, *spans = (columns[name].tolist() for name in ("row", *SPAN_COLUMNS))
    for group in range(file.num_row_groups):
        ids = file.read_row_group(group, columns=["page_id"])["page_id"].to_numpy()
        first, last = np.searchsorted(page_ids, ids), np.searchsorted(page_ids, ids, side="right")
        needed = np.flatnonzero(last > first)
        if len(needed):
            names = ["title", "revision_id", "redirect_to", "text", "url", "cells"]
            table = file.read_row_group(group, columns=names)
            for at, page in zip(needed.tolist(), table.take(pa.array(needed)).to_pylist(), strict=True):
                if page["redirect_to"] is not None:
                    continue
                pages += 1
                passages_on_page = order[first[at] : last[at]]
                # A dump may hold a page twice; the first counts.
                text = text_with_cells(page["text"], page["cells"])
                for passage in passages_on_page[~is_read[passages_on_page]].tolist():
                    span = [column[passage] for column in spans]
                    sentence = cut_passage(text, page["title"], *span)
                    context = cut_context(text, (span[1], span[2]), (span[3], span[4]))
                    values = (page["title"], page["revision_id"], sentence, page["url"], *context)
                    rows.append((row_numbers[passage], *values))
                is_read[passages_on_page] = True
        report_progress({"pages": pages, "done_bytes": size * (group + 1) // file.num_row_groups})
    table = pa.Table.from_pylist([dict(zip(SENTENCES.names, row, strict=True)) for row in rows], SENTENCES)
    pq.write_table(table, folder / f"_sentences-{number:05d}.parquet")
    return {"pages": pages, "done_bytes": size}


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
