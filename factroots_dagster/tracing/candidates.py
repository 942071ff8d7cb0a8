"""The passages that may become evidence: the windows in which facts, and pairs that are none, meet."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.corpora.schema import WIKIPEDIA
from factroots_dagster.spark.tasks import ReportProgress, TaskState, clean_up, run_tasks
from factroots_dagster.store.store import main_files
from factroots_dagster.tracing.cells import read_names, write_cell_passages
from factroots_dagster.tracing.documents import PageWeights, corpus_of_file
from factroots_dagster.tracing.forms import entities_of_split
from factroots_dagster.tracing.kinds import MENTION_KINDS
from factroots_dagster.tracing.matchers import IN_TEXT, matchers_for
from factroots_dagster.tracing.mismatches import add_mismatches
from factroots_dagster.tracing.passage_texts import SENTENCES, write_sentences
from factroots_dagster.tracing.passages import (
    MENTION_COLUMNS,
    PASSAGE_COLUMNS,
    Columns,
    FactTable,
    concatenate_rows,
    empty_rows,
    find_passages,
    select_best,
    take_rows,
    write_windows,
)
from factroots_dagster.tracing.units import Outline, entities_by_title
from factroots_dagster.tracing.windows import number_places

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

MERGED_ROWS = 1 << 20
"""Passages of several files are concatenated up to this number before the best of them are selected."""


class Candidates(NamedTuple):
    """The passages of a split's facts, and of its mismatched pairs, that may become evidence.

    pairs: see `add_mismatches`. passages: PASSAGE_COLUMNS, by pair and matcher. windows: how many windows
    each stands for. places: the distinct passages, with `pair`, a row of `pairs`. place: of each of
    `passages`. closeness: of each place. texts: SENTENCES of the places, row by row. pieces: MENTION_PIECES;
    None without a tokenizer.
    """

    pairs: pa.Table
    passages: Columns
    windows: NDArray[np.int64]
    places: Columns
    place: NDArray[np.int64]
    closeness: NDArray[np.int64]
    texts: pa.Table
    corpora: tuple[str, ...]
    matchers: tuple[str, ...]
    pieces: pa.Table | None


def find_candidates(
    spark: SparkSession,
    articles_folder: Path,
    mentions_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> Candidates:
    """Search for the facts of `split` and for as many mismatched pairs as measure chance.

    articles_folder, mentions_folder: WIKIPEDIA_ARTICLES and ENTITY_MENTIONS of the split's language, in part
    files with the same numbers; a file of articles has one corpus. split: MLAMA_SPLIT. folder: for
    intermediate files, which are removed.

    A window (sentence, chunk of 512 tokens, article) counts for a pair when it holds a mention of the subject
    (its uri under its label) and one of the object; a mention is in the window of its first character.
    Candidates are the windows with the shortest passages, at most six: from the start of the sentence with
    the earlier mention to the end of the sentence with the later (see `passages` for a window that holds
    several). Ties go to the lower page id, then to the earlier position. Units outside running text, where
    the page's title may stand for the subject, are in `units`.
    """
    language = split["language"][0].as_py() if split.num_rows else ""
    entities = entities_of_split(split)
    parts = main_files(mentions_folder)
    piece_file = mentions_folder / "_pieces.parquet"
    pieces = pq.read_table(piece_file) if piece_file.is_file() else None
    matchers = matchers_for(language, has_tokenizer=pieces is not None)

    def run(function: Callable[..., TaskState], paths: list[Path], what: str, **arguments: Any) -> None:
        task = partial(function, paths=paths, folder=folder.absolute(), **arguments)
        total = sum(path.stat().st_size for path in paths)
        run_tasks(spark, folder, len(paths), task, what=f"{language}: {what}", total=total, progress=progress)

    pairs = add_mismatches(split)
    facts = build_fact_table(pairs, entities)
    encoded = encode_strings(entities)
    # The n-th file of mentions is about the file of articles whose number is in its name.
    file_of_part = [int(path.name.split("-")[1]) for path in parts]
    articles = main_files(articles_folder)
    corpus_by_file = [corpus_of_file(path) for path in articles]
    corpora = tuple(dict.fromkeys(name for name in corpus_by_file if name is not None)) or (WIKIPEDIA,)
    documents = [(articles[number], corpus_by_file[number]) for number in file_of_part]
    label_articles = pq.read_table(mentions_folder / "_articles.parquet")
    shared: dict[str, Any] = {
        "facts": facts,
        "entities_of_title": entities_by_title(label_articles, entities),
        "corpora": corpora,
    }
    by_part = {"entities": encoded, "matchers": matchers, "documents": documents}
    run(write_best_passages, parts, "windows", **by_part, **shared)
    clean_up(folder)
    by_file = {"forms": read_names(mentions_folder, entities, language), "corpus_by_file": corpus_by_file}
    run(write_cell_passages, articles, "cells", first_number=len(parts), **by_file, **shared)
    passages, windows, part = _merge_best_passages(folder, len(parts) + len(articles))
    clean_up(folder)
    first_rows, place, closeness = number_places(passages | {"part": part})
    places = take_rows(passages, first_rows) | {"pair": passages["fact"][first_rows] // len(corpora)}
    file_of = np.array([*file_of_part, *range(len(articles))], dtype=np.int64)
    article_file = file_of[part[first_rows]]
    needed = np.unique(article_file)
    rows = [np.flatnonzero(article_file == number) for number in needed]
    of_files = [take_rows(places, of_file) | {"row": of_file} for of_file in rows]
    run(write_sentences, [articles[number] for number in needed], "sentences", passages=of_files)
    files = sorted(folder.glob("_sentences-*.parquet"))
    texts = pa.concat_tables([SENTENCES.empty_table(), *map(pq.read_table, files)]).sort_by("row")
    clean_up(folder)
    for path in files:
        path.unlink()
    return Candidates(pairs, passages, windows, places, place, closeness, texts, corpora, matchers, pieces)


def build_fact_table(split: pa.Table, entities: pa.Table) -> FactTable:
    """The facts of a split, with their sides as rows of `entities` (see `entities_of_split`)."""
    numbered = entities.append_column("entity", pa.array(np.arange(entities.num_rows)))
    subjects, objects = (
        split.select([f"{side}_uri", side])
        .rename_columns(["entity_uri", "label"])
        .append_column("fact", pa.array(np.arange(split.num_rows)))
        .join(numbered, ["entity_uri", "label"])
        .sort_by("fact")["entity"]
        .to_numpy()
        for side in ("subject", "object")
    )
    return FactTable.build(subjects, objects, entities.num_rows)


def encode_strings(entities: pa.Table) -> pa.Table:
    """The columns of entities as dictionaries, once for all row groups that are compared with them."""
    encoded = [entities[name].combine_chunks().dictionary_encode() for name in entities.column_names]
    return pa.table(encoded, entities.column_names)


def write_best_passages(
    number: int,
    report_progress: ReportProgress,
    paths: list[Path],
    folder: Path,
    entities: pa.Table,
    facts: FactTable,
    matchers: tuple[str, ...],
    documents: list[tuple[Path, str | None]],
    corpora: tuple[str, ...],
    entities_of_title: dict[str, list[int]],
) -> TaskState:
    """In a worker: write the best passages in one file of mentions as `_windows-<number>.parquet`.

    entities: strings as dictionaries, numbered as in `facts`. documents: for each file of mentions the file
    of articles and its corpus, one of `corpora`. A fact in the n-th of c corpora has the number c * fact +
    n. entities_of_title: see `units.entities_by_title`.
    """
    articles, corpus = documents[number]
    weights = PageWeights.read(articles)
    # Documents of other corpora have identifiers, not titles.
    outline = Outline.read(articles, entities_of_title if corpus in (None, WIKIPEDIA) else {})
    corpus_number = corpora.index(corpus or corpora[0])
    file = pq.ParquetFile(paths[number], read_dictionary=["entity_uri", "label", "kind"])
    size = paths[number].stat().st_size
    tables, counts, pages = [empty_rows(PASSAGE_COLUMNS)], [np.zeros(0, np.int64)], 0
    # A row group holds whole pages.
    for group in range(file.num_row_groups):
        mentions = mentions_as_numbers(file.read_row_group(group), entities)
        in_text = find_passages(mentions, facts, [name for name in matchers if name in IN_TEXT])
        passages = concatenate_rows([in_text, outline.find_passages(mentions, facts)], PASSAGE_COLUMNS)
        passages["fact"] = passages["fact"] * len(corpora) + corpus_number
        best, windows = select_best(passages, weights.of(passages["page_id"]))
        tables.append(best)
        counts.append(windows)
        pages += int(np.count_nonzero(np.diff(mentions["page_id"], prepend=-1)))
        report_progress({"pages": pages, "done_bytes": size * (group + 1) // file.num_row_groups})
    best, windows = concatenate_rows(tables, PASSAGE_COLUMNS), np.concatenate(counts)
    if file.num_row_groups > 1:
        best, windows = select_best(best, windows)
    write_windows(folder / f"_windows-{number:05d}.parquet", best, windows)
    return {"pages": pages, "done_bytes": size}


def mentions_as_numbers(mentions: pa.Table, entities: pa.Table) -> Columns:
    """MENTION_COLUMNS of ENTITY_MENTIONS; an entity's number is its row. Both tables have dictionaries."""
    uri, entity_uri, uri_count = _as_numbers(mentions["entity_uri"], entities["entity_uri"])
    label, entity_label, label_count = _as_numbers(mentions["label"], entities["label"])
    # Nearly every entity has one label in a language.
    last_entity = np.empty(uri_count, dtype=np.int64)
    last_entity[entity_uri] = np.arange(len(entity_uri))
    entity = last_entity[uri]
    mismatches = np.flatnonzero(entity_label[entity] != label)
    if len(mismatches):
        keys = entity_uri.astype(np.int64) * label_count + entity_label
        order = np.argsort(keys)
        mismatched_keys = uri[mismatches].astype(np.int64) * label_count + label[mismatches]
        entity[mismatches] = order[np.searchsorted(keys[order], mismatched_keys)]
    kind = mentions["kind"].combine_chunks()
    kind_numbers = pc.index_in(kind.dictionary, pa.array(MENTION_KINDS)).to_numpy(zero_copy_only=False)
    columns = {name: mentions[name].to_numpy() for name in MENTION_COLUMNS if name not in ("entity", "kind")}
    return columns | {"entity": entity, "kind": kind_numbers[kind.indices.to_numpy()]}


