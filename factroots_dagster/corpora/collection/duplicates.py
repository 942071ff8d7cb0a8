"""Documents of a corpus with exactly the same text: found by digests, which Spark groups."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from hashlib import blake2b
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.corpora.collection.records import Record, Shard
from factroots_dagster.corpora.collection.rows import MAX_SHARDS, SHARD_SHIFT, Document, DocumentReader
from factroots_dagster.spark.parts import Outcome

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

DIGEST_BYTES = 16
"""With 128 bits two different texts among 10^12 have the same digest with a probability of 10^-15."""

DIGESTS = pa.schema([("page_id", pa.int64()), ("weight", pa.int64()), ("digest", pa.binary())])
"""A row per document: where it is, its own weight, and the digest of its text."""

BATCH_DOCUMENTS = 1 << 16


def digest_shard(
    shard: Shard, records: Iterable[Record], *, reader: DocumentReader
) -> Generator[pa.Table, None, Outcome]:
    """In a worker: DIGESTS of a shard; the outcome has their number."""
    documents = 0
    read = (reader.read(shard, row, values) for row, _, values in records)
    digests = ((d.page_id, d.weight, digest_text(d.text)) for d in read if isinstance(d, Document))
    while batch := list(islice(digests, BATCH_DOCUMENTS)):
        documents += len(batch)
        yield pa.table([list(column) for column in zip(*batch, strict=True)], schema=DIGESTS)
    return {"pages": documents}


def digest_text(text: str) -> bytes:
    """Equal for equal texts."""
    return blake2b(text.encode(), digest_size=DIGEST_BYTES).digest()


def write_copies(spark: SparkSession, texts: Path, copies: Path, mode: str) -> None:
    """Write, by shard, the page id and new weight of every document whose text another one has.

    texts: DIGESTS of all shards. mode: "merge" or "once". A weight of 0 stands for a copy that is not
    read.
    """
    from pyspark.sql import Window
    from pyspark.sql import functions as f

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
