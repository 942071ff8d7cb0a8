"""A table in parts for tests of Spark, and a driver of a part's function without it."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from factroots_dagster.spark.parts import Outcome, PartFunction, Parts

ROWS = pa.schema(
    [
        *(("page_id", pa.int64()), ("word", pa.string()), ("lines", pa.list_(pa.int32()))),
        ("cells", pa.list_(pa.struct([("text", pa.string()), ("at", pa.int32())]))),
    ]
)


def rows_of_part(number: int, rows: int) -> pa.Table:
    """The rows of a part: as many as its number, and these."""
    ids = [number * 1000 + row for row in range(rows + number)]
    columns: list[Any] = [ids, [f"w{page % 3}" if page % 5 else None for page in ids]]
    columns += [[[page, 1] if page % 2 else [] for page in ids]]
    columns += [[[{"text": "x", "at": page}] if page % 4 == 0 else [] for page in ids]]
    return pa.table(columns, schema=ROWS)


def compute(number: int, rows: int, empty: int | None) -> Generator[pa.Table, None, Outcome]:
    """A part in two tables, words as a dictionary; the part numbered `empty` has no rows."""
    table = rows_of_part(number, rows).slice(0, 0 if number == empty else None)
    table = table.set_column(1, "word", table["word"].combine_chunks().dictionary_encode())
    yield table.slice(0, 2)
    yield table.slice(2)
    return {"pages": table.num_rows, "number": number}


def parts_of(count: int, rows: int = 3, empty: int | None = None, size: int = 10) -> Parts:
    """A table in so many parts with inputs of `size` bytes."""
    return Parts("xx: rows", [size] * count, partial(compute, rows=rows, empty=empty), ROWS)


def logged(number: int, function: PartFunction, folder: Path) -> Generator[pa.Table, None, Outcome]:
    """As `function`; leaves a file in `folder` for each time that a part is computed."""
    (folder / f"{number}-{time.monotonic_ns()}").touch()
    outcome = yield from function(number)
    return outcome


def failing(
    number: int, function: PartFunction, wrong: int, error: Callable[[], object]
) -> Generator[pa.Table, None, Outcome]:
    """As `function`; in part `wrong` calls `error` after the rows have been given."""
    outcome = yield from function(number)
    if number == wrong:
        error()
    return outcome


def run_part(part: Generator[pa.Table, None, Outcome]) -> tuple[list[pa.Table], Outcome]:
    """The tables of a part and its outcome, computed here."""
    tables = []
    while True:
        try:
            tables.append(next(part))
        except StopIteration as end:
            return tables, end.value
