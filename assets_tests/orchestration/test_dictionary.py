"""The data dictionary and the README's table and graph are what the catalog says now."""

from __future__ import annotations

import re

import pyarrow as pa
import pytest

from assets_tests.project import PROJECT
from factroots_dagster.orchestration.catalog import CATALOG, ROWS, ancestors
from factroots_dagster.orchestration.dictionary import (
    columns_of,
    data_dictionary,
    readme_graph,
    readme_table,
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


@pytest.mark.parametrize(("marker", "generate"), [("table", readme_table), ("graph", readme_graph)])
def test_the_readme_shows_the_catalog(marker: str, generate) -> None:  # type: ignore[no-untyped-def]
    readme = (PROJECT / "README.md").read_text(encoding="utf-8")
    between = re.search(rf"^<!-- catalog {marker} -->\n(.*?)^<!-- end -->$", readme, re.MULTILINE | re.DOTALL)
    assert between is not None, f"README.md has no <!-- catalog {marker} --> ... <!-- end -->"
    assert between[1].strip() == generate(), f"{WRITE_AGAIN} {marker}"


def test_every_path_of_the_graph_is_drawn_and_no_arrow_is_superfluous() -> None:
    arrows = {
        (parent, child)
        for parents, child in re.findall(r"^  (.+) --> (\w+)$", readme_graph(), re.MULTILINE)
        for parent in parents.split(" & ")
    }
    for row in ROWS:
        drawn = {parent for parent, child in arrows if child == row.name}
        assert drawn | {name for parent in drawn for name in ancestors(parent)} == ancestors(row.name)
        assert all(parent not in ancestors(other) for parent in drawn for other in drawn)
    assert {name for arrow in arrows for name in arrow} == set(CATALOG)


def test_the_table_of_the_readme_names_every_asset_once() -> None:
    assert sorted(re.findall(r"\[`(\w+)`\]\(docs/tables\.md#\1\)", readme_table())) == sorted(CATALOG)
