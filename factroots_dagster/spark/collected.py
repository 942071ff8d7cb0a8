"""Tables that are computed part by part and brought to the driver, and taking up a run that was killed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.spark.jobs import Job, divide_into_jobs
from factroots_dagster.spark.parts import Parts, share_tasks, unpack
from factroots_dagster.spark.progress import PROGRESS_SECONDS, format_resumption
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.digests import compute_sha256
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

COLLECTED = "_collected-"


def collect_parts(
    spark: SparkSession,
    parts: Parts,
    folder: Path | None = None,
    *,
    name: str = "rows",
    reduce: Callable[[DataFrame], DataFrame] | None = None,
    progress: Callable[[str], None] | None = None,
    seconds: float = PROGRESS_SECONDS,
    job_bytes: int | None = None,
) -> pa.Table:
    """The rows of all parts, in their order, on the driver.

    reduce: Spark makes other rows of the same columns of those of each job, in whatever order.
    progress receives a line every so many seconds.

    Parts of large inputs are computed in several jobs (see `divide_into_jobs`, also for job_bytes). folder:
    where the driver keeps what these have found under this name; after a call that failed or was killed, a
    call with the same folder computes only the jobs that are missing, until `forget_collected`.
    """
    sizes, schema = parts.sizes, storage_schema(parts.schema)
    kept = _whole_files(folder, name) if folder else []
    tables, finished = {}, set[int]()
    for path in kept:
        first, count = map(int, path.stem.split("-")[-3:-1])
        tables[first] = pq.read_table(path)
        finished.update(range(first, first + count))
    if finished and progress:
        progress(format_resumption(parts.what, len(finished), len(sizes)))
    pending = [number for number in range(len(sizes)) if number not in finished]
    jobs = divide_into_jobs(spark, pending, sizes, job_bytes)
    for numbers in jobs:
        groups = share_tasks(numbers, sum(sizes[number] for number in numbers))
        earlier = sum(sizes[number] for number in finished)
        job = Job(spark, parts, groups, is_packed=reduce is None, earlier=earlier)
        table = job.run(partial(_bring, reduce=reduce), progress, seconds)
        if reduce is None:
            tables_of_job = (unpack(rows.as_buffer()) for rows in table["rows"])
            table = pa.concat_tables([schema.empty_table(), *tables_of_job])
        table = table.cast(schema)
        if folder and (kept or len(jobs) > 1):
            _keep(table, folder, f"{COLLECTED}{name}-{numbers[0]:07d}-{len(numbers)}")
        tables[numbers[0]] = table
        finished.update(numbers)
    return pa.concat_tables([schema.empty_table(), *(tables[first] for first in sorted(tables))])


def _keep(table: pa.Table, folder: Path, name: str) -> None:
    """Write what a job has found to a file whose name ends with its SHA-256."""
    stream = pa.BufferOutputStream()
    pq.write_table(table, stream)
    content = stream.getvalue()
    digest = hashlib.sha256(content).hexdigest()
    with atomic_file(folder / f"{name}-{digest}.parquet") as temporary:
        temporary.write_bytes(content)


def _whole_files(folder: Path, name: str) -> list[Path]:
    """The files that earlier calls have written; those that a power cut has damaged are removed."""
    whole = []
    for path in sorted(folder.glob(f"{COLLECTED}{name}-*.parquet")):
        if compute_sha256(path) == path.stem.split("-")[-1]:
            whole.append(path)
        else:
            path.unlink()
    return whole


def _bring(frame: DataFrame, reduce: Callable[[DataFrame], DataFrame] | None) -> pa.Table:
    return (reduce(frame) if reduce else frame).toArrow()


def forget_collected(folder: Path) -> None:
    """Remove what finished jobs have found once it has been used."""
    for path in folder.glob(f"{COLLECTED}*.parquet"):
        path.unlink()
