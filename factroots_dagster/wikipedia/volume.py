"""How much a language's Wikipedia holds."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.storage.store import main_files
from factroots_dagster.wikipedia.schema import WIKIPEDIA_VOLUME

BATCH_ROWS, THREADS = 4096, 2
SUMMED = ("wikitext_bytes", "characters", "words")


def volume(dump: pa.Table, articles_folder: Path, mentions_folder: Path) -> pa.Table:
    """The size of one language (WIKIPEDIA_VOLUME, one row), from what `write_articles` and `write_mentions`
    wrote.

    A word is a run of letters, marks, digits and underscores, or one Han, kana, Thai, Lao, Khmer or
    Myanmar character, as in `tokens`; characters are code points of the prose, line ends included.
    """
    # Arrow counts outside Python's lock.
    with ThreadPoolExecutor(THREADS) as threads:
        figures = list(threads.map(article_figures, main_files(articles_folder)))
    totals = {name: sum(figure[name] for figure in figures) for name in SUMMED}
    entities: set[str] = set()
    for path in main_files(mentions_folder):
        for batch in pq.ParquetFile(path).iter_batches(columns=["entity_uri", "kind"]):
            entities.update(
                pc.unique(batch.filter(pc.equal(batch["kind"], "label"))["entity_uri"]).to_pylist()
            )
    indexed = dump["indexed_pages"]
    row = {
        "language": dump["language"][0].as_py(),
        "snapshot": dump["snapshot"][0].as_py(),
        **pq.read_table(articles_folder / "_counts.parquet").to_pylist()[0],
        **totals,
        "entities": len(entities),
        "indexed_pages": None if indexed.null_count else pc.sum(indexed).as_py(),
    }
    return pa.Table.from_pylist([row], WIKIPEDIA_VOLUME)


def article_figures(path: Path) -> dict[str, int]:
    """The sums SUMMED over the articles of one file."""
    totals = dict.fromkeys(SUMMED, 0)
    names = ["redirect_to", "text", "wikitext_bytes", "words"]
    for batch in pq.ParquetFile(path).iter_batches(BATCH_ROWS, columns=names):
        articles = batch.filter(pc.is_null(batch["redirect_to"]))
        totals["characters"] += pc.sum(pc.utf8_length(articles["text"])).as_py() or 0
        for name in ("wikitext_bytes", "words"):
            totals[name] += pc.sum(articles[name]).as_py() or 0
    return totals