def _as_numbers(
    column: pa.ChunkedArray, entity_column: pa.ChunkedArray
) -> tuple[NDArray[np.int32], NDArray[np.int32], int]:
    """A column and that of the entities, both dictionaries, as numbers of distinct values; their number."""
    values, entity_values = column.combine_chunks(), entity_column.combine_chunks()
    numbers = pc.index_in(values.dictionary, entity_values.dictionary).to_numpy(zero_copy_only=False)
    return (
        numbers[values.indices.to_numpy()],
        entity_values.indices.to_numpy(),
        len(entity_values.dictionary),
    )


def _merge_best_passages(folder: Path, parts: int) -> tuple[Columns, NDArray[np.int64], NDArray[np.int64]]:
    """The best passages of all files of mentions, the windows each stands for, and the file of each."""
    names = (*PASSAGE_COLUMNS, "part")
    tables, counts, rows = [empty_rows(names)], [np.zeros(0, np.int64)], 0
    for number in range(parts):
        table = pq.read_table(folder / f"_windows-{number:05d}.parquet")
        columns = {name: table[name].to_numpy() for name in PASSAGE_COLUMNS}
        tables.append(columns | {"part": np.full(table.num_rows, number, dtype=np.int64)})
        counts.append(table["windows"].to_numpy())
        rows += table.num_rows
        if rows >= MERGED_ROWS or number == parts - 1:
            best, windows = select_best(concatenate_rows(tables, names), np.concatenate(counts))
            tables, counts, rows = [best], [windows], 0
    for path in folder.glob("_windows-*.parquet"):
        path.unlink()
    return tables[0], counts[0], tables[0].pop("part")
