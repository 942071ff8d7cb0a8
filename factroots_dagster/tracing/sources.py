"""For every fact of a language: in how many windows it stands, and the best of them as evidence."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.storage.store import main_files
from factroots_dagster.tracing.passages import MATCHERS, PASSAGES, PLACED, FactTable, passages_in_batches
from factroots_dagster.tracing.schema import FACT_SOURCES
from factroots_dagster.wikipedia.files import spark_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

EVIDENCES = 3
LONGEST_SENTENCE = 1000
"""Characters of a sentence that evidence keeps; what is longer is no sentence, but a table or a list."""


def write_sources(
    spark: SparkSession,
    articles_folder: Path,
    mentions_folder: Path,
    split: pa.Table,
    folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """Write `folder/data.parquet` (FACT_SOURCES): a row per fact of `split` and matcher; return it.

    A window (sentence, chunk of 512 tokens, article) counts for a fact when it holds a mention of the
    subject (its uri under its label) and one of the object; a mention lies where its first character does.
    Evidence is given for at most three windows, those first whose passage is shortest: from the beginning
    of the sentence with the earlier mention to the end of the sentence with the later (see `passages` for
    a window that holds several). Ties go to the lower page id, then to the earlier place. The sentence
    given is that with the object, cut at 1000 characters.
    """
    from pyspark.sql import functions as F

    if progress:
        progress(f"looking for the sources of {split.num_rows} facts")
    entities, facts = numbered(split)
    parts = main_files(mentions_folder)
    mentions = spark.read.parquet(*map(spark_path, parts))
    placed = (
        mentions.join(F.broadcast(spark.createDataFrame(entities)), ["entity_uri", "label"])
        .select(*PLACED)
        .repartitionById(len(parts), (F.col("page_id") % len(parts)).cast("int"))
        .sortWithinPartitions("page_id")
    )
    windows = placed.mapInArrow(
        partial(passages_in_batches, facts=facts), ", ".join(f"{name} BIGINT" for name in PASSAGES.names)
    )
    group = "PARTITION BY fact, matcher"
    order = "ORDER BY length, page_id, subject_start, object_start"
    best = windows.select(
        "*",
        F.expr(f"row_number() OVER ({group} {order}) AS rank"),
        F.expr(f"count(*) OVER ({group}) AS windows"),
    ).where(F.col("rank") <= EVIDENCES)
    articles = spark.read.parquet(*map(spark_path, main_files(articles_folder)))
    # Places go to the texts, not texts to the places: at most nine of them for each fact.
    sentence = (
        "trim(TRAILING ' \\n' FROM substring(text, CAST(sentence_start + 1 AS INT), "
        f"CAST(least(sentence_end - sentence_start, {LONGEST_SENTENCE}) AS INT)))"
    )
    evidence = (
        articles.where("redirect_to IS NULL")
        .join(F.broadcast(best), "page_id")
        .select(
            *("fact", "matcher", "rank", "windows", "page_id", "title", "revision_id"),
            *("subject_start", "object_start", F.expr(sentence).alias("sentence")),
        )
        .toArrow()
    )
    table = source_table(split, evidence)
    pq.write_table(table, folder / "data.parquet", compression="zstd")
    return table


def numbered(split: pa.Table) -> tuple[pa.Table, FactTable]:
    """Entities of the split (entity_uri, label, entity = their number), and its facts by subject."""
    sides = [
        split.select(columns).rename_columns(["entity_uri", "label"])
        for columns in (["subject_uri", "subject"], ["object_uri", "object"])
    ]
    entities = pa.concat_tables(sides).group_by(["entity_uri", "label"]).aggregate([])
    entities = entities.sort_by([("entity_uri", "ascending"), ("label", "ascending")])
    entities = entities.append_column("entity", pa.array(np.arange(entities.num_rows)))
    subjects, objects = (
        side.append_column("fact", pa.array(np.arange(split.num_rows)))
        .join(entities, ["entity_uri", "label"])
        .sort_by("fact")["entity"]
        .to_numpy()
        for side in sides
    )
    return entities, FactTable.of(subjects, objects, entities.num_rows)


def source_table(split: pa.Table, evidence: pa.Table) -> pa.Table:
    """FACT_SOURCES in the order of `split`, from one row per evidence; facts without any have 0 windows."""
    evidence = evidence.sort_by([("fact", "ascending"), ("matcher", "ascending"), ("rank", "ascending")])
    size = split.num_rows * len(MATCHERS)
    rows = evidence["fact"].to_numpy() * len(MATCHERS) + evidence["matcher"].to_numpy()
    windows = np.zeros(size, dtype=np.int64)
    windows[rows] = evidence["windows"].to_numpy()
    kind = FACT_SOURCES.field("evidence").type
    places = evidence.select(kind.value_type.names).combine_chunks()
    values = pa.StructArray.from_arrays(
        [pa.concat_arrays(column.chunks or [pa.array([], column.type)]) for column in places.columns],
        fields=list(kind.value_type),
    )
    offsets = np.searchsorted(rows, np.arange(size + 1)).astype(np.int32)
    facts = pa.array(np.repeat(np.arange(split.num_rows), len(MATCHERS)))
    columns = [
        *(split[name].take(facts) for name in ("uuid", "language", "relation")),
        pa.array(list(MATCHERS) * split.num_rows, pa.string()),
        pa.array(windows),
        pa.ListArray.from_arrays(pa.array(offsets), values, type=kind),
    ]
    return pa.Table.from_arrays(columns, schema=FACT_SOURCES).combine_chunks()
