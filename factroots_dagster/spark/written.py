"""Writing a table part by part as Parquet, and taking up a run that was killed.

Spark's own committer writes where the tasks see the driver's disk. Elsewhere (`disks`) the driver writes: the
workers keep the rows of a job on their disks until it has brought them, a partition at a time.
"""

from __future__ import annotations

import json
import shutil
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.spark.disks import see_one_disk
from factroots_dagster.spark.jobs import Job, divide_into_jobs
from factroots_dagster.spark.parts import Outcome, Outcomes, Parts, unpack
from factroots_dagster.spark.progress import PROGRESS_SECONDS, format_resumption
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.finished import are_whole, keep_files
from factroots_dagster.store.parquet import GROUP_ROWS, main_files
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PARQUET_OPTIONS = {
    "compression": "zstd",
    "parquet.compression.codec.zstd.level": "1",
    # A dictionary of values that hardly repeat is expensive and is abandoned half-way.
    "parquet.enable.dictionary": "false",
    # No reader filters by another column than the page, and checksums are in the manifest.
    "parquet.column.statistics.enabled": "false",
    "parquet.column.statistics.enabled#page_id": "true",
    "parquet.page.write-checksum.enabled": "false",
    # Readers hold a row group's column, or a page of it, in memory.
    "parquet.block.size": str(32 * 2**20),
}

Run = Callable[[Callable[["DataFrame"], None]], None]
"""Runs a job with an action on its frame."""

Written = tuple[int, dict[int, dict[str, str]]]
"""The number of a job's rows, those of parts that are not kept included; by part the SHA-256 of its files."""

_FINISHED, _ANY_FINISHED = "_finished-{name}.json", "_finished-*.json"
_JOB_FOLDER = "_job-"


def write_parts(
    spark: SparkSession,
    parts: Parts,
    folder: Path,
    *,
    dictionary_columns: Sequence[str] = (),
    file_rows: int = 0,
    progress: Callable[[str], None] | None = None,
    seconds: float = PROGRESS_SECONDS,
    job_bytes: int | None = None,
) -> list[Outcome]:
    """Write the rows of every part as `folder/part-<number>-<file>.parquet`; return the parts' outcomes.

    A part without rows has no file, but where none has rows there is one empty file. Parts that are not kept
    (see `Parts`) have neither file nor outcome. dictionary_columns hold few distinct strings. file_rows: the
    most rows of a file; 0 for one file a part.

    The parts are computed in jobs (see `divide_into_jobs`, also for job_bytes).
    After a call that failed or was killed, a call with the same folder computes only the jobs that are
    missing, until `forget_finished` forgets those that are not; a part whose files are not what they were, as
    after a power cut, is missing too. Raises InputError where the workers' files are not in `folder`: on a
    cluster it must be on a file system that all of them share, or in the cache of an object store.
    """
    sizes = parts.sizes
    _remove_jobs(folder)
    outcomes = _take_up(folder)
    if outcomes and progress:
        progress(format_resumption(parts.what, len(outcomes), len(sizes)))
    pending = [number for number in range(len(sizes)) if number not in outcomes]
    by_spark = see_one_disk(spark, folder)
    write = _write_by_spark if by_spark else _write_here
    for numbers in divide_into_jobs(spark, pending, sizes, job_bytes):
        groups = [[number] for number in numbers]
        earlier = sum(sizes[done] for done in outcomes)
        job = Job(spark, parts, groups, is_packed=not by_spark, earlier=earlier)
        run = partial(job.run, progress=progress, seconds=seconds)
        rows, files = write(job, run, folder, dictionary_columns, file_rows)
        if rows != job.rows:
            problem = f"Spark's workers have told of {job.rows:,} rows, of which {rows:,} are in {folder}"
            raise InputError(problem, "choose a data root that all workers see by the same path")
        with atomic_file(folder / _FINISHED.format(name=uuid.uuid4().hex)) as temporary:
            finished = [
                (number, outcome, files.get(number, {})) for number, outcome in sorted(job.outcomes.items())
            ]
            temporary.write_text(json.dumps(finished))
        outcomes |= job.outcomes
    if len(outcomes) == len(sizes):
        ensure_table(folder, parts.schema)
    return [outcomes[number] for number in sorted(outcomes)]


