"""What the UI shows of a materialization: labels are data, pictures are small."""

from __future__ import annotations

import pyarrow as pa
import pytest

from factroots_dagster.orchestration.assets.base import picture_markdown, preview_markdown, table_schema


def test_labels_are_escaped_in_a_preview() -> None:
    hostile = '<script>alert("x")</script> | [link](javascript:1) `code` **bold**\nnext'
    lines = preview_markdown(pa.table({"label": [hostile]})).splitlines()
    assert len(lines) == 3  # a newline in a label does not end the row
    assert "<script>" not in lines[2] and "&lt;script&gt;" in lines[2]
    assert "\\|" in lines[2] and "\\[link\\]" in lines[2] and "\\*\\*bold" in lines[2]


def test_long_cells_are_cut() -> None:
    assert len(preview_markdown(pa.table({"label": ["x" * 1000]})).splitlines()[2]) < 100


def test_a_picture_that_is_too_large_for_the_event_log_is_refused() -> None:
    assert picture_markdown(b"png").startswith("![figure](data:image/png;base64,")
    with pytest.raises(ValueError, match="too large"):
        picture_markdown(b"x" * 300_000)


def test_a_schema_keeps_types_and_nullability() -> None:
    schema = table_schema(pa.schema([pa.field("n", pa.int64(), nullable=False), pa.field("s", pa.string())]))
    assert [(column.name, column.type) for column in schema.columns] == [("n", "int64"), ("s", "string")]
    assert [column.constraints.nullable for column in schema.columns] == [False, True]
