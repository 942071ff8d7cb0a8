"""Writers at the same time, and Spark workers that are lost."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets_tests.conftest import PROJECT
from assets_tests.corpora.conftest import dump_xml, page_xml, write_dump
from factroots_dagster.corpora.wikipedia import pages
from factroots_dagster.corpora.wikipedia.articles import write_part
from factroots_dagster.corpora.wikipedia.dump import acquire_dump
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces
from factroots_dagster.corpora.wikipedia.pages import parts_of_dump
from factroots_dagster.spark.tasks import Beat, Figures, gathered, run_tasks
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.store import Store

SCHEMA = pa.schema([("writer", pa.int64())])

RIVAL = """
import sys, time
import pyarrow as pa
from factroots_dagster.store.atomic import FolderBusyError
from factroots_dagster.store.store import Store
root, number = sys.argv[1], int(sys.argv[2])
schema = pa.schema([("writer", pa.int64())])
published = busy = 0
for turn in range(30):
    try:
        with Store(root, "sandbox").write_partition("asset", "xx", code_version="1") as work:
            work.write(pa.table({"writer": [number] * 500}), schema)
            time.sleep(0.003)
            work.write(pa.table({"writer": [number]}), schema, side="same")
        published += 1
    except FolderBusyError as error:
        assert "is being written by another run; wait" in str(error)
        busy += 1
        time.sleep(0.002)
print(published, busy)
"""


def writers_of(folder: Path) -> set[int]:
    """Who wrote the two tables of a partition."""
    tables = [pq.read_table(folder / name) for name in ("data.parquet", "_same.parquet")]
    return {number for table in tables for number in table["writer"].to_pylist()}


def test_runs_on_one_partition_at_once_are_whole_or_told(tmp_path: Path) -> None:
    """Four processes publish the same partition again and again; a reader never sees a mix."""
    rivals = [
        subprocess.Popen(
            [sys.executable, "-c", RIVAL, str(tmp_path), str(number)],
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": str(PROJECT)},
        )
        for number in range(4)
    ]
    store, seen = Store(tmp_path, "sandbox"), set()
    while any(rival.poll() is None for rival in rivals):
        if store.exists("asset", "xx"):
            folder = os.open(store.path("asset", "xx"), os.O_RDONLY)  # the folder as it is now
            try:
                there = Path(f"/proc/self/fd/{folder}")
                writers = writers_of(there)
            except FileNotFoundError:
                continue  # replaced and removed while it was read
            finally:
                os.close(folder)
            assert len(writers) == 1
            seen |= writers
    told = [rival.communicate()[0].split() for rival in rivals]
    assert [rival.returncode for rival in rivals] == [0] * 4
    assert sum(int(published) for published, _ in told) >= 30 and sum(int(busy) for _, busy in told) > 0
    assert writers_of(store.path("asset", "xx")) <= seen | {0, 1, 2, 3}
    assert [path.name for path in tmp_path.rglob(".*")] == []


def test_a_partition_whose_name_goes_on_is_not_swept_away(tmp_path: Path) -> None:
    """`model` is published while `model.v2` and `model.12` are being written beside it."""
    store = Store(tmp_path, "sandbox")

    def publish(key: str) -> None:
        with store.write_partition("asset", key, code_version="1") as work:
            work.write(pa.table({"writer": [1]}), SCHEMA)

    names = ("model.v2", "model.12", "model.12.tmp", "model.old")
    for name in names:
        with store.write_partition("asset", name, code_version="1") as work:
            work.write(pa.table({"writer": [7]}), SCHEMA)
            publish("model")
    assert store.keys("asset") == sorted(["model", *names])
    old = store.path("asset", "model.v2")
    old.rename(old.with_name(".model.v2.old"))  # where a writer without an exchange is between two renames
    publish("model")
    publish("model.v2")
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


def test_a_killed_writer_of_a_file_leaves_nothing_for_long(tmp_path: Path) -> None:
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
    # the other one is alive and keeps its file
    assert [path.name for path in tmp_path.glob(".*")] == [f".registry.json.{writers[1].pid}.tmp"]
    writers[1].kill()
    writers[1].wait()
    with atomic_file(target) as temporary:
        temporary.write_text("newer")
    assert list(tmp_path.iterdir()) == [target]
    for writer in writers:
        assert writer.stdout is not None
        writer.stdout.close()


def write_part_or_die(number: int, beat: Beat, *, marks: Path, deaths: int, **arguments: object) -> Figures:
    """`write_part`, whose process is killed in the middle of part 1 as often as `deaths` says."""

    def deadly(figures: Figures) -> None:
        died = len(list(marks.iterdir()))
        if number == 1 and died < deaths:
            (marks / str(died)).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        beat(figures)

    return write_part(number, deadly, **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("deaths", [1, 2])
def test_a_lost_spark_worker_costs_nothing(
    spark: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    """Lost once, Spark tries again; lost as often as it tries, the run fails and the next one goes on."""
    monkeypatch.setattr(pages, "LEAST_PART", 20_000)
    chance = hashlib.sha512()
    texts = []
    for _ in range(600):
        chance.update(b"x")
        texts.append(chance.hexdigest() * 3)
    xml = dump_xml([page_xml(n, f"T{n}", text) for n, text in enumerate(texts, 1)])
    write_dump(tmp_path, xml, "nlwiki-20240101-pages-articles.xml")
    dump = acquire_dump("nl", str(tmp_path), "latest", tmp_path)
    parts = parts_of_dump(dump)
    assert len(parts) > 3
    made = {}
    for name, times in (("undisturbed", 0), ("disturbed", deaths)):
        folder, marks = tmp_path / name, tmp_path / f"{name}-deaths"
        folder.mkdir()
        marks.mkdir()
        body = partial(
            write_part_or_die,
            marks=marks,
            deaths=times,
            parts=parts,
            folder=folder,
            namespaces=Namespaces.of("nl"),
            lists=True,
            seconds=20.0,
        )

        def run(folder: Path = folder, body: partial[Figures] = body) -> list[Figures]:
            return run_tasks(spark, folder, len(parts), body, what="nl", total=10**9)  # type: ignore[arg-type]

        if times == 2:
            with pytest.raises(Exception, match=r"worker exited unexpectedly|crashed"):
                run()
        figures = run()
        assert len(list(marks.iterdir())) == times
        assert sum(figure["articles"] for figure in figures) == 600
        gathered(folder)
        made[name] = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert made["disturbed"] == made["undisturbed"]