def _write_by_spark(
    job: Job, run: Run, folder: Path, dictionary_columns: Sequence[str], file_rows: int
) -> Written:
    """Have Spark write the rows of a job."""
    options = PARQUET_OPTIONS | {"maxRecordsPerFile": str(file_rows)}
    options |= {f"parquet.enable.dictionary#{name}": "true" for name in dictionary_columns}
    # A name of its own: tasks of a job that failed may still be at work.
    target = folder.absolute() / f"{_JOB_FOLDER}{uuid.uuid4().hex}"
    run(partial(_write_frame, path=f"file://{target}", options=options))
    return _move_files(target, folder, job.part_of)


def _write_frame(frame: DataFrame, path: str, options: Mapping[str, str]) -> None:
    frame.write.options(**options).parquet(path)


def _write_here(
    job: Job, run: Run, folder: Path, dictionary_columns: Sequence[str], file_rows: int
) -> Written:
    """Bring the packed rows of a job and write them."""
    run(_keep_on_workers)
    total, digests = 0, dict[int, dict[str, str]]()
    kept_parts = set(job.part_of.values())
    for number, packed in groupby(job.frame.toLocalIterator(), itemgetter("part")):
        tables = [unpack(row["rows"]) for row in packed]
        total += sum(table.num_rows for table in tables)
        if number in kept_parts:
            digests[number] = keep_files(
                _write_files(tables, folder, f"part-{number:05d}", dictionary_columns, file_rows)
            )
    job.frame.unpersist()
    return total, digests


def _keep_on_workers(frame: DataFrame) -> None:
    """Compute the rows, which stay on the workers' disks."""
    from pyspark import StorageLevel

    frame.persist(StorageLevel.DISK_ONLY).count()


def _write_files(
    tables: Sequence[pa.Table], folder: Path, name: str, dictionary_columns: Sequence[str], file_rows: int
) -> list[Path]:
    """Write tables as files of at most so many rows, `<name>-<file>.parquet`; none without rows."""
    table, paths = pa.concat_tables(tables), list[Path]()
    for start in range(0, table.num_rows, file_rows or max(1, table.num_rows)):
        paths.append(folder / f"{name}-{len(paths):03d}.parquet")
        pq.write_table(
            table.slice(start, file_rows or None),
            paths[-1],
            row_group_size=GROUP_ROWS,
            compression="zstd",
            compression_level=1,
            use_dictionary=list(dictionary_columns),
            write_statistics=["page_id"],
        )
    return paths


def _move_files(source: Path, folder: Path, part_of: Mapping[int, int]) -> Written:
    """Move the files of a finished job beside the others, but for those of parts that are not kept.

    part_of: by partition, the part that is kept.
    """
    total, digests = 0, dict[int, dict[str, str]]()
    for path in sorted(source.glob("part-*.parquet")):
        # part-<partition>-<unique id>-c<file>.<compression>.parquet
        partition, file = int(path.name.split("-")[1]), int(path.name.partition(".")[0].rpartition("-c")[2])
        rows = pq.read_metadata(path).num_rows
        total += rows
        if rows and partition in part_of:
            number = part_of[partition]
            moved = path.replace(folder / f"part-{number:05d}-{file:03d}.parquet")
            digests.setdefault(number, {}).update(keep_files([moved]))
    shutil.rmtree(source)
    return total, digests


def _take_up(folder: Path) -> Outcomes:
    """The outcomes of the parts that earlier calls have finished and whose files are whole.

    What else is there of the table is removed. An outcome may name `files` of its own, with their SHA-256.
    """
    outcomes, kept = Outcomes(), set[str]()
    for note in sorted(folder.glob(_ANY_FINISHED)):
        for number, outcome, files in json.loads(note.read_text()):
            if are_whole(folder, files | outcome.get("files", {})):
                outcomes[number] = outcome
                kept.update(files)
    for path in main_files(folder):
        if path.name not in kept:
            path.unlink()
    return outcomes


def forget_finished(folder: Path) -> None:
    """Remove what is kept of finished jobs once their outcomes have been used."""
    for path in folder.glob(_ANY_FINISHED):
        path.unlink()
    _remove_jobs(folder)


def _remove_jobs(folder: Path) -> None:
    """Remove what jobs that failed or were killed have written."""
    for path in folder.glob(f"{_JOB_FOLDER}*"):
        shutil.rmtree(path, ignore_errors=True)


def ensure_table(folder: Path, schema: pa.Schema) -> None:
    """Write an empty table into `folder` when no part had any rows: readers expect at least one file."""
    if not main_files(folder):
        empty = storage_schema(schema).empty_table()
        pq.write_table(empty, folder / "part-00000-000.parquet", compression="zstd")
