"""How much text a language's corpora have."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.store.parquet import main_files
from factroots_dagster.tracing.kinds import LABEL, MENTION_KINDS
from factroots_dagster.tracing.schema import WIKIPEDIA_VOLUME

BATCH_ROWS = 1 << 20


def measure_volume(dump: pa.Table, articles_folder: Path, mentions_folder: Path) -> pa.Table:
    """The size of one language's corpora: WIKIPEDIA_VOLUME, one row.

    dump: WIKIPEDIA_DUMP. articles_folder, mentions_folder: what `write_articles` and `write_mentions` wrote.
    """
    indexed = dump["indexed_pages"]
    snapshots = dump["snapshot"].drop_null()
    row = {
        "language": dump["language"][0].as_py(),
        "corpora": pc.unique(dump["corpus"]).to_pylist(),
        "snapshot": snapshots[0].as_py() if len(snapshots) else None,
        **pq.read_table(articles_folder / "_counts.parquet").to_pylist()[0],
        "entities": count_entities(mentions_folder),
        "indexed_pages": None if indexed.null_count else pc.sum(indexed).as_py(),
    }
    return pa.Table.from_pylist([row], WIKIPEDIA_VOLUME)


def count_entities(mentions_folder: Path) -> int:
    """The number of distinct entities that ENTITY_MENTIONS mention by their labels."""
    entities: set[str] = set()
    for path in main_files(mentions_folder):
        file = pq.ParquetFile(path, read_dictionary=["entity_uri", "kind"])
        for batch in file.iter_batches(BATCH_ROWS, columns=["entity_uri", "kind"]):
            uri, kind = batch["entity_uri"], batch["kind"]
            label_number = pc.index(kind.dictionary, MENTION_KINDS[LABEL]).as_py()
            numbers = np.unique(uri.indices.to_numpy()[kind.indices.to_numpy() == label_number])
            entities.update(uri.dictionary.take(pa.array(numbers)).to_pylist())
    return len(entities)
