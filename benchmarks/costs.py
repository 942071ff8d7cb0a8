"""What whole corpora would cost, computed from measured rates; and the rate on a corpus like FineWeb-2."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
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


def cost_table(corpora: Sequence[tuple[str, float, float]]) -> tuple[list[str], list[list[str]]]:
    """Header and rows: what each corpus costs. corpora: name, megabytes, and MB per CPU second."""
    header = ["corpus and pipeline", "MB, assumed", "MB/s per core", "core hours"]
    header += [f"hours on {count:,} cores" for count in CORES]
    rows = []
    for name, megabytes, rate in corpora:
        core_hours = megabytes / rate / 3600
        row = [name, f"{megabytes:,.0f}", f"{rate:.2f}", f"{core_hours:,.0f}"]
        rows.append(row + [f"{core_hours / count:,.2f}" for count in CORES])
    return header, rows


H100_FLOPS = 989e12
"""Operations of one H100 (SXM) in bfloat16, dense, a second: the manufacturer's figure."""

USED = 0.3
"""What part of them is assumed to be reached, at short sequences in large batches."""


def model_cost(parameters: float, vocabulary: int, hidden: int, tokens: float, logits: float) -> float:
    """Hours on one H100, computed and not measured: two operations a weight and token, as far as it is used.

    parameters: without embeddings. tokens: that are run. logits: of how many tokens they are computed.
    """
    operations = 2 * parameters * tokens + 2 * vocabulary * hidden * logits
    return operations / (H100_FLOPS * USED) / 3600


MODELS = (
    # name, parameters without embeddings, vocabulary, hidden size, tokens that are run, logits
    ("mBERT", 85e6, 119_547, 768, 4_107_843 * 14, 4_107_843 * 2.5),
    ("XLM-R large", 303e6, 250_002, 1_024, 4_107_843 * 14, 4_107_843 * 2.5),
    ("Gemma 3 4B", 3.2e9, 262_144, 2_560, 286e6, 286e6),
    ("Gemma 3 4B, ranked by the object", 3.2e9, 262_144, 2_560, 124e6, 124e6),
    ("Qwen 2.5 7B", 6.5e9, 152_064, 3_584, 286e6, 286e6),
    ("Qwen 2.5 7B, ranked by the object", 6.5e9, 152_064, 3_584, 124e6, 124e6),
)
"""mLAMA in 53 languages. Masked models: prompts with mBERT's tokenizer, of some 14 tokens and 2.5 masks each.
Decoders: the nodes of all tries, counted with a multilingual vocabulary; what is pruned is not taken off."""


def model_costs() -> tuple[list[str], list[list[str]]]:
    """Header and rows: what probing all of mLAMA takes on one H100, computed."""
    header = ["model", "tokens, counted", "hours on one H100, computed"]
    rows = []
    for name, parameters, vocabulary, hidden, tokens, logits in MODELS:
        hours = model_cost(parameters, vocabulary, hidden, tokens, logits)
        rows.append([name, f"{tokens / 1e6:,.0f} M", f"{hours:.2f}"])
    return header, rows


if __name__ == "__main__":
    columns, costs = model_costs()
    for row in (columns, ["---"] * len(columns), *costs):
        print(f"| {' | '.join(row)} |")
