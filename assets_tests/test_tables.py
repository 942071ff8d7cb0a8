"""Schemas whose columns describe themselves, and what of them is stored."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.formulas import FORMULAS
from factroots_dagster.tables import (
    column,
    description_of,
    escape_formulas,
    is_among,
    number_values,
    storage_schema,
    string_array,
    unique_with_first_row,
)

SCHEMA = pa.schema(
    [
        column("id", pa.int64(), "Number of the row", nullable=False),
        column("pairs", pa.list_(pa.struct([column("key", pa.int64(), "Number of the pair")])), "Its pairs"),
    ]
)


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_an_array_of_strings_is_that_of_arrow(values: list[str]) -> None:
    array = string_array(values)
    array.validate(full=True)
    assert array.equals(pa.array(values, pa.string()))


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_texts_that_would_be_formulas_are_escaped_and_nothing_else_is(type_: pa.DataType) -> None:
    texts, written = zip(*FORMULAS, (None, None), strict=True)
    numbers = pa.array([-1.5] * len(texts))
    table = pa.table({"text": pa.array(texts, pa.string()).cast(type_), "number": numbers})
    escaped = escape_formulas(table)
    assert escaped["text"].to_pylist() == list(written)
    assert escaped["number"].equals(table["number"])
    assert escape_formulas(table.slice(0, 0)).num_rows == 0


def test_a_column_has_its_description_and_an_undescribed_one_has_none() -> None:
    assert description_of(SCHEMA.field("pairs")) == "Its pairs"
    with pytest.raises(KeyError):
        description_of(pa.field("id", pa.int64()))


def test_the_stored_schema_has_the_same_types_and_no_descriptions_at_any_depth() -> None:
    stored = storage_schema(SCHEMA)
    assert stored == SCHEMA and not stored.field("id").nullable
    undescribed = pa.schema(
        [
            pa.field("id", pa.int64(), nullable=False),
            pa.field("pairs", pa.list_(pa.struct([pa.field("key", pa.int64())]))),
        ]
    )
    assert stored.equals(undescribed, check_metadata=True)
    assert not SCHEMA.equals(undescribed, check_metadata=True)


@pytest.mark.parametrize("largest", [1, 50, 2**40, 2**62])
def test_unique_keys_and_first_rows_are_those_of_numpy(largest: int) -> None:
    """Even where a key and its row do not fit into one number."""
    chance = np.random.default_rng([2, 3])
    for count in (0, 1, 2, 1000):
        keys = chance.integers(0, 20, count) * (largest // 20) + chance.integers(0, 2, count)
        for values, expected in zip(
            unique_with_first_row(keys), np.unique(keys, return_index=True), strict=True
        ):
            assert values.dtype == np.int64 and np.array_equal(values, expected)


@given(st.lists(st.text(max_size=3)) | st.lists(st.integers(-(2**63), 2**63 - 1)), st.integers(0, 9))
def test_values_are_numbered_as_by_numpy(values: list[str] | list[int], cut: int) -> None:
    """Whether a column has one chunk or more."""
    type_ = pa.string() if any(isinstance(value, str) for value in values) else pa.int64()
    column = pa.array(values, type_)
    distinct, numbers = number_values(column)
    assert distinct.to_pylist() == sorted(set(values))
    assert distinct.take(pa.array(numbers)).to_pylist() == values
    chunked = pa.chunked_array([column[:cut], column[cut:]])
    assert np.array_equal(number_values(chunked)[1], numbers) and number_values(chunked)[0].equals(distinct)


@given(st.lists(st.integers(-9, 9)), st.lists(st.integers(-9, 9)))
def test_membership_is_that_of_numpy(values: list[int], others: list[int]) -> None:
    value, other = np.array(values, dtype=np.int64), np.sort(np.array(others, dtype=np.int64))
    assert np.array_equal(is_among(value, other), np.isin(value, other))
