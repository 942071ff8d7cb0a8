"""For every fact of a language: in how many windows it stands, and the best of them as evidence."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.tracing.schema import FACT_SOURCES
from factroots_dagster.wikipedia.files import main_files, spark_path

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MATCHERS = {"sentence": "sentence", "chunk": "chunk", "article": "CAST(0 AS BIGINT)"}
"""Each matcher and the number, within a page, of the window that a mention lies in."""

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
    of the sentence with the earlier mention to the end of the sentence with the later. Of several
    passages in a window the shortest stands for it, looked for among the sentences that hold both and the
    first mention of each; ties go to the lower page id, then to the earlier place. The sentence given is
    that with the object, cut at 1000 characters.
    """
    from pyspark.sql import functions as F

    language = split["language"][0].as_py() if split.num_rows else ""
    if progress:
        progress(f"{language}: looking for {split.num_rows} facts")
    facts, entities = coded(spark, split)
    mentions = spark.read.parquet(*map(spark_path, main_files(mentions_folder)))
    placed = mentions.join(F.broadcast(entities), ["entity_uri", "label"]).select(
        "page_id", "entity", "start", "sentence", "chunk", "sentence_start", "sentence_end"
    )
    windows = passages(placed, facts)
    ranked = windows.withColumn(
        "rank",
        F.expr(
            "row_number() OVER (PARTITION BY fact, matcher "
            "ORDER BY length, page_id, subject_start, object_start)"
        ),
    )
    counts = ranked.groupBy("fact", "matcher").agg(F.max("rank").cast("long").alias("windows"))
    articles = spark.read.parquet(*map(spark_path, main_files(articles_folder))).where("redirect_to IS NULL")
    best = (
        ranked.where(F.col("rank") <= EVIDENCES)
        .join(articles.select("page_id", "title", "revision_id", "text"), "page_id")
        .withColumn(
            "sentence",
            F.expr(
                "rtrim(substring(text, CAST(sentence_start + 1 AS INT), "
                f"CAST(least(sentence_end - sentence_start, {LONGEST_SENTENCE}) AS INT)))"
            ),
        )
        .groupBy("fact", "matcher")
        .agg(
            F.expr(
                "transform(array_sort(collect_list(struct(rank, page_id, title, revision_id, subject_start, "
                "object_start, sentence))), e -> struct(e.page_id AS page_id, e.title AS title, e.revision_id AS "
                "revision_id, e.subject_start AS subject_start, e.object_start AS object_start, "
                "e.sentence AS sentence))"
            ).alias("evidence")
        )
    )
    found = counts.join(best, ["fact", "matcher"]).orderBy("fact", "matcher").toArrow()
    table = whole_table(split, found)
    pq.write_table(table, folder / "data.parquet", compression="zstd")
    return table


def coded(spark: SparkSession, split: pa.Table) -> tuple[DataFrame, DataFrame]:
    """Facts (fact = row of `split`, subject, object as entity numbers) and entities (uri, label, number)."""
    sides = [
        split.select(columns).rename_columns(["entity_uri", "label"])
        for columns in (["subject_uri", "subject"], ["object_uri", "object"])
    ]
    entities = pa.concat_tables(sides).group_by(["entity_uri", "label"]).aggregate([])
    entities = entities.sort_by([("entity_uri", "ascending"), ("label", "ascending")])
    entities = entities.append_column("entity", pa.array(range(entities.num_rows), pa.int64()))
    facts = pa.table({"fact": pa.array(range(split.num_rows), pa.int64())})
    for name, side in zip(("subject", "object"), sides, strict=True):
        numbered = side.append_column("fact", facts["fact"]).join(entities, ["entity_uri", "label"])
        facts = facts.append_column(name, numbered.sort_by("fact")["entity"])
    return spark.createDataFrame(facts), spark.createDataFrame(entities)


def passages(placed: DataFrame, facts: DataFrame) -> DataFrame:
    """One row per fact, matcher and window that holds the fact, with its shortest passage.

    Columns: fact, matcher, page_id, length, subject_start, object_start, sentence_start, sentence_end
    (the last two of the sentence with the object).
    """
    from pyspark.sql import functions as F

    pairs = {}
    for matcher, window in MATCHERS.items():
        first = placed.groupBy("page_id", F.expr(window).alias("window"), "entity").agg(
            F.expr("min(struct(start, chunk, sentence_start, sentence_end))").alias("at")
        )
        subjects = first.withColumnsRenamed({"entity": "subject", "at": "s"}).join(F.broadcast(facts), "subject")
        pairs[matcher] = subjects.join(
            first.withColumnsRenamed({"entity": "object", "at": "o"}), ["page_id", "window", "object"]
        )
    within = pairs["sentence"]
    candidates = [
        within.withColumn("matcher", F.lit("sentence")),
        pairs["chunk"].withColumn("matcher", F.lit("chunk")),
        within.where("s.chunk = o.chunk").withColumn("matcher", F.lit("chunk")).withColumn("window", F.col("s.chunk")),
        pairs["article"].withColumn("matcher", F.lit("article")),
        within.withColumn("matcher", F.lit("article")).withColumn("window", F.lit(0).cast("long")),
    ]
    columns = ["fact", "matcher", "page_id", "window", "s", "o"]
    union = candidates[0].select(columns)
    for candidate in candidates[1:]:
        union = union.unionByName(candidate.select(columns))
    length = F.greatest("s.sentence_end", "o.sentence_end") - F.least("s.sentence_start", "o.sentence_start")
    passage = F.struct(
        length.alias("length"),
        F.col("s.start").alias("subject_start"),
        F.col("o.start").alias("object_start"),
        F.col("o.sentence_start").alias("sentence_start"),
        F.col("o.sentence_end").alias("sentence_end"),
    )
    shortest = union.groupBy("fact", "matcher", "page_id", "window").agg(F.min(passage).alias("passage"))
    return shortest.select("fact", "matcher", "page_id", "passage.*")


def whole_table(split: pa.Table, found: pa.Table) -> pa.Table:
    """FACT_SOURCES from the facts found, with rows for those that were not, in the order of `split`."""
    facts, matchers = split.num_rows, len(MATCHERS)
    place = pc.index_in(found["matcher"], pa.array(list(MATCHERS))).to_numpy()
    # Row of the result for every row found; the evidence of the rest is one empty list at the end.
    rows = found["fact"].to_numpy() * matchers + place
    windows = np.zeros(facts * matchers, dtype=np.int64)
    windows[rows] = found["windows"].to_numpy()
    source = np.full(facts * matchers, found.num_rows, dtype=np.int64)
    source[rows] = np.arange(found.num_rows)
    kind = FACT_SOURCES.field("evidence").type
    evidence = pa.chunked_array([*found["evidence"].cast(kind).chunks, pa.array([[]], kind)])
    each = pa.array(np.repeat(np.arange(facts), matchers))
    columns = {
        **{name: split[name].take(each) for name in ("uuid", "language", "relation")},
        "matcher": pa.array(list(MATCHERS) * facts, pa.string()),
        "windows": pa.array(windows),
        "evidence": evidence.take(pa.array(source)),
    }
    return pa.table(columns, schema=FACT_SOURCES).combine_chunks()
