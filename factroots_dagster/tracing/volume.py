"""How much a language's Wikipedia holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.store.store import main_files
from factroots_dagster.tracing.labels import KINDS, LABEL
from factroots_dagster.tracing.schema import WIKIPEDIA_VOLUME

BATCH_ROWS = 1 << 20


def volume(dump: pa.Table, articles_folder: Path, mentions_folder: Path) -> pa.Table:
    """The size of one language (WIKIPEDIA_VOLUME, one row), from what `write_articles` and `write_mentions`
    wrote.

    A word is a run of letters, marks, digits and underscores, or one Han, kana, Thai, Lao, Khmer or
    Myanmar character, as in `tokens`; characters are code points of the prose, line ends included.
    """
    entities: set[str] = set()
    for path in main_files(mentions_folder):
        file = pq.ParquetFile(path, read_dictionary=["entity_uri", "kind"])
        for batch in file.iter_batches(BATCH_ROWS, columns=["entity_uri", "kind"]):
            uri, kind = batch["entity_uri"], batch["kind"]
            by_label = kind.indices.to_numpy() == pc.index(kind.dictionary, KINDS[LABEL]).as_py()
            seen = np.unique(uri.indices.to_numpy()[by_label])
            entities.update(uri.dictionary.take(pa.array(seen)).to_pylist())
    indexed = dump["indexed_pages"]
    row = {
        "language": dump["language"][0].as_py(),
        "snapshot": dump["snapshot"][0].as_py(),
        **pq.read_table(articles_folder / "_counts.parquet").to_pylist()[0],
        "entities": len(entities),
        "indexed_pages": None if indexed.null_count else pc.sum(indexed).as_py(),
    }
    return pa.Table.from_pylist([row], WIKIPEDIA_VOLUME)
