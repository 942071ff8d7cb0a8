"""Partitions are written completely or not at all, reads are recorded as inputs, unsafe keys are rejected."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import FolderBusyError, atomic_file, atomic_folder
from factroots_dagster.store.store import Store, check_name
from factroots_dagster.store.versions import MANIFEST

SCHEMA = pa.schema([("n", pa.int64())])


def table(*numbers: int) -> pa.Table:
    return pa.table({"n": list(numbers)}, schema=SCHEMA)


def write(store: Store, *numbers: int) -> None:
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(table(*numbers), SCHEMA)


def temporary_names(folder: Path) -> list[str]:
    """Names of lock files and temporary files and folders, which a finished writer must not leave."""
    return [p.name for p in folder.rglob(".*")]


def test_a_table_and_its_side_table_are_read_back_separately(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(table(1, 2), SCHEMA)
        writer.write(table(3), SCHEMA, side="others")
    assert store.read("numbers", "xx")["n"].to_pylist() == [1, 2]
    assert store.read_side("others", "numbers", "xx")["n"].to_pylist() == [3]
    assert store.version("numbers", "xx").rows == 2
    assert store.path("numbers", "xx") == (tmp_path / "sandbox" / "numbers" / "xx").resolve()
    assert temporary_names(tmp_path) == []


def test_a_side_table_can_be_written_in_parts(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(table(1), SCHEMA)
        with writer.stream(SCHEMA, side="many") as append:
            for n in range(3):
                append(pa.table({"other": ["x"], "n": pa.array([n], pa.int32())}))
    side = store.read_side("many", "numbers", "xx")
    assert side.schema.equals(SCHEMA) and side["n"].to_pylist() == [0, 1, 2]
    with store.write_partition("numbers", "yy", code_version="1") as writer:
        writer.write(table(1), SCHEMA)
        with writer.stream(SCHEMA, side="many"):
            pass  # nothing appended: a table without rows
    assert store.read_side("many", "numbers", "yy").num_rows == 0


def test_writing_again_replaces_the_whole_partition(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(table(1), SCHEMA)
        (writer.folder / "more.bin").write_bytes(b"x")
    write(store, 5)
    assert [p.name for p in store.require("numbers", "xx").iterdir()] == ["data.parquet"]
    assert temporary_names(tmp_path) == []


def test_a_failing_block_leaves_the_old_data(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    write(store, 1)
    with pytest.raises(RuntimeError), store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(table(2), SCHEMA)
        raise RuntimeError("interrupted")
    assert store.read("numbers", "xx")["n"].to_pylist() == [1]
    assert temporary_names(tmp_path) == []


KILLED_WRITER = """
import sys, time
import pyarrow as pa
from pathlib import Path
from factroots_dagster.store.store import Store
schema = pa.schema([("n", pa.int64())])
store = Store(sys.argv[1], "sandbox")
print("ready", flush=True)
for n in range(10**6):
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(pa.table({"n": [n] * 2000}), schema)
        writer.write(pa.table({"n": [n]}), schema, side="same")
