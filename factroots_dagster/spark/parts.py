"""Tables that Spark computes part by part: a task yields the rows of its parts and writes nothing itself.

The rows are a DataFrame, which is brought to the driver as Arrow, or written by Spark's own committer
(`written`). What a task counts comes back with its result, so that driver and workers need to share neither a
disk nor a folder; the inputs must be readable where the tasks run.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numpy as np
import pyarrow as pa

from factroots_dagster.spark.progress import PROGRESS_SECONDS, format_progress, run_with_progress
from factroots_dagster.tables import storage_schema

if TYPE_CHECKING:
    from pyspark.accumulators import Accumulator
    from pyspark.sql import DataFrame, SparkSession

MIN_TASKS, BYTES_PER_TASK = 8, 4 * 2**20
"""Parts share a task up to so many bytes of input, but there are no fewer tasks than this."""

JOB_BYTES, PARTS_PER_CORE = 256 * 2**20, 4
"""Bytes of input of a job and its parts for each core, at least: the last parts of a job leave cores idle."""

Outcome = dict[str, Any]
"""What a part's function returns (JSON): whatever it counts; `pages` are shown in lines of progress."""

Outcomes = dict[int, Outcome]
"""By the number of the part."""

PartFunction = Callable[[int], Generator[pa.Table, None, Outcome]]
"""Yields the rows of one part, given its number; returns its outcome."""

Result = TypeVar("Result")


class Joined:
    """How an accumulator joins outcomes by number; as `pyspark.accumulators.AccumulatorParam`."""

    def zero(self, value: Outcomes) -> Outcomes:
        """What each task begins with."""
        return {}

    def addInPlace(self, outcomes: Outcomes, others: Outcomes) -> Outcomes:
        """Both; two attempts at a part have the same outcome."""
        outcomes.update(others)
        return outcomes


@dataclass(frozen=True)
class Parts:
    """A table in parts, each of which is computed by itself.

    what: how lines of progress begin. sizes: of each part, the bytes of its input. schema: of the rows, which
    the function may yield with dictionaries.
    """

    what: str
    sizes: Sequence[int]
    function: PartFunction
    schema: pa.Schema


class Job:
    """One Spark job over some parts of a table, in groups of consecutive parts that share a task.

    frame: the DataFrame of their rows, a partition per group, in the order of the parts. With `is_packed` it
    has a column of Arrow streams instead (see `unpack`), which Java passes on without looking at values.
    earlier: bytes of parts that were finished before.
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
        self._outcomes: Accumulator[Outcomes] = spark.sparkContext.accumulator({}, cast("Any", Joined()))
        schema = storage_schema(parts.schema)
        compute = partial(
            compute_groups,
            groups=[list(group) for group in groups],
            function=parts.function,
            schema=schema,
            outcomes=self._outcomes,
            is_packed=is_packed,
        )
        numbers = spark.range(0, len(groups), 1, len(groups))
        self.frame: DataFrame = numbers.mapInArrow(
            compute, from_arrow_schema(PACKED if is_packed else schema)
        )

    @property
    def outcomes(self) -> Outcomes:
        """The outcome of every part that is finished, by its number."""
        return dict(self._outcomes.value)

    def run(
        self,
        action: Callable[[DataFrame], Result],
        progress: Callable[[str], None] | None = None,
        seconds: float = PROGRESS_SECONDS,
    ) -> Result:
        """What `action`, which computes the frame once, returns; with a line of progress now and then."""
        started = time.monotonic()

        def report() -> None:
            if progress:
                finished, sizes = self.outcomes, self._parts.sizes
                pages = sum(outcome.get("pages", 0) for outcome in finished.values())
                done = self._earlier + sum(sizes[number] for number in finished)
                taken = time.monotonic() - started
                progress(format_progress(self._parts.what, pages, done, sum(sizes), taken, self._earlier))

        return run_with_progress(lambda: action(self.frame), report, seconds)


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
    enough = True
    for number in numbers:
        if enough:
            runs.append([])
        runs[-1].append(number)
        enough = len(runs[-1]) >= least and sum(sizes[each] for each in runs[-1]) >= least_bytes
    if not enough and len(runs) > 1:
        rest = runs.pop()
        runs[-1] += rest
    return runs


def share_tasks(numbers: Sequence[int], total: int) -> list[list[int]]:
    """The numbers of parts with so many bytes of input in all, in consecutive groups that share a task.

    A Spark task costs some 20 ms. The larger groups come first: a core that got one of them last would keep
    the others waiting.
    """
    count = min(len(numbers), max(MIN_TASKS, total // BYTES_PER_TASK))
    return [group.tolist() for group in np.array_split(numbers, count)]


def part_numbers(batches: Iterable[pa.RecordBatch], groups: Sequence[Sequence[int]]) -> Iterator[int]:
    """In a worker: the numbers of the parts in the groups whose numbers are in the batches' column `id`."""
    if not gc.get_freeze_count():
        gc.freeze()  # after every task Spark collects garbage among all that was ever imported: 6 ms
    for batch in batches:
        yield from chain.from_iterable(groups[group] for group in batch["id"].to_pylist())


def compute_groups(
    batches: Iterable[pa.RecordBatch],
    groups: Sequence[Sequence[int]],
    function: PartFunction,
    schema: pa.Schema,
    outcomes: Accumulator[Outcomes],
    is_packed: bool,
) -> Iterator[pa.RecordBatch]:
    """In a worker: the rows of the parts of some groups (see `part_numbers`)."""
    for number in part_numbers(batches, groups):
        outcome = yield from _batches(function(number), schema, is_packed)
        outcomes.add({number: outcome})


def _batches(
    part: Generator[pa.Table, None, Outcome], schema: pa.Schema, is_packed: bool
) -> Generator[pa.RecordBatch, None, Outcome]:
    while True:
        try:
            table = next(part)
        except StopIteration as end:
            outcome: Outcome = end.value
            return outcome
        table = table.select(schema.names).cast(schema)
        yield from [pack(table)] if is_packed else table.to_batches()


PACKED = pa.schema([("rows", pa.binary())])


def pack(table: pa.Table) -> pa.RecordBatch:
    """A table as one row of PACKED: an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(table)
    return pa.record_batch([[sink.getvalue().to_pybytes()]], schema=PACKED)


def unpack(rows: pa.BinaryScalar) -> pa.Table:
    """The table that `pack` made a row of."""
    return pa.ipc.open_stream(rows.as_buffer()).read_all()
