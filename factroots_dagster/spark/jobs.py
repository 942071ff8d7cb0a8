"""Spark's jobs over parts of a table: their rows as a DataFrame, and what their tasks send beside it."""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial, reduce
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar, cast

import pyarrow as pa

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.spark.disks import Needed, needed_files
from factroots_dagster.spark.parts import PACKED, OpenParts, Outcome, Outcomes, Part, Parts, pack
from factroots_dagster.spark.progress import PROGRESS_SECONDS, format_progress, run_with_progress
from factroots_dagster.store.remote import fetch_cached
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    from pyspark.accumulators import Accumulator
    from pyspark.sql import DataFrame, SparkSession

JOB_BYTES, PARTS_PER_CORE = 256 * 2**20, 4
"""Bytes of input of a job and its parts for each core, at least: the last parts of a job leave cores idle."""


class FinishedPart(NamedTuple):
    """What a task sends of a part: the partition that it was computed in, its number of rows, its outcome."""

    partition: int
    rows: int
    outcome: Outcome


Finished = dict[int, FinishedPart]
"""By the number of the part."""

NO_PARTITION = -1

_INPUT_ERROR = re.compile(r"errors\.(InputError|UnavailableError): (.+)\. To fix it, (.+)")
"""In the text of Spark's error, the one that a task has raised."""

Result = TypeVar("Result")


class Joined:
    """How an accumulator joins what tasks send; as `pyspark.accumulators.AccumulatorParam`."""

    def zero(self, value: Finished) -> Finished:
        """What each task begins with."""
        return {}

    def addInPlace(self, finished: Finished, others: Finished) -> Finished:
        """Both; two attempts at a part have the same outcome."""
        finished.update(others)
        return finished


class Job:
    """One Spark job over some parts of a table, in groups of consecutive parts that share a task.

    frame: the DataFrame of their rows, a partition per group, in the order of the parts. With `is_packed` it
    has a column of Arrow streams instead (see `unpack`), which Java passes on without looking at values.
    earlier: bytes of parts that were finished before. rows: of the parts that are finished, kept or not.
    """

    def __init__(
        self,
        spark: SparkSession,
        parts: Parts,
        groups: Sequence[Sequence[int]],
        *,
        is_packed: bool = False,
        earlier: int = 0,
    ) -> None:
        from pyspark.sql.pandas.types import from_arrow_schema

        self._parts, self._earlier = parts, earlier
        # An accumulator's updates come with a task's result, whatever becomes of other attempts at it.
        self._arrived: Accumulator[Finished] = spark.sparkContext.accumulator({}, cast("Any", Joined()))
        self._unheard = {number for group in groups for number in group}
        self._outcomes, self._part_of, self.rows = Outcomes(), dict[int, int](), 0
        schema = storage_schema(parts.schema)
        columns = from_arrow_schema(PACKED if is_packed else schema)
        needed = needed_files(spark, parts.files, sorted(self._unheard))
        options = {"schema": schema, "finished": self._arrived, "is_packed": is_packed, "needed": needed}
        frames = (
            given.mapInArrow(partial(compute_parts, open_parts=open_parts, **options), columns)
            for given, open_parts in parts.open(spark, groups)
        )
        self.frame: DataFrame = reduce(lambda frame, other: frame.union(other), frames)

    @property
    def outcomes(self) -> Outcomes:
        """The outcome of every part that is finished and kept, by its number."""
        self._receive_all()
        return dict(self._outcomes)

    @property
    def part_of(self) -> dict[int, int]:
        """By partition the number of its part (of a group, the last one) that is finished and kept."""
        self._receive_all()
        return dict(self._part_of)

    def _receive_all(self) -> None:
        arrived = self._arrived.value
        while arrived:
            self._receive(*arrived.popitem())

    def _receive(self, number: int, part: FinishedPart) -> None:
        if number not in self._unheard:
            return  # another attempt at it, after what came of the first was lost before a shuffle
        self._unheard.remove(number)
        self.rows += part.rows
        if (kept := self._parts.receive(number, part.outcome)) is not None:
            self._outcomes[number], self._part_of[part.partition] = kept, number

    def run(
        self,
        action: Callable[[DataFrame], Result],
        progress: Callable[[str], None] | None = None,
        seconds: float = PROGRESS_SECONDS,
    ) -> Result:
        """What `action`, which computes the frame once, returns; with a line of progress now and then.

        Raises the InputError that a task has raised.
        """
        started = time.monotonic()

        def report() -> None:
            finished, sizes = self.outcomes, self._parts.sizes
            if progress:
                pages = sum(outcome.get("pages", 0) for outcome in finished.values())
                done = self._earlier + sum(sizes[number] for number in finished)
                taken = time.monotonic() - started
                progress(format_progress(self._parts.what, pages, done, sum(sizes), taken, self._earlier))

        try:
            result = run_with_progress(lambda: action(self.frame), report, seconds)
        except Exception as error:
            if (raised := _INPUT_ERROR.search(str(error))) is None:
                raise
            kind = UnavailableError if raised[1] == UnavailableError.__name__ else InputError
            raise kind(raised[2], raised[3]) from error
        self._receive_all()
        for number in sorted(self._unheard):
            self._receive(number, FinishedPart(NO_PARTITION, 0, self._parts.outcome_without_input(number)))
        return result


