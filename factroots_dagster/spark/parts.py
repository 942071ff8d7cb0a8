"""Tables that Spark computes part by part: a task yields the rows of its parts and writes nothing itself.

The rows are a DataFrame, which is brought to the driver as Arrow, or written by Spark's own committer
(`written`). What a task counts, or finds beside its rows, comes back with its result, so that driver and
workers need to share neither a disk nor a folder; the inputs must be readable where the tasks run, or be in
an object store (`disks`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

MIN_TASKS, BYTES_PER_TASK = 8, 4 * 2**20
"""Parts share a task up to so many bytes of input, but there are no fewer tasks than this."""

Outcome = dict[str, Any]
"""What a part's function returns (JSON): whatever it counts; `pages` are shown in lines of progress."""

Outcomes = dict[int, Outcome]
"""By the number of the part."""

Part = Generator[pa.Table, None, Outcome]
"""The rows of one part and its outcome."""

PartFunction = Callable[[int], Part]
"""Computes one part, given its number."""

OpenParts = Callable[[Iterable[pa.RecordBatch]], Iterator[tuple[int, Part]]]
"""In a worker: the parts, by number, that the batches of a partition stand for."""


def keep_outcome(number: int, outcome: Outcome) -> Outcome:
    """All of it."""
    return outcome


@dataclass(frozen=True)
class Parts:
    """A table in parts, each of which is computed by itself.

    what: how lines of progress begin. sizes: of each part, the bytes of its input. schema: of the rows, which
    the function may yield with dictionaries. receive: what the driver keeps of a part's outcome, given its
    number, in whatever order parts are finished; what else the outcome held, which need not be JSON, is
    forgotten then, so that the driver never holds it of all parts (one can send 2 GB). None stands for a part
    that is not kept, rows included. files: of each part, the files on the driver's disk that its function
    reads, by these paths wherever it runs; none without any.
    """

    what: str
    sizes: Sequence[int]
    function: PartFunction
    schema: pa.Schema
    receive: Callable[[int, Outcome], Outcome | None] = keep_outcome
    files: Sequence[Sequence[Path]] = ()

    def open(
        self, spark: SparkSession, groups: Sequence[Sequence[int]]
    ) -> Sequence[tuple[DataFrame, OpenParts]]:
        """What tasks are given, a partition for each group of parts, and how they compute the parts of it."""
        numbers = spark.range(0, len(groups), 1, len(groups))
        lists = [list(group) for group in groups]
        return [(numbers, partial(open_groups, groups=lists, function=self.function))]

    def outcome_without_input(self, number: int) -> Outcome:
        """Of a part of which no task was given anything; there is none unless `open` lets Spark read."""
        raise RuntimeError(f"{self.what}: no task has told of part {number}")


def share_tasks(numbers: Sequence[int], total: int) -> list[list[int]]:
    """The numbers of parts with so many bytes of input in all, in consecutive groups that share a task.

    A Spark task costs some 20 ms. The larger groups come first: a core that got one of them last would keep
    the others waiting.
    """
    count = min(len(numbers), max(MIN_TASKS, total // BYTES_PER_TASK))
    return [group.tolist() for group in np.array_split(numbers, count)]


def open_groups(
    batches: Iterable[pa.RecordBatch], groups: Sequence[Sequence[int]], function: PartFunction
) -> Iterator[tuple[int, Part]]:
    """In a worker: the parts of the groups whose numbers are in the batches' column `id`."""
    for batch in batches:
        for number in chain.from_iterable(groups[group] for group in batch["id"].to_pylist()):
            yield number, function(number)


PACKED = pa.schema([("part", pa.int64()), ("rows", pa.binary())])


def pack(table: pa.Table, part: int) -> pa.RecordBatch:
    """A table of a part, given its number, as one row of PACKED: an Arrow stream."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=pa.ipc.IpcWriteOptions(compression="lz4")) as stream:
        stream.write_table(table)
    return pa.record_batch([[part], [sink.getvalue().to_pybytes()]], schema=PACKED)


def unpack(rows: pa.Buffer | bytes) -> pa.Table:
    """The table that `pack` made a row of, given its column `rows`."""
    return pa.ipc.open_stream(rows).read_all()
