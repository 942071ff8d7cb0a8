"""The best passages of a file as a table, which is what tasks give, and those of several files."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.tracing.passages import PASSAGE_COLUMNS, Columns, select_best, take_rows

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

BEST_PASSAGES = pa.schema([(name, pa.int64()) for name in (*PASSAGE_COLUMNS, "windows", "part")])
"""Passages as Spark merges them: how many windows each stands for (see `select_best`), and the file that it
is in."""


def tabulate_windows(passages: Columns, windows: NDArray[np.int64], part: int) -> pa.Table:
    """What `select_best` returns of one part, as BEST_PASSAGES."""
    parts = np.full(len(windows), part, dtype=np.int64)
    return pa.table({**passages, "windows": windows, "part": parts}, schema=BEST_PASSAGES)


def merge_windows(tables: Sequence[pa.Table]) -> pa.Table:
    """The best of BEST_PASSAGES of several parts, in any order; of equal ones that of the first part."""
    table = pa.concat_tables([BEST_PASSAGES.empty_table(), *tables])
    rows = {name: table[name].to_numpy() for name in table.column_names}
    rows = take_rows(rows, np.argsort(rows["part"], kind="stable"))
    best, windows = select_best(rows, rows.pop("windows"))
    return pa.table({**best, "windows": windows}, schema=BEST_PASSAGES)


def merge_by_fact(frame: DataFrame) -> DataFrame:
    """The best of the passages of several parts (BEST_PASSAGES): Spark brings those of a fact together."""
    return frame.repartition("fact").mapInArrow(_merge_batches, frame.schema)


def _merge_batches(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    yield from merge_windows(
        [pa.Table.from_batches([batch], BEST_PASSAGES) for batch in batches]
    ).to_batches()
