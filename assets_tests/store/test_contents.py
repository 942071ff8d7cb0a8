"""Digests of tables: the same for the same rows however they are written, another for any other rows."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.store.contents import ColumnDigest, digest_table

CELL = pa.struct([pa.field("kind", pa.string()), pa.field("at", pa.int32())])
SCHEMA = pa.schema(
    [
        *(("n", pa.int64()), ("x", pa.float64()), ("b", pa.bool_()), ("s", pa.string())),
        *(("data", pa.binary()), ("ints", pa.list_(pa.int32())), ("cells", pa.list_(CELL)), ("cell", CELL)),
    ]
)
cells = st.fixed_dictionaries({"kind": st.none() | st.text(max_size=2), "at": st.none() | st.integers(-9, 9)})
rows = st.fixed_dictionaries(
    {
        "n": st.none() | st.integers(-(2**63), 2**63 - 1),
        "x": st.none() | st.floats(allow_nan=False).map(lambda value: value + 0.0),  # 0.0 and -0.0 are equal
        "b": st.none() | st.booleans(),
        "s": st.none() | st.text(st.characters(codec="utf-8"), max_size=3),
        "data": st.none() | st.binary(max_size=3),
        "ints": st.none() | st.lists(st.none() | st.integers(-9, 9), max_size=3),
        "cells": st.none() | st.lists(st.none() | cells, max_size=2),
        "cell": st.none() | cells,
    }
)
tables = st.lists(rows, max_size=6).map(lambda values: pa.Table.from_pylist(values, SCHEMA))


def digest(table: pa.Table, cut: int = 0, **options: Any) -> str:
    """Of a table that is written to two files, or to one if the first would be empty."""
    with TemporaryDirectory() as folder:
        paths = []
        for number, part in enumerate([table[:cut], table[cut:]] if cut else [table]):
            paths.append(Path(folder, f"{number}.parquet"))
            pq.write_table(part, paths[-1], **options)
        return digest_table(paths)


@given(tables, st.integers(1, 6), st.integers(1, 3))
def test_files_row_groups_and_encodings_do_not_count(table: pa.Table, cut: int, group: int) -> None:
    expected = digest(table)
    assert digest(table, cut, row_group_size=group) == expected
    assert digest(table, use_dictionary=False, compression="zstd", version="1.0") == expected
    assert digest(table, store_schema=False, data_page_version="2.0") == expected
    encoded = table.set_column(3, "s", table["s"].combine_chunks().dictionary_encode())
    assert digest(encoded) == expected


@given(tables, tables)
def test_other_rows_have_another_digest(table: pa.Table, other: pa.Table) -> None:
    assert (digest(table) == digest(other)) == table.equals(other)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (["ab", "c"], ["a", "bc"]),
        ([None, "a"], ["", "a"]),
        ([[1], [2, 3]], [[1, 2], [3]]),
        ([[], None], [None, []]),
        ([[None], []], [[], [None]]),
        ([0, None], [None, 0]),
        ([0, 0], [0, 0, 0]),
        ([0.0], [-0.0]),
        ([1], [1.0]),
    ],
)
def test_what_is_nearly_the_same_differs(left: list[Any], right: list[Any]) -> None:
    first, second = (pa.table({"x": pa.array(values)}) for values in (left, right))
    assert digest(first) != digest(second)


def test_names_types_and_metadata_count_but_not_descriptions() -> None:
    table = pa.table({"x": pa.array([1, 2], pa.int64())})
    described = pa.schema([pa.field("x", pa.int64(), metadata={"description": "a number"})])
    assert digest(table.cast(described)) == digest(table)
    assert digest(table.rename_columns(["y"])) != digest(table)
    assert digest(table.cast(pa.schema([("x", pa.int32())]))) != digest(table)
    assert digest(table.replace_schema_metadata({"source": "a"})) != digest(table)
    assert digest(table.cast(pa.schema([pa.field("x", pa.int64(), nullable=False)]))) == digest(table)


def test_what_is_stored_under_a_null_does_not_count() -> None:
    """Nor how a column is cut, and where its pieces begin."""
    stored = pa.Array.from_buffers(pa.int32(), 2, [pa.py_buffer(b"\1"), pa.py_buffer(b"\1\0\0\0\7\0\0\0")])
    array = pa.array([1, None], pa.int32())
    assert stored.equals(array)
    for values, others in (
        ([stored], [array]),
        ([pa.StructArray.from_arrays([stored], ["a"])], [pa.StructArray.from_arrays([array], ["a"])]),
        ([pa.array(["ab", None, "c"])[1:]], [pa.array([None], pa.string()), pa.array(["c"])]),
        ([pa.array([[1], [2, 3]])[1:]], [pa.array([[2, 3]])]),
    ):
        summaries = []
        for pieces in (values, others):
            column = ColumnDigest(pieces[0].type)
            for piece in pieces:
                column.update(piece)
            summaries.append(column.summary())
        assert summaries[0] == summaries[1]
