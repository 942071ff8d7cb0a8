"""What whole corpora would cost, computed from measured rates; and the rate on a corpus like FineWeb-2."""

from __future__ import annotations

import os
import statistics
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds

from benchmarks.collection import write_shaped
from benchmarks.memory import cpu_seconds
from factroots_dagster.corpora.collection.choices import parse_corpora
from factroots_dagster.corpora.registry import acquire_files, write_all_documents
from factroots_dagster.tracing.mentions import write_mentions
from factroots_dagster.tracing.sources import write_sources

WIKIPEDIAS_MEGABYTES = 250_000
"""XML of the Wikipedias of mLAMA's 53 languages: assumed, the sum of the sizes of `pages-articles.xml` on
dumps.wikimedia.org, of which the English is some 95 GB."""

FINEWEB_MEGABYTES = 1_000_000
"""UTF-8 text: assumed, a twentieth of FineWeb-2, which has 20 TB (Penedo et al. 2025, arXiv:2506.20920)."""

CORES = (2, 64, 1000)

Rows = list[dict[str, Any]]


def time_collection(
    spark: Any, language: str, articles: Path, split: pa.Table, tokenizer_json: str, rounds: int, work: Path
) -> Rows:
    """A row per round: language, MB of text, and seconds and CPU seconds from Parquet files to fact sources.

    All matchers are applied.
    articles: WIKIPEDIA_ARTICLES, whose texts are written in FineWeb-2's columns, a file per file.
    """
    shards, megabytes = work / "web", 0.0
    for number, path in enumerate(sorted(articles.glob("part-*.parquet"))):
        table = ds.dataset(path).to_table(columns=["text"], filter=pc.field("redirect_to").is_null())
        texts = table["text"].to_pylist()
        write_shaped(texts, shards / f"{number:05d}" / "0.parquet")
        megabytes += sum(len(text.encode()) for text in texts) / 1e6
    corpora = parse_corpora(f"web={shards}/*/*.parquet shape=fineweb2")
    rows = []
    for number in range(rounds):
        documents, mentions, sources, lists = (
            work / f"{name}-{number}" for name in ("documents", "mentions", "sources", "lists")
        )
        for folder in (documents, mentions, sources, lists):
            folder.mkdir()
        start, cpu_start = time.perf_counter(), cpu_seconds(os.getpid())
        files = acquire_files(language, corpora, "", "latest", lists, lambda: spark)
        write_all_documents(lambda: spark, files, documents)
        write_mentions(spark, documents, split, mentions, tokenizer_json=tokenizer_json)
        write_sources(spark, documents, mentions, split, sources)
        row = {"seconds": time.perf_counter() - start, "cpu_seconds": cpu_seconds(os.getpid()) - cpu_start}
        rows.append({"language": language, "megabytes": megabytes, **row})
    return rows


def rate_of_collection(rows: Rows) -> float:
    """MB of text per CPU second, the median of the rounds."""
    return statistics.median(row["megabytes"] / row["cpu_seconds"] for row in rows)


def cost_table(corpora: list[tuple[str, float, float]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: what each corpus costs. corpora: name, megabytes, and MB per CPU second."""
    header = ["corpus and pipeline", "MB, assumed", "MB/s per core", "core hours"]
    header += [f"hours on {count:,} cores" for count in CORES]
    rows = []
    for name, megabytes, rate in corpora:
        core_hours = megabytes / rate / 3600
        row = [name, f"{megabytes:,.0f}", f"{rate:.2f}", f"{core_hours:,.0f}"]
        rows.append(row + [f"{core_hours / count:,.2f}" for count in CORES])
    return header, rows
