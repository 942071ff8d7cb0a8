"""Rows by their values, read without what lies in other row groups, against a filter of the whole table."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.project import PROJECT
from factroots_dagster.errors import InputError
from factroots_dagster.store.parquet import GROUP_ROWS, find_rows, read_distinct, write_table

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


@given(st.lists(st.sampled_from(VALUES), max_size=30), st.integers(1, 9), st.booleans())
def test_distinct_values_are_those_of_all_rows(
    tmp_path_factory: pytest.TempPathFactory, values: list[str | None], size: int, dictionary: bool
) -> None:
    folder = tmp_path_factory.mktemp("files")
    table = pa.table({"n": range(len(values)), "name": pa.array(values, pa.string())})
    for number, half in enumerate((table.slice(0, len(values) // 2), table.slice(len(values) // 2))):
        path = folder / f"part-{number}.parquet"
        pq.write_table(half, path, row_group_size=size, use_dictionary=dictionary)
    names = read_distinct(sorted(folder.iterdir()), "name").to_pylist()
    assert sorted(names) == sorted(set(values) - {None})


def test_a_value_that_is_no_unicode_is_in_no_table(tmp_path: Path) -> None:
    write_table(pa.table({"uuid": ["a", "ab"]}), tmp_path / "data.parquet")
    files = [tmp_path / "data.parquet"]
    assert find_rows(files, {"uuid": {"a\udcff", "ab"}}, ["uuid"]).to_pylist() == [{"uuid": "ab"}]


def test_looking_for_rows_does_not_wait_for_pandas(tmp_path: Path) -> None:
    """Importing it takes longer than the rows of a fact in all languages."""
    write_table(pa.table({"uuid": ["a", "b"]}), tmp_path / "data.parquet")
    code = f"""
import sys
from pathlib import Path
from factroots_dagster.store.parquet import find_rows, read_distinct, read_files
from factroots_dagster.text.normalization import words_to_compose
files = [Path({str(tmp_path)!r}, "data.parquet")]
assert len(read_files(files)) == len(read_distinct(files, "uuid")) == 2
assert len(find_rows(files, {{"uuid": {{"b"}}}}, ["uuid"])) == 1
assert list(words_to_compose("e\u0301")), "a word that is composed"
sys.exit("pandas" in sys.modules)
"""
    process = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr


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
