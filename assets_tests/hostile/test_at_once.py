"""Concurrent and killed writers, and lost Spark workers."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from assets_tests.corpora.dumps import dump_xml, page_xml, write_dump
from assets_tests.files import table_digests
from assets_tests.project import PROJECT
from factroots_dagster.corpora.wikipedia.anchors import forget_anchors
from factroots_dagster.corpora.wikipedia.articles import divide_dump, write_totals
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.spark.parts import Outcome, PartFunction
from factroots_dagster.spark.written import forget_finished, write_parts
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.store import Store

SCHEMA = pa.schema([("writer", pa.int64())])

CONCURRENT_WRITER = """
import sys, time
import pyarrow as pa
from factroots_dagster.store.atomic import FolderBusyError
from factroots_dagster.store.store import Store
root, number = sys.argv[1], int(sys.argv[2])
schema = pa.schema([("writer", pa.int64())])
written = busy = 0
for turn in range(30):
    try:
        with Store(root, "sandbox").write_partition("asset", "xx", code_version="1") as writer:
            writer.write(pa.table({"writer": [number] * 500}), schema)
            time.sleep(0.003)
            writer.write(pa.table({"writer": [number]}), schema, side="same")
        written += 1
    except FolderBusyError as error:
        assert "asset/xx" in str(error)
        busy += 1
        time.sleep(0.002)
print(written, busy)
"""


def read_writers(store: Store) -> set[int]:
    """The numbers of those who wrote the two tables of a partition."""
    version = store.version("asset", "xx")
    tables = [version.read(), version.read_side("same")]
    return {number for table in tables for number in table["writer"].to_pylist()}


def test_concurrent_writers_of_a_partition_write_all_of_it_or_fail(tmp_path: Path) -> None:
    """Four processes write the same partition again and again; a reader never sees a mixture."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", CONCURRENT_WRITER, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
        for number in range(4)
    ]
    store, seen = Store(tmp_path, "sandbox"), set()
    while any(process.poll() is None for process in processes):
        if store.exists("asset", "xx"):
            writers = read_writers(store)
            assert len(writers) == 1
            seen |= writers
    counts = [process.communicate()[0].split() for process in processes]
    assert [process.returncode for process in processes] == [0] * 4
    assert sum(int(written) for written, _ in counts) >= 30
    assert sum(int(busy) for _, busy in counts) > 0
    assert read_writers(store) <= seen | {0, 1, 2, 3}
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_writing_a_partition_leaves_those_whose_names_continue_its_name(tmp_path: Path) -> None:
    """`model` is written while `model.v2` and `model.12` are being written next to it."""
    store = Store(tmp_path, "sandbox")

    def write(key: str) -> None:
        with store.write_partition("asset", key, code_version="1") as writer:
            writer.write(pa.table({"writer": [1]}), SCHEMA)

    names = ("model.v2", "model.12", "model.12.tmp", "model.old")
    for name in names:
        with store.write_partition("asset", name, code_version="1") as writer:
            writer.write(pa.table({"writer": [7]}), SCHEMA)
            write("model")
    assert store.keys("asset") == sorted(["model", *names])
    old = store.path("asset", "model.v2")
    old.rename(old.with_name(".model.v2.old"))  # what a writer leaves that is killed between two renames
    write("model")
    write("model.v2")
    assert [path.name for path in tmp_path.rglob(".*")] == []


KILLED_WRITER = """
import sys, time
from pathlib import Path
from factroots_dagster.store.atomic import atomic_file
with atomic_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    print("ready", flush=True)
    time.sleep(60)
"""


def test_the_next_writer_of_a_file_removes_what_a_killed_one_left(tmp_path: Path) -> None:
    target = tmp_path / "registry.json"
    target.write_text("old")
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", KILLED_WRITER, str(target)],
            stdout=subprocess.PIPE,
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
        for _ in range(2)
    ]
    for writer in writers:
        assert writer.stdout is not None and writer.stdout.readline() == b"ready\n"
    writers[0].kill()
    writers[0].wait()
    assert target.read_text() == "old"
    with atomic_file(target) as temporary:
        temporary.write_text("new")
    assert target.read_text() == "new"
    # the other writer is alive and keeps its file
    assert [path.name for path in tmp_path.glob(".*")] == [f".registry.json.{writers[1].pid}.tmp"]
    writers[1].kill()
    writers[1].wait()
    with atomic_file(target) as temporary:
        temporary.write_text("newer")
    assert list(tmp_path.iterdir()) == [target]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()


def die_in_part_one(
    number: int, function: PartFunction, deaths_folder: Path, deaths: int
) -> Generator[pa.Table, None, Outcome]:
    """As `function`, but the worker is killed in the middle of part 1, `deaths` times in all."""
    part = function(number)
    yield next(part)
    died = len(list(deaths_folder.iterdir()))
    if number == 1 and died < deaths:
        (deaths_folder / str(died)).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return (yield from part)


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_lost_spark_worker_costs_nothing(spark: Any, tmp_path: Path, deaths: int) -> None:
    """Spark retries a task once; if its worker is lost twice, the run fails and the next one resumes."""
    digest = hashlib.sha512()
    texts = []
    for _ in range(600):
        digest.update(b"x")
        texts.append(f"[[T1|t]] {digest.hexdigest() * 3}")
    xml = dump_xml([page_xml(n, f"T{n}", text) for n, text in enumerate(texts, 1)])
    write_dump(tmp_path, xml, "nlwiki-20240101-pages-articles.xml")
    dump = acquire_dump("nl", str(tmp_path), "latest", tmp_path)
    contents = {}
    for name, times in (("undisturbed", 0), ("disturbed", deaths)):
        folder, deaths_folder = tmp_path / name, tmp_path / f"{name}-deaths"
        folder.mkdir()
        deaths_folder.mkdir()
        parts = divide_dump(dump, folder, lists=True, page_seconds=20.0, min_range_bytes=20_000)
        assert len(parts.sizes) > 3
        function = partial(
            die_in_part_one, function=parts.function, deaths_folder=deaths_folder, deaths=times
        )
        parts = replace(parts, function=function)
        if times == 2:
            with pytest.raises(Exception, match=r"worker exited unexpectedly|crashed"):
                write_parts(spark, parts, folder)
        outcomes = write_parts(spark, parts, folder)
        assert len(list(deaths_folder.iterdir())) == times
        counts = write_totals(folder, outcomes)
        assert counts["articles"] == 600
        forget_finished(folder)
        forget_anchors(folder)
        contents[name] = table_digests(folder)
    assert contents["disturbed"] == contents["undisturbed"]
    assert sorted(contents["disturbed"])[:3] == ["_anchors.parquet", "_counts.parquet", "_problems.parquet"]
