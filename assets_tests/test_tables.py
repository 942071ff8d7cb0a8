"""Schemas whose columns describe themselves, and what of them is stored."""

from __future__ import annotations

import pyarrow as pa
import pytest

from factroots_dagster.tables import column, description_of, storage_schema

SCHEMA = pa.schema(
    [
        column("id", pa.int64(), "Number of the row", nullable=False),
        column("pairs", pa.list_(pa.struct([column("key", pa.int64(), "Number of the pair")])), "Its pairs"),
    ]
)


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
