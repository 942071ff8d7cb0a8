"""For every fact of a language: the number of windows that hold it, and the best of them as evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from factroots_dagster.corpora.schema import WIKIPEDIA
from factroots_dagster.spark.collected import forget_collected
from factroots_dagster.store.parquet import write_table
from factroots_dagster.tables import storage_schema
from factroots_dagster.tracing.candidates import Candidates, find_candidates
from factroots_dagster.tracing.matchers import CELLS, MATCHERS
from factroots_dagster.tracing.passage_texts import SENTENCES
from factroots_dagster.tracing.passages import (
    MATCHER_NUMBERS,
    Columns,
    take_rows,
)
from factroots_dagster.tracing.schema import EVIDENCE, FACT_SOURCES
from factroots_dagster.tracing.source_errors import count_meetings, tabulate_errors
from factroots_dagster.tracing.statements import (
    combine_probabilities,
    estimate_probabilities,
    load_coefficients,
)
from factroots_dagster.tracing.windows import gather_windows, select_evidence

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


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
    write_table(table, folder / "data.parquet")
    forget_collected(folder)
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

    passages: by fact, matcher (all among `matchers`) and rank, facts numbered as in
    `candidates.best_passages`. windows: how many windows each stands for. probability: that it states
    its fact. sentences: SENTENCES of the passages, row by row. pieces: MENTION_PIECES; None without a
    tokenizer.
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
    arrays = [
        *(split[name].take(facts) for name in ("uuid", "language", "relation")),
        pa.array([corpus for corpus in corpora for _ in matchers] * split.num_rows, pa.string()),
        pa.array(list(matchers) * len(corpora) * split.num_rows, pa.string()),
        pa.array(totals),
        _unknown_piece_flags(split, matchers * len(corpora), pieces),
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


def _unknown_piece_flags(split: pa.Table, matchers: tuple[str, ...], pieces: pa.Table | None) -> pa.Array:
    """Column unknown_pieces of FACT_SOURCES, by fact and matcher: null except for those that need a
    tokenizer."""
    unknown = (
        pieces.filter(pieces["unknown_pieces"])["label"] if pieces is not None else pa.array([], pa.string())
    )
    subject, object_ = (pc.is_in(split[side], unknown).to_numpy() for side in ("subject", "object"))
    is_null = np.array([not MATCHERS[name].needs_tokenizer for name in matchers], dtype=bool)
    return pa.array(np.repeat(subject | object_, len(matchers)), mask=np.tile(is_null, split.num_rows))
