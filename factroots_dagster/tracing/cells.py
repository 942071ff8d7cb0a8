"""Facts in the cells of articles: infoboxes, tables and block quotations, which are no part of the text.

Where a passage needs a position in its article, the cells follow the text, a line each.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.spark.parts import Outcome
from factroots_dagster.text.code_points import to_code_points
from factroots_dagster.text.tokens import character_classes, joined_bounds
from factroots_dagster.tracing.best_passages import tabulate_windows
from factroots_dagster.tracing.documents import PageWeights
from factroots_dagster.tracing.forms import EntityForms
from factroots_dagster.tracing.matchers import CELLS
from factroots_dagster.tracing.passages import (
    PASSAGE_COLUMNS,
    Columns,
    FactTable,
    concatenate_rows,
    empty_rows,
    select_best,
    take_rows,
)
from factroots_dagster.tracing.surface_matches import find_surface_matches
from factroots_dagster.tracing.units import Titles, Units, find_in_units

CELL_COLUMNS = ["page_id", "title", "text", "cells"]
BATCH_ROWS = 1024


def text_with_cells(text: str, cells: Sequence[Mapping[str, Any]] | None) -> str:
    """An article's text and its cells, in which positions of passages count."""
    return "\n".join([text, *(cell["text"] for cell in cells or ())])


def read_names(mentions_folder: Path, entities: pa.Table, language: str) -> EntityForms:
    """All names by which ENTITY_MENTIONS were searched for, from its side tables."""
    names: dict[str, dict[str, list[str]]] = {"alias": {}, "form": {}}
    for column, file in (("alias", "_aliases.parquet"), ("form", "_forms.parquet")):
        table = pq.read_table(mentions_folder / file)
        for label, name in zip(table["label"].to_pylist(), table[column].to_pylist(), strict=True):
            names[column].setdefault(label, []).append(name)
    return EntityForms.build(entities, language, names["alias"], names["form"])


def best_cell_passages(
    number: int,
    paths: list[Path],
    forms: EntityForms,
    facts: FactTable,
    entities_of_title: Mapping[str, Sequence[int]],
    corpus_by_file: Sequence[str | None],
    corpora: Sequence[str],
    first_number: int,
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: the best passages in the cells of one file of articles, as BEST_PASSAGES.

    Facts are numbered as in `candidates.best_passages`. first_number: that of the first file.
    """
    weights = PageWeights.read(paths[number])
    corpus_number = corpora.index(corpus_by_file[number] or corpora[0])
    tables, counts = [empty_rows(PASSAGE_COLUMNS)], [np.zeros(0, np.int64)]
    for batch in pq.ParquetFile(paths[number]).iter_batches(BATCH_ROWS, columns=CELL_COLUMNS):
        pages = batch.filter(pc.greater(pc.fill_null(pc.list_value_length(batch["cells"]), 0), 0))
        if pages.num_rows:
            passages = find_cell_passages(pages, forms, facts, entities_of_title)
            passages["fact"] = passages["fact"] * len(corpora) + corpus_number
            best, windows = select_best(passages, weights.of(passages["page_id"]))
            tables.append(best)
            counts.append(windows)
    best, windows = select_best(concatenate_rows(tables, PASSAGE_COLUMNS), np.concatenate(counts))
    yield tabulate_windows(best, windows, first_number + number)
    return {}


def find_cell_passages(
    pages: pa.RecordBatch,
    forms: EntityForms,
    facts: FactTable,
    entities_of_title: Mapping[str, Sequence[int]],
) -> Columns:
    """The cells that hold a fact: PASSAGE_COLUMNS. pages: CELL_COLUMNS of pages with cells."""
    cells = pages["cells"].flatten()
    page = pc.list_parent_indices(pages["cells"]).to_numpy()
    texts, kinds = cells.field("text").to_pylist(), cells.field("kind")
    value_start = cells.field("value_start").to_numpy().astype(np.int64)
    start, end = joined_bounds(texts)
    text = "\n".join(texts)
    # A capital may stand for a small letter where a cell, or a cell in a row, begins.
    bars = np.flatnonzero(to_code_points(text)[:-1] == ord("|")) + 1
    edges = np.unique(np.concatenate([start, start + value_start, bars, [len(text)]]))
    classes = character_classes(text)
    entity, kind, first, last = find_surface_matches(text, forms, classes, edges)
    cell = np.searchsorted(start, first, side="right") - 1
    # Where the cells of each page begin behind its text.
    first_cell = np.searchsorted(page, np.arange(pages.num_rows))
    text_end = pc.utf8_length(pages["text"]).to_numpy().astype(np.int64)
    shift = (text_end + 1 - start[first_cell])[page]
    page_ids = pages["page_id"].to_numpy()[page]
    titles = Titles.build(
        zip(pages["page_id"].to_pylist(), pages["title"].to_pylist(), strict=True), entities_of_title
    )
    units = Units(page_ids, start + shift, end + shift, start + shift + value_start)
    mentions = {
        "page_id": page_ids[cell],
        "entity": entity,
        "kind": kind,
        "start": first + shift[cell],
        "end": last + shift[cell],
        **dict.fromkeys(("sentence", "chunk"), np.zeros_like(entity)),
        "sentence_start": units.start[cell],
        "sentence_end": units.end[cell],
    }
    results = [empty_rows(PASSAGE_COLUMNS)]
    for matcher in CELLS:
        is_kind = pc.equal(kinds, matcher).to_numpy(zero_copy_only=False)
        own = is_kind[cell] & (last <= end[cell])
        results.append(find_in_units(take_rows(mentions, own), cell[own], units, titles, facts, matcher))
    return concatenate_rows(results, PASSAGE_COLUMNS)