"""


@pytest.mark.parametrize("delay", [0.01, 0.05, 0.11, 0.17, 0.23])
def test_sigkill_leaves_old_or_new_and_never_a_mix(tmp_path: Path, delay: float) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED_WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    store = Store(tmp_path, "sandbox")
    deadline = time.monotonic() + 20
    while not store.exists("numbers", "xx") and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(delay)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    main = set(store.read("numbers", "xx")["n"].to_pylist())
    side = set(store.read_side("same", "numbers", "xx")["n"].to_pylist())
    assert main == side and len(main) == 1
    write(store, 7)
    assert store.read("numbers", "xx")["n"].to_pylist() == [7]
    assert temporary_names(tmp_path) == []


def test_a_second_writer_of_a_partition_is_refused_and_the_first_succeeds(tmp_path: Path) -> None:
    with atomic_folder(tmp_path / "a") as first:
        (first / "x").write_text("1")
        with pytest.raises(FolderBusyError, match="another run"), atomic_folder(tmp_path / "a"):
            pass
    assert (tmp_path / "a" / "x").read_text() == "1"


def test_the_lock_file_of_a_killed_writer_does_not_lock(tmp_path: Path) -> None:
    (tmp_path / ".a.lock").touch()
    with atomic_folder(tmp_path / "a") as folder:
        (folder / "x").write_text("1")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_what_a_writer_reads_is_recorded_as_its_inputs(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    write(store, 1)
    with store.write_partition("sums", code_version="1") as writer:
        numbers = store.version("numbers", "xx")
        writer.record_input(numbers)
        total = sum(numbers.read()["n"].to_pylist())
        writer.write(table(total), SCHEMA)
    assert store.version("sums").inputs == {"numbers/xx": store.digest("numbers", "xx")}
    before = store.digest("sums")
    with store.write_partition("sums", code_version="1") as writer:
        writer.write(table(total), SCHEMA)
    assert store.digest("sums") == before  # the digest depends on the data, not on the time


def test_the_digest_is_of_rows_and_not_of_the_files_that_hold_them(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    rows = pa.table({"n": list(range(9))})

    def digest_of(cuts: list[int], side: pa.Table, **options: Any) -> str:
        with store.write_partition("numbers", code_version="1") as writer:
            for number, (start, end) in enumerate(pairwise([0, *cuts, 9])):
                pq.write_table(rows[start:end], writer.folder / f"part-{number:05d}-000.parquet", **options)
            pq.write_table(side, writer.folder / "_side.parquet", **options)
        return store.digest("numbers")

    expected = digest_of([], rows)
    assert digest_of([4, 7], rows, compression="zstd", row_group_size=2, use_dictionary=False) == expected
    assert digest_of([], rows[1:]) != expected
    files = json.loads((store.path("numbers") / MANIFEST).read_text("utf-8"))["files"]
    assert sorted(files) == ["_side.parquet", "part-00000-000.parquet"]


def test_the_error_of_a_missing_partition_says_how_to_materialize_it(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"numbers/a/xx.*--select numbers --partition 'a\|xx'"):
        Store(tmp_path, "sandbox").read("numbers", "a", "xx")


def test_a_column_of_another_type_than_the_schema_is_rejected(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    with pytest.raises(pa.ArrowInvalid), store.write_partition("numbers", code_version="1") as writer:
        writer.write(pa.table({"n": ["no number"]}), SCHEMA)
    assert not store.exists("numbers")


@pytest.mark.parametrize(
    "name", ["", ".", "..", "a/b", "../x", "a|b", "a...b", "a,b", "a\nb", ".hidden", "_side", "ü", "a" * 121]
)
def test_unsafe_keys_are_rejected(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="is not allowed"):
        Store(tmp_path, "sandbox").path("numbers", name)


@given(st.text(max_size=30))
def test_every_accepted_key_is_one_folder_deep(name: str) -> None:
    try:
        check_name(name)
    except InputError:
        return
    assert Path("root", name).resolve().parent == Path("root").resolve()


def test_an_atomic_file_is_replaced_or_stays_as_it_was(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "file.json"
    with atomic_file(target) as temporary:
        temporary.write_text("1")
    with pytest.raises(RuntimeError), atomic_file(target) as temporary:
        temporary.write_text("2")
        raise RuntimeError("interrupted")
    assert target.read_text() == "1"
    assert [p.name for p in target.parent.iterdir()] == ["file.json"]


def test_a_resumable_writer_continues_where_the_last_one_failed(tmp_path: Path) -> None:
    """Only a writer with the same `resume` continues in the folder of a failed one."""
    store = Store(tmp_path, "sandbox")
    write(store, 1)

    def attempt(resume: str, *, fails: bool) -> list[str]:
        with store.write_partition("numbers", "xx", code_version="1", resume=resume) as writer:
            inherited = sorted(path.name for path in writer.folder.iterdir())
            (writer.folder / f"{len(inherited)}.bin").write_bytes(b"x")
            if fails:
                raise ZeroDivisionError
        return inherited

    with pytest.raises(ZeroDivisionError):
        attempt("source A", fails=True)
    assert store.read("numbers", "xx")["n"].to_pylist() == [1]
    assert attempt("source A", fails=False) == ["0.bin"]
    assert sorted(p.name for p in store.require("numbers", "xx").iterdir()) == ["0.bin", "1.bin"]
    assert temporary_names(tmp_path) == []
    with pytest.raises(ZeroDivisionError):
        attempt("source A", fails=True)
    assert attempt("source B", fails=False) == []
    assert temporary_names(tmp_path) == []
