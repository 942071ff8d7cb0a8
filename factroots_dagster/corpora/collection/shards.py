"""Tables of a corpus's files, a part a file: tasks read those that are local, Spark those at URIs."""

from __future__ import annotations

import re
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING
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
from factroots_dagster.spark.parts import OpenParts, Outcome, Part, Parts
from factroots_dagster.spark.written import write_parts

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

ShardFunction = Callable[[Shard, Iterable[Record]], Generator[pa.Table, None, Outcome]]
"""Yields the rows of one shard, given its records; returns its outcome, see `spark.parts`."""

ONE_FILE = str(2**62)
"""With files so expensive to open, every partition of Spark's is one whole file."""

REFUSED = "refused"
"""In the outcome of a shard that cannot be read, problem and remedy: an error would be tried again."""


def write_shards(
    session: Callable[[], SparkSession],
    shards: Sequence[Shard],
    reading: Reading,
    function: ShardFunction,
    schema: pa.Schema,
    folder: Path,
    *,
    what: str,
    file_rows: int = 0,
    progress: Callable[[str], None] | None = None,
    job_bytes: int | None = None,
) -> list[Outcome]:
    """Write what `function` makes of every shard into `folder`; return its outcomes (see `write_parts`).

    Local files must be readable, by the same paths, where the tasks run. Raises InputError for a file that
    cannot be read; the other shards stay finished, but at a URI only those of jobs that were finished.
    """
    refused: dict[int, tuple[str, str]] = {}

    def receive(number: int, outcome: Outcome) -> Outcome | None:
        if REFUSED in outcome:
            refused[number] = outcome[REFUSED]
            return None
        return outcome

    by_spark = any(is_uri(shard.path) for shard in shards)
    read = _no_records if by_spark else partial(ShardReader, reading=reading)
    open_shard = partial(_open_shard, shards=shards, read=read, function=function)
    files = [] if by_spark else [[Path(shard.path)] for shard in shards]
    parts = Parts(what, [shard.bytes for shard in shards], open_shard, schema, receive, files)
    if by_spark:
        parts = SparkShards(**vars(parts), shards=shards, reading=reading, shard_function=function)
    with _unread_file_as_input_error():
        outcomes = write_parts(
            session(), parts, folder, file_rows=file_rows, progress=progress, job_bytes=job_bytes
        )
    if refused:
        problem, remedy = refused.pop(min(refused))
        others = f" (and {len(refused)} more files of the corpus cannot be read)" if refused else ""
        raise InputError(problem + others, remedy)
    return outcomes


def _no_records(shard: Shard) -> Iterable[Record]:
    """Those of a file without rows."""
    return ()


def _open_shard(
    number: int, shards: Sequence[Shard], read: Callable[[Shard], Iterable[Record]], function: ShardFunction
) -> Part:
    return _convert(shards[number], read(shards[number]), function)


def _convert(shard: Shard, records: Iterable[Record], function: ShardFunction) -> Part:
    """In a worker: what a function makes of a shard; the outcome says so if it cannot be read."""
    try:
        return (yield from function(shard, records))
    except InputError as error:
        return {REFUSED: (error.problem, error.remedy)}


@dataclass(frozen=True, kw_only=True)
class SparkShards(Parts):
    """Files at URIs, which Spark reads, one a task.

    function: of the shard with a number if its file has no rows. shard_function: of any.
    """

    shards: Sequence[Shard]
    reading: Reading
    shard_function: ShardFunction

    def open(
        self, spark: SparkSession, groups: Sequence[Sequence[int]]
    ) -> Sequence[tuple[DataFrame, OpenParts]]:
        """The rows of the files of each format, a partition for each file that has any."""
        spark = spark.newSession()
        for name in ("maxPartitionBytes", "openCostInBytes"):
            spark.conf.set(f"spark.sql.files.{name}", ONE_FILE)
        files = [self.shards[number] for group in groups for number in group]
        parquet, lines = ([each for each in files if each.is_parquet == kind] for kind in (True, False))
        frames = [_read_parquet(spark, parquet, self.reading)] if parquet else []
        frames += [_read_lines(spark, lines)] if lines else []
        by_path = {_comparable(shard.path): shard for shard in files}
        open_file = partial(_open_file, shards=by_path, function=self.shard_function)
        return [(frame, open_file) for frame in frames]

    def outcome_without_input(self, number: int) -> Outcome:
        """Of a file without rows."""
        part = self.function(number)
        while True:
            try:
                next(part)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome


@contextmanager
def _unread_file_as_input_error() -> Iterator[None]:
    """Raise an InputError where Spark cannot read a file."""
    from py4j.protocol import Py4JJavaError
    from pyspark.errors import PySparkException

    try:
        yield
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


def _open_file(
    batches: Iterable[pa.RecordBatch], shards: Mapping[str, Shard], function: ShardFunction
) -> Iterator[tuple[int, Part]]:
    """In a worker: the part whose rows are those of one file, as Spark reads them."""
    batches = iter(batches)
    first = next((batch for batch in batches if batch.num_rows), None)
    if first is not None:
        shard = shards[_comparable(first["file_path"][0].as_py())]
        yield shard.number, _convert(shard, _records(chain([first], batches), shard), function)


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
