"""For every fact of a language: the number of windows that hold it, and the best of them as evidence."""

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
from factroots_dagster.tables import storage_schema
from factroots_dagster.tracing.cells import read_names, text_with_cells, write_cell_passages
from factroots_dagster.tracing.contexts import Context, cut_context
from factroots_dagster.tracing.documents import PageWeights, corpus_of_file
from factroots_dagster.tracing.excerpts import cut_excerpt, passage_span
from factroots_dagster.tracing.forms import entities_of_split
from factroots_dagster.tracing.kinds import MENTION_KINDS
from factroots_dagster.tracing.matchers import CELLS, IN_TEXT, MATCHERS, matchers_for
from factroots_dagster.tracing.mismatches import add_mismatches
from factroots_dagster.tracing.passages import (
    MATCHER_NUMBERS,
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
from factroots_dagster.tracing.schema import EVIDENCE, FACT_SOURCES
from factroots_dagster.tracing.source_errors import count_meetings, tabulate_errors
from factroots_dagster.tracing.statements import (
    combine_probabilities,
    estimate_probabilities,
    load_coefficients,
)
from factroots_dagster.tracing.units import Outline, entities_by_title
from factroots_dagster.tracing.windows import gather_windows, number_places, select_evidence

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

SPAN_COLUMNS = (
    *("length", "subject_start", "subject_end", "object_start", "object_end"),
    *("sentence_start", "sentence_end"),
)
"""Columns of a passage that say where it is in its article."""

MERGED_ROWS = 1 << 20
"""Passages of several files are concatenated up to this number before the best of them are selected."""

SENTENCES = pa.schema(
    [
        *(("row", pa.int64()), ("title", pa.string()), ("revision_id", pa.int64())),
        *(("sentence", pa.string()), ("url", pa.string())),
        *((name, pa.string()) for name in Context._fields[:3]),
        ("lines", pa.int64()),
    ]
)
"""Intermediate files: one row per selected passage, `row` its row among all of them; its Context."""


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


def write_sources(
    spark: SparkSession,
    articles_folder: Path,
    mentions_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """Write `folder/data.parquet` (FACT_SOURCES): a row per fact of `split`, corpus and matcher; return it.

    articles_folder, mentions_folder, folder: see `find_candidates`. split: MLAMA_SPLIT. Evidence are the
    candidates that most probably state the fact (see `statements`), at most three, the best first. What is
    shown of a passage is in `excerpts`. `folder/_errors.parquet` (SOURCE_ERRORS) says how many sources of
    each relation and matcher are expected to be none.
    """
    found = find_candidates(spark, articles_folder, mentions_folder, split, folder, progress=progress)
    probability = estimate_by_corpus(found, split.num_rows)[found.place]
    is_fact = found.passages["fact"] < split.num_rows * len(found.corpora)
    chosen, windows = select_evidence(found.passages, found.windows, np.where(is_fact, probability, np.nan))
    evidence = take_rows(found.passages, chosen)
    texts = found.texts.take(pa.array(found.place[chosen]))
    matchers, corpora = found.matchers, found.corpora
    table = build_fact_sources(
        split, evidence, windows, probability[chosen], texts, matchers, found.pieces, corpora
    )
    chance = count_meetings(found.passages, ~is_fact, found.pairs, len(corpora))
    pq.write_table(tabulate_errors(table, chance), folder / "_errors.parquet", compression="zstd")
    pq.write_table(table, folder / "data.parquet", compression="zstd")
    return table


def estimate_by_corpus(found: Candidates, facts: int) -> NDArray[np.float64]:
    """The probability that each place states its pair, from what chance brings in its corpus. [places]

    facts: how many of the pairs are facts.
    """
    probability = np.zeros(len(found.closeness))
    corpus = found.places["fact"] % len(found.corpora)
    for number in range(len(found.corpora)):
        rows = np.flatnonzero(corpus == number)
        places, texts = take_rows(found.places, rows), found.texts.take(pa.array(rows))
        windows = gather_windows(places, found.closeness[rows], texts, found.pairs, facts)
        probability[rows] = estimate_probabilities(windows, load_coefficients())
    return probability


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


def build_fact_sources(
    split: pa.Table,
    passages: Columns,
    windows: NDArray[np.int64],
    probability: NDArray[np.float64],
    sentences: pa.Table,
    matchers: tuple[str, ...],
    pieces: pa.Table | None,
    corpora: tuple[str, ...] = (WIKIPEDIA,),
) -> pa.Table:
    """FACT_SOURCES in the order of `split`; a fact without windows has no evidence.

    passages: by fact, matcher (all among `matchers`) and rank, facts numbered as in `write_best_passages`.
    windows: how many windows each stands for. probability: that it states its fact.
    sentences: SENTENCES of the passages, row by row. pieces: MENTION_PIECES; None without a tokenizer.
    """
    schema = storage_schema(FACT_SOURCES)
    position = np.full(len(MATCHERS), -1, dtype=np.int64)
    position[[MATCHER_NUMBERS[name] for name in matchers]] = np.arange(len(matchers))
    size = split.num_rows * len(corpora) * len(matchers)
    rows = passages["fact"] * len(matchers) + position[passages["matcher"]]
    totals = np.zeros(size, dtype=np.int64)
    np.add.at(totals, rows, windows)
    evidence_type = schema.field("evidence").type
    columns = _positions_in_text(passages)
    columns["stated_probability"] = pa.array(probability)
    columns |= {name: sentences[name].combine_chunks() for name in SENTENCES.names}
    evidence = pa.StructArray.from_arrays(
        [columns[field.name] for field in EVIDENCE], fields=list(evidence_type.value_type)
    )
    offsets = np.searchsorted(rows, np.arange(size + 1)).astype(np.int32)
    stated = combine_probabilities(probability, rows, size)
    facts = pa.array(np.repeat(np.arange(split.num_rows), len(corpora) * len(matchers)))
    flags = np.array(_unknown_piece_flags(split, matchers, pieces), dtype=object)
    flags = np.repeat(flags.reshape(split.num_rows, 1, len(matchers)), len(corpora), axis=1)
    arrays = [
        *(split[name].take(facts) for name in ("uuid", "language", "relation")),
        pa.array([corpus for corpus in corpora for _ in matchers] * split.num_rows, pa.string()),
        pa.array(list(matchers) * len(corpora) * split.num_rows, pa.string()),
        pa.array(totals),
        pa.array(flags.ravel(), pa.bool_()),
        pa.array(stated),
        pa.ListArray.from_arrays(pa.array(offsets), evidence, type=evidence_type),
    ]
    return pa.Table.from_arrays(arrays, schema=schema).combine_chunks()


def _positions_in_text(passages: Columns) -> dict[str, pa.Array]:
    """Columns of passages; positions are null where a side does not stand in the article's text."""
    in_cell = np.isin(passages["matcher"], [MATCHER_NUMBERS[name] for name in CELLS])
    by_title = passages["subject_start"] == passages["subject_end"]
    masks = {"subject_start": in_cell | by_title, "object_start": in_cell}
    masks |= {"subject_end": masks["subject_start"], "object_end": in_cell}
    return {name: pa.array(values, mask=masks.get(name)) for name, values in passages.items()}


def _unknown_piece_flags(
    split: pa.Table, matchers: tuple[str, ...], pieces: pa.Table | None
) -> list[bool | None]:
    """Column unknown_pieces of FACT_SOURCES: null except for matchers that need a tokenizer."""
    unknown = (
        set(pieces.filter(pieces["unknown_pieces"])["label"].to_pylist()) if pieces is not None else set()
    )
    sides = zip(split["subject"].to_pylist(), split["object"].to_pylist(), strict=True)
    return [
        subject in unknown or object_ in unknown if MATCHERS[name].needs_tokenizer else None
        for subject, object_ in sides
        for name in matchers
    ]