def divide_into_jobs(
    spark: SparkSession, numbers: Sequence[int], sizes: Sequence[int], job_bytes: int | None = None
) -> list[list[int]]:
    """The numbers of parts in consecutive jobs, each of which a killed run has finished or not.

    job_bytes: the least bytes of input of a job; by default JOB_BYTES and PARTS_PER_CORE parts for each core.
    """
    cores = spark.sparkContext.defaultParallelism
    least = (job_bytes, 1) if job_bytes else (JOB_BYTES, PARTS_PER_CORE * cores)
    return divide(numbers, sizes, *least)


def divide(numbers: Sequence[int], sizes: Sequence[int], least_bytes: int, least: int) -> list[list[int]]:
    """The numbers in consecutive runs with so many bytes and numbers at least, or all of them in one."""
    runs: list[list[int]] = []
    enough, total = True, 0
    for number in numbers:
        if enough:
            runs.append([])
            total = 0
        runs[-1].append(number)
        total += sizes[number]
        enough = len(runs[-1]) >= least and total >= least_bytes
    if not enough and len(runs) > 1:
        rest = runs.pop()
        runs[-1] += rest
    return runs


def compute_parts(
    batches: Iterable[pa.RecordBatch],
    open_parts: OpenParts,
    schema: pa.Schema,
    finished: Accumulator[Finished],
    is_packed: bool,
    needed: Needed,
) -> Iterator[pa.RecordBatch]:
    """In a worker: the rows of the parts that the batches of a partition stand for. needed: see `disks`."""
    from pyspark import TaskContext

    if not gc.get_freeze_count():
        gc.freeze()  # after every task Spark collects garbage among all that was ever imported: 6 ms
    task = TaskContext.get()
    assert task is not None
    for number, part in open_parts(batches):
        for path, sha256 in needed.get(number, {}).items():
            fetch_cached(path, sha256)
        rows, outcome = yield from _batches(part, schema, number if is_packed else None)
        finished.add({number: FinishedPart(task.partitionId(), rows, outcome)})


def _batches(
    part: Part, schema: pa.Schema, packed_number: int | None
) -> Generator[pa.RecordBatch, None, tuple[int, Outcome]]:
    rows = 0
    while True:
        try:
            table = next(part)
        except StopIteration as end:
            return rows, end.value
        rows += table.num_rows
        table = table.select(schema.names).cast(schema)
        yield from table.to_batches() if packed_number is None else [pack(table, packed_number)]
