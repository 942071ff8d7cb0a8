"""Documents of a corpus with exactly the same text: found by digests, which Spark groups."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.corpora.collection.records import Record, Shard
from factroots_dagster.corpora.collection.rows import MAX_SHARDS, SHARD_SHIFT, Document, DocumentReader
from factroots_dagster.spark.part_files import PartWriter
from factroots_dagster.spark.tasks import ReportProgress, TaskState
from factroots_dagster.spark.written import ensure_table

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DIGEST_BYTES = 16
"""With 128 bits two different texts among 10^12 have the same digest with a probability of 10^-15."""

_DIGESTS = pa.schema([("page_id", pa.int64()), ("weight", pa.int64()), ("digest", pa.binary(DIGEST_BYTES))])
BATCH_DOCUMENTS = 1 << 16


def digest_shard(
    shard: Shard,
    records: Iterable[Record],
    report_progress: ReportProgress,
    *,
    folder: Path,
    reader: DocumentReader,
) -> TaskState:
    """In a worker: write page id, weight and digest of the text of every document of a shard."""
    batch: list[tuple[int, int, bytes]] = []
    documents = 0
    with PartWriter(folder, shard.number, _DIGESTS) as writer:

        def flush() -> None:
            columns = zip(*batch, strict=True) if batch else ((), (), ())
            writer.write(pa.table([list(column) for column in columns], schema=_DIGESTS))
            batch.clear()

        for row, _, values in records:
            document = reader.read(shard, row, values)
            if isinstance(document, Document):
                digest = blake2b(document.text.encode(), digest_size=DIGEST_BYTES).digest()
                batch.append((document.page_id, document.weight, digest))
                documents += 1
            if len(batch) == BATCH_DOCUMENTS:
                flush()
            report_progress({"pages": documents})
        flush()
    return {"pages": documents}


def write_copies(spark: SparkSession, texts: Path, copies: Path, mode: str) -> None:
    """Write, by shard, the page id and new weight of every document whose text another one has.

    texts: what `digest_shard` wrote. mode: "merge" or "once". A weight of 0 stands for a copy that is not
    read.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

    ensure_table(texts, _DIGESTS)
    same = Window.partitionBy("digest")
    first = f.col("page_id") == f.min("page_id").over(same)
    weight = f.sum("weight").over(same) if mode == "merge" else f.col("weight")
    frame = spark.read.parquet(f"file://{texts.absolute()}")
    frame = frame.withColumn("copies", f.count("*").over(same))
    frame = frame.withColumn("new_weight", f.when(first, weight).otherwise(f.lit(0)))
    shard = f.shiftright("page_id", SHARD_SHIFT).bitwiseAND(f.lit(MAX_SHARDS - 1))
    frame = frame.where("copies > 1").select(
        "page_id", f.col("new_weight").alias("weight"), shard.alias("shard")
    )
    frame.write.mode("overwrite").partitionBy("shard").parquet(f"file://{copies.absolute()}")


def read_copies(copies: Path | None, shard: Shard) -> dict[int, int]:
    """Page id to weight of the documents of a shard whose texts exist more than once."""
    folder = copies and copies / f"shard={shard.number}"
    if folder is None or not folder.is_dir():
        return {}
    tables = [pq.read_table(path, partitioning=None) for path in sorted(folder.glob("*.parquet"))]
    table = pa.concat_tables(tables)
    return dict(zip(table["page_id"].to_pylist(), table["weight"].to_pylist(), strict=True))
