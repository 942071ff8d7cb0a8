"""Writing Spark's rows as files whose names, order and bytes depend on the rows alone.

Spark's own Parquet writer puts sets into the file's footer in an order that changes from run to run; so
the tasks write with pyarrow, which does not.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.storage.store import main_files

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def spark_path(path: Path | str) -> str:
    """`path` as Spark's readers take it: they read `[`, `{`, `*` and `?` as patterns."""
    return re.sub(r"([*?\[\]{}\\])", r"\\\1", str(path))


def file_count(size: int, share: int) -> int:
    """How many files a table of about `size` bytes takes at about `share` bytes each."""
    return max(1, -(-size // share))


def write_parts(
    rows: DataFrame,
    folder: Path,
    schema: pa.Schema,
    files: int,
    order: list[str],
    group_rows: int,
    aside: str = "",
) -> pa.Table:
    """Write `rows` as `folder/part-<page_id modulo files>.parquet`; return the rows that are set aside.

    A file holds the columns of `schema`, its rows sorted by the columns `order`, in row groups of
    `group_rows`. Rows in which the column `aside` holds something are not written but returned. The
    folder must be one that all workers see. Where there are no rows, one empty file is written.
    """
    placed = rows.repartitionById(files, (rows["page_id"] % files).cast("int")).sortWithinPartitions(*order)
    writer = partial(
        write_part,
        folder=str(folder.absolute()),
        files=files,
        schema=schema,
        group_rows=group_rows,
        aside=aside,
    )
    returned = placed.mapInArrow(writer, rows.schema).toArrow()
    if not main_files(folder):
        pq.write_table(schema.empty_table(), folder / part_name(0), compression="zstd")
    return returned


def part_name(number: int) -> str:
    return f"part-{number:05d}.parquet"


def write_part(
    batches: Iterable[pa.RecordBatch], folder: str, files: int, schema: pa.Schema, group_rows: int, aside: str
) -> Iterator[pa.RecordBatch]:
    """Write one partition's rows, all of them of one file; yield those that are set aside."""
    waiting: list[pa.RecordBatch] = []
    count = 0
    target = Path(folder)
    # A task may be tried twice at a time: each writes its own file, and the last to end gives the name.
    work = target / f"_{uuid.uuid4().hex}.writing"
    writer: pq.ParquetWriter | None = None
    number = 0
    for batch in batches:
        if aside:
            strange = pc.is_valid(batch[aside])
            yield batch.filter(strange)
            batch = batch.filter(pc.invert(strange))
        if not batch.num_rows:
            continue
        if writer is None:
            number = batch["page_id"][0].as_py() % files
            writer = pq.ParquetWriter(work, schema, compression="zstd")
        waiting.append(batch.select(schema.names))
        count += batch.num_rows
        while count >= group_rows:
            count -= group_rows
            waiting = write_group(writer, waiting, group_rows)
    if writer is not None:
        write_group(writer, waiting, count)
        writer.close()
        os.replace(work, target / part_name(number))


def write_group(writer: pq.ParquetWriter, waiting: list[pa.RecordBatch], rows: int) -> list[pa.RecordBatch]:
    """Write the first `rows` of `waiting` as one row group in one piece; return the rest."""
    if not rows:
        return waiting
    table = pa.Table.from_batches(waiting)
    # One piece: where batches end must not show in the file.
    writer.write_table(table.slice(0, rows).cast(writer.schema).combine_chunks(), row_group_size=rows)
    return table.slice(rows).to_batches()
