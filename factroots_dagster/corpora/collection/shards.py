"""Running one function over the files of a corpus; local ones are read by tasks, those at URIs by Spark."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import pyarrow as pa

from factroots_dagster.corpora.collection.choices import Reading
from factroots_dagster.corpora.collection.files import is_uri
from factroots_dagster.corpora.collection.records import (
    GET_AGAIN,
    Record,
    Shard,
    ShardReader,
    check_schema,
    parse_line,
    rows_of,
)
from factroots_dagster.errors import InputError
from factroots_dagster.spark.progress import format_resumption, run_with_progress
from factroots_dagster.spark.tasks import (
    ReportProgress,
    TaskState,
    forget_state,
    latest_task_states,
    read_task_state,
    run_tasks,
    write_task_state,
)

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ShardFunction = Callable[[Shard, Iterable[Record], ReportProgress], TaskState]
"""Computes one shard from its records; returns its final state, see `spark.tasks`."""

ONE_FILE = str(2**62)
"""With files so expensive to open, every partition of Spark's is one whole file."""


def run_shards(
    session: Callable[[], SparkSession],
    folder: Path,
    shards: Sequence[Shard],
    reading: Reading,
    function: ShardFunction,
    what: str,
    progress: Callable[[str], None] | None,
) -> list[TaskState]:
    """Run `function` over every shard; return their final states in order.

    Files and states are in `folder`; what an earlier call with it finished is not computed again. Raises
    InputError for a file that cannot be read; the other shards stay finished.
    """
    if any(is_uri(shard.path) for shard in shards):
        _run_by_spark(session().newSession(), folder, shards, reading, function, what, progress)
    else:
        task = partial(run_local_shard, shards=shards, reading=reading, function=function)
        total = sum(shard.bytes for shard in shards)
        run_tasks(session(), folder, len(shards), task, what=what, total=total, progress=progress)
    states = latest_task_states(folder, len(shards))
    refused = [number for number, state in enumerate(states) if "refused" in state]
    for number in refused:
        forget_state(folder, number)
    if refused:
        problem, remedy = states[refused[0]]["refused"]
        others = f" (and {len(refused) - 1} more files of the corpus cannot be read)" if refused[1:] else ""
        raise InputError(problem + others, remedy)
    return states


def run_local_shard(
    number: int,
    report_progress: ReportProgress,
    shards: Sequence[Shard],
    reading: Reading,
    function: ShardFunction,
) -> TaskState:
    """In a worker: run a function over a local file."""
    reader = ShardReader(shards[number], reading)
    return _run(
        function,
        shards[number],
        reader,
        lambda state: report_progress(state | {"done_bytes": reader.bytes_read}),
    )


def _run(
    function: ShardFunction, shard: Shard, records: Iterable[Record], report_progress: ReportProgress
) -> TaskState:
    """The final state of a shard, which says so if it cannot be read: an error would be tried again."""
    try:
        return function(shard, records, report_progress) | {"done_bytes": shard.bytes}
    except InputError as error:
        return {"refused": [error.problem, error.remedy], "done_bytes": shard.bytes}


def _run_by_spark(
    spark: SparkSession,
    folder: Path,
    shards: Sequence[Shard],
    reading: Reading,
    function: ShardFunction,
    what: str,
    progress: Callable[[str], None] | None,
) -> None:
    """Run a function over files at URIs, one file a task."""
    for name in ("maxPartitionBytes", "openCostInBytes"):
        spark.conf.set(f"spark.sql.files.{name}", ONE_FILE)
    pending = [shard for shard in shards if read_task_state(folder, shard.number, "done") is None]
    if progress and len(pending) < len(shards):
        progress(format_resumption(what, len(shards) - len(pending), len(shards)))

    def report() -> None:
        if progress:
            done = len(latest_task_states(folder, len(shards)))
            progress(f"{what}: {done} of {len(shards)} files begun or finished")

    for is_parquet in (True, False):
        files = [shard for shard in pending if shard.is_parquet == is_parquet]
        if files:
            by_path = {_comparable(shard.path): shard for shard in files}
            run = partial(run_remote_shard, shards=by_path, folder=str(folder.absolute()), function=function)
            run_with_progress(partial(_run_on_files, spark, files, reading, run), report)
    for shard in pending:  # of a file without rows no task has heard
        if read_task_state(folder, shard.number, "done") is None:
            write_task_state(folder, shard.number, "done", _run(function, shard, (), lambda state: None))


def _run_on_files(spark: SparkSession, files: Sequence[Shard], reading: Reading, function: Any) -> object:
    """Run a function over files of one format; raises InputError for a file that Spark cannot read."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        frame = _read_parquet(spark, files, reading) if files[0].is_parquet else _read_lines(spark, files)
        return frame.mapInArrow(function, "id BIGINT").toArrow()
    except (PySparkException, Py4JJavaError) as error:
        if (unread := re.search(r"\[FAILED_READ_FILE[^\n]*", str(error))) is None:
            raise
        raise InputError(f"Spark cannot read a file of the corpus: {unread[0]:.400}", GET_AGAIN) from error


def _read_parquet(spark: SparkSession, files: Sequence[Shard], reading: Reading) -> DataFrame:
    frame = spark.read.parquet(*(shard.path for shard in files))
    schema = pa.schema(spark.createDataFrame([], frame.schema).toArrow().schema)
    names = check_schema(files[0].path, schema, reading)
    outer = {name if name in frame.columns else name.partition(".")[0] for name in names}
    return frame.select("_metadata.file_path", *(f"`{name}`" for name in frame.columns if name in outer))


def _read_lines(spark: SparkSession, files: Sequence[Shard]) -> DataFrame:
    frame = spark.read.text([shard.path for shard in files], lineSep="\n")
    return frame.select("_metadata.file_path", frame["value"].cast("binary").alias("value"))


def run_remote_shard(
    batches: Iterable[pa.RecordBatch], shards: Mapping[str, Shard], folder: str, function: ShardFunction
) -> Iterator[pa.RecordBatch]:
    """In a worker: run a function over the rows of one file as Spark reads them."""
    batches = iter(batches)
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is None:
        return
    shard = shards[_comparable(first["file_path"][0].as_py())]

    def report_progress(state: TaskState) -> None:
        return

    state = _run(function, shard, _records(chain([first], batches), shard), report_progress)
    write_task_state(Path(folder), shard.number, "done", state)
    yield from ()


def _records(batches: Iterable[pa.RecordBatch], shard: Shard) -> Iterator[Record]:
    row = 0
    for batch in batches:
        columns = batch.drop_columns("file_path")
        if shard.is_parquet:
            for values in rows_of(columns):
                yield row, 0, values
                row += 1
            continue
        for line in columns["value"].to_pylist():
            if line.strip():
                yield row, len(line) + 1, parse_line(line)
                row += 1


def _comparable(path: str) -> str:
    """A path as it is compared: Spark writes `file:/a b` here and `file:///a%20b` there."""
    return re.sub("^([a-z0-9]+):/+", r"\1:/", unquote(path))
