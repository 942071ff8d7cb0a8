"""Rows by their values, read without what lies in other row groups, against a filter of the whole table."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.errors import InputError
from factroots_dagster.store.parquet import GROUP_ROWS, find_rows, write_table

VALUES = ["", "P17", "P36", "ab", "b", "É", "𝕏", "名", None]


def test_a_written_table_has_small_row_groups(tmp_path: Path) -> None:
    write_table(pa.table({"n": range(2 * GROUP_ROWS + 1)}), tmp_path / "data.parquet")
    file = pq.ParquetFile(tmp_path / "data.parquet")
    assert [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)] == [
        GROUP_ROWS, GROUP_ROWS, 1,
    ]  # fmt: skip


@given(
    st.lists(st.tuples(st.sampled_from(VALUES), st.sampled_from(VALUES)), max_size=12),
    st.sets(st.sampled_from(VALUES[:-1]), max_size=3),
    st.sets(st.sampled_from(VALUES[:-1]), max_size=3),
    st.integers(1, 4),
    st.booleans(),
)
def test_rows_are_those_of_a_filter(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[tuple[str | None, str | None]],
    relations: set[str],
    uuids: set[str],
    size: int,
    statistics: bool,
) -> None:
    folder = tmp_path_factory.mktemp("files")
    table = pa.Table.from_pylist(
        [{"relation": relation, "uuid": uuid, "n": n} for n, (relation, uuid) in enumerate(rows)],
        pa.schema({"relation": pa.string(), "uuid": pa.string(), "n": pa.int64()}),
    )
    for number, half in enumerate((table.slice(0, len(rows) // 2), table.slice(len(rows) // 2))):
        path = folder / f"part-{number}.parquet"
        pq.write_table(half, path, row_group_size=size, write_statistics=statistics)
    found = find_rows(sorted(folder.iterdir()), {"uuid": uuids, "relation": relations}, ["n", "uuid"])
    expected = [
        {"n": n, "uuid": uuid}
        for n, (relation, uuid) in enumerate(rows)
        if relation in relations and uuid in uuids
    ]
    assert found.to_pylist() == expected


def test_only_groups_that_may_have_the_rows_are_read(tmp_path: Path) -> None:
    """Every other page is overwritten, which reading it would notice."""
    path = tmp_path / "data.parquet"
    count = 4 * GROUP_ROWS
    table = pa.table(
        {"relation": [f"P{n // GROUP_ROWS}" for n in range(count)], "text": list(map(str, range(count)))}
    )
    pq.write_table(table, path, row_group_size=GROUP_ROWS, compression="none")
    assert find_rows([path], {"relation": {"P2"}}, ["text"])["text"][0].as_py() == str(2 * GROUP_ROWS)
    metadata = pq.read_metadata(path)
    content = bytearray(path.read_bytes())
    for group in (0, 1, 3):
        for column in range(2):
            chunk = metadata.row_group(group).column(column)
            first = chunk.dictionary_page_offset or chunk.data_page_offset
            content[first : first + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    found = find_rows([path], {"relation": {"P2"}}, ["text"])
    assert found.equals(table.filter(pc.equal(table["relation"], "P2")).select(["text"]))
    with pytest.raises(InputError, match="damaged"):
        find_rows([path], {"relation": {"P1"}}, ["text"])


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    write_table(pa.table({"uuid": ["a"]}), tmp_path / "data.parquet")
    with pytest.raises(InputError, match="has no column relation"):
        find_rows([tmp_path / "data.parquet"], {"relation": {"P1"}}, ["uuid"])
