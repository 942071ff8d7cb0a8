"""The data dictionary and the table and graph of docs/assets.md are what the catalog says now."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from assets_tests.project import PROJECT
from factroots_dagster.orchestration.catalog import CATALOG, ROWS, ancestors
from factroots_dagster.orchestration.dictionary import (
    asset_graph,
    asset_table,
    columns_of,
    data_dictionary,
)
from factroots_dagster.tables import DESCRIPTION

WRITE_AGAIN = "run: python -m factroots_dagster.orchestration.dictionary"
TABLES = {
    f"{row.name}{f' ({side})' if side else ''}": schema
    for row in ROWS
    for side, schema in {"": row.schema, **row.side_tables}.items()
    if schema is not None
}


@pytest.mark.parametrize("table", TABLES)
def test_every_column_of_every_table_is_described(table: str) -> None:
    described = [
        (path, (field.metadata or {}).get(DESCRIPTION, b"")) for path, field in columns_of(TABLES[table])
    ]
    assert [path for path, description in described if not description.strip()] == []


def test_columns_inside_lists_of_structs_are_listed() -> None:
    inner = pa.struct([("key", pa.int64()), ("names", pa.list_(pa.string()))])
    schema = pa.schema([("id", pa.string()), ("spaces", pa.list_(inner))])
    assert [path for path, _ in columns_of(schema)] == ["id", "spaces", "spaces[].key", "spaces[].names"]


def test_the_data_dictionary_is_up_to_date() -> None:
    stored = (PROJECT / "docs" / "tables.md").read_text(encoding="utf-8")
    assert stored == data_dictionary() + "\n", f"{WRITE_AGAIN} > docs/tables.md"


@pytest.mark.parametrize(("marker", "generate"), [("table", asset_table), ("graph", asset_graph)])
def test_the_page_of_the_assets_shows_the_catalog(marker: str, generate) -> None:  # type: ignore[no-untyped-def]
    page = (PROJECT / "docs" / "assets.md").read_text(encoding="utf-8")
    between = re.search(rf"^<!-- catalog {marker} -->\n(.*?)^<!-- end -->$", page, re.MULTILINE | re.DOTALL)
    assert between is not None, f"docs/assets.md has no <!-- catalog {marker} --> ... <!-- end -->"
    assert between[1].strip() == generate(), f"{WRITE_AGAIN} {marker}"


def test_every_path_of_the_graph_is_drawn_and_no_arrow_is_superfluous() -> None:
    arrows = {
        (parent, child)
        for parents, child in re.findall(r"^  (.+) --> (\w+)$", asset_graph(), re.MULTILINE)
        for parent in parents.split(" & ")
    }
    for row in ROWS:
        drawn = {parent for parent, child in arrows if child == row.name}
        assert drawn | {name for parent in drawn for name in ancestors(parent)} == ancestors(row.name)
        assert all(parent not in ancestors(other) for parent in drawn for other in drawn)
    assert {name for arrow in arrows for name in arrow} == set(CATALOG)


def test_the_table_of_the_assets_names_every_asset_once() -> None:
    assert sorted(re.findall(r"\[`(\w+)`\]\(tables\.md#\1\)", asset_table())) == sorted(CATALOG)
