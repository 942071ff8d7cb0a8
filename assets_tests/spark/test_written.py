"""Tables that are written part by part: their files, and a run that is taken up again."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Callable, Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets_tests.spark.parts import ROWS, failing, logged, parts_of, rows_of_part
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.spark import written
from factroots_dagster.spark.parts import Outcome, PartFunction
from factroots_dagster.spark.written import forget_finished, write_parts
from factroots_dagster.store.finished import keep_files


@pytest.fixture(params=["by Spark", "here"])
def anywhere(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Spark's committer writes, or the driver what it brings from workers that do not see its disk."""
    if request.param == "here":
        monkeypatch.setattr(written, "see_one_disk", lambda spark, folder: False)


def part_files(folder: Path) -> dict[str, list[dict[str, Any]]]:
    assert all(path.suffix == ".parquet" for path in folder.iterdir())
    return {path.name: pq.read_table(path).to_pylist() for path in sorted(folder.iterdir())}


@pytest.mark.usefixtures("anywhere")
def test_every_part_has_files_with_its_number(spark: Any, tmp_path: Path) -> None:
    outcomes = write_parts(spark, parts_of(4, empty=2), tmp_path, dictionary_columns=("word",))
    assert outcomes == [{"pages": 0 if n == 2 else 3 + n, "number": n} for n in range(4)]
    forget_finished(tmp_path)
    assert part_files(tmp_path) == {
        f"part-0000{number}-000.parquet": rows_of_part(number, 3).to_pylist() for number in (0, 1, 3)
    }
    file = pq.ParquetFile(tmp_path / "part-00003-000.parquet")
    assert file.schema_arrow == ROWS
    page_id, word = (file.metadata.row_group(0).column(number) for number in (0, 1))
    assert word.compression == "ZSTD" and word.has_dictionary_page and not page_id.has_dictionary_page
    assert page_id.statistics.max == 3005


@pytest.mark.usefixtures("anywhere")
def test_parts_without_rows_leave_one_empty_file(spark: Any, tmp_path: Path) -> None:
    write_parts(spark, parts_of(1, empty=0), tmp_path)
    forget_finished(tmp_path)
    assert part_files(tmp_path) == {"part-00000-000.parquet": []}
    assert pq.read_schema(tmp_path / "part-00000-000.parquet") == ROWS


@pytest.mark.usefixtures("anywhere")
def test_a_part_of_many_rows_has_several_files(spark: Any, tmp_path: Path) -> None:
    write_parts(spark, parts_of(2, rows=4), tmp_path, file_rows=2)
    forget_finished(tmp_path)
    assert part_files(tmp_path) == {
        f"part-0000{number}-00{file}.parquet": rows_of_part(number, 4).to_pylist()[2 * file : 2 * file + 2]
        for number, file in ((0, 0), (0, 1), (1, 0), (1, 1), (1, 2))
    }


def sending(number: int, function: PartFunction) -> Generator[pa.Table, None, Outcome]:
    """As `function`; the outcome has what is no JSON, too."""
    return (yield from function(number)) | {"sent": bytes([number]) * 100_000}


@pytest.mark.usefixtures("anywhere")
def test_the_driver_keeps_what_it_will_of_each_outcome(spark: Any, tmp_path: Path) -> None:
    """Part 2 is not kept at first: the next call computes it again, and none of the others."""
    out, log = tmp_path / "out", tmp_path / "log"
    out.mkdir()
    log.mkdir()
    received: list[tuple[int, bytes]] = []
    unwanted = {2}

    def receive(number: int, outcome: Outcome) -> Outcome | None:
        received.append((number, outcome.pop("sent")))
        return None if number in unwanted else outcome

    parts = parts_of(4)
    function = partial(sending, function=partial(logged, function=parts.function, folder=log))
    parts = replace(parts, function=function, receive=receive)
    outcomes = write_parts(spark, parts, out, job_bytes=20)
    assert outcomes == [{"pages": 3 + number, "number": number} for number in (0, 1, 3)]
    assert sorted(received) == [(number, bytes([number]) * 100_000) for number in range(4)]
    assert sorted(path.name for path in out.glob("part-*")) == [
        f"part-0000{number}-000.parquet" for number in (0, 1, 3)
    ]
    unwanted.clear()
    outcomes = write_parts(spark, parts, out)
    assert outcomes == [{"pages": 3 + number, "number": number} for number in range(4)]
    assert sorted(path.name[0] for path in log.iterdir()) == ["0", "1", "2", "2", "3"]
    forget_finished(out)
    assert part_files(out) == {
        f"part-0000{number}-000.parquet": rows_of_part(number, 3).to_pylist() for number in range(4)
    }


def test_files_that_workers_wrote_elsewhere_are_missed(spark: Any, tmp_path: Path) -> None:
    def lose(number: int, outcome: Outcome) -> Outcome:
        for path in tmp_path.glob("_job-*/part-00001-*"):
            path.unlink()
        return outcome

    with pytest.raises(InputError, match=f"told of 12 rows, of which 8 are in {tmp_path}") as error:
        write_parts(spark, replace(parts_of(3), receive=lose), tmp_path, seconds=1000)
    assert "data root" in error.value.remedy
    outcomes = write_parts(spark, parts_of(3), tmp_path)
    assert [outcome["number"] for outcome in outcomes] == [0, 1, 2]
    forget_finished(tmp_path)
    assert sorted(part_files(tmp_path)) == [f"part-0000{number}-000.parquet" for number in range(3)]


@pytest.mark.usefixtures("anywhere")
def test_jobs_that_are_finished_are_not_run_again(spark: Any, tmp_path: Path) -> None:
    out, log, whole = (tmp_path / name for name in ("out", "log", "whole"))
    for folder in (out, log, whole):
        folder.mkdir()
    parts = parts_of(7)
    write_parts(spark, parts, whole)
    watched = replace(parts, function=partial(logged, function=parts.function, folder=log))

    def on_fire() -> None:
        raise ValueError("page 17 is on fire")

    wrong = replace(watched, function=partial(failing, function=watched.function, wrong=4, error=on_fire))
    with pytest.raises(Exception, match="page 17 is on fire"):
        write_parts(spark, wrong, out, job_bytes=20)
    finished = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    assert list(sorted(finished)) == [f"part-0000{number}-000.parquet" for number in range(4)]
    for path in log.iterdir():
        path.unlink()
    (out / "_job-0123" / "_temporary").mkdir(parents=True)
    lines: list[str] = []
    outcomes = write_parts(spark, watched, out, progress=lines.append)
    assert lines[0] == "xx: rows: 4 of 7 parts were finished by an earlier run"
    # Tasks of the job that failed may have been at work still.
    assert sorted({path.name[0] for path in log.iterdir()}) == ["4", "5", "6"]
    assert [outcome["number"] for outcome in outcomes] == list(range(7))
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}.items() >= finished.items()
    for folder in (out, whole):
        forget_finished(folder)
    assert part_files(out) == part_files(whole)


@pytest.mark.usefixtures("anywhere")
def test_bad_input_that_a_task_finds_is_told_in_its_own_words(spark: Any, tmp_path: Path) -> None:
    def refuse() -> None:
        raise UnavailableError("s3://facts/x: the object store does not answer (503)", "run this again")

    parts = parts_of(3)
    wrong = replace(parts, function=partial(failing, function=parts.function, wrong=1, error=refuse))
    with pytest.raises(UnavailableError) as error:
        write_parts(spark, wrong, tmp_path)
    assert error.value.problem == "s3://facts/x: the object store does not answer (503)"
    assert error.value.remedy == "run this again"


def lose(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-100])


def zero(path: Path) -> None:
    path.write_bytes(bytes(path.stat().st_size))


@pytest.mark.parametrize("damage", [lose, cut, zero])
def test_a_part_that_a_power_cut_took_is_computed_again(
    spark: Any, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """Of a table, or of what the driver keeps of an outcome; a file that no note names is removed."""
    out, log = tmp_path / "out", tmp_path / "log"
    out.mkdir()
    log.mkdir()

    def receive(number: int, outcome: Outcome) -> Outcome:
        path = out / f"_kept-{number}"
        path.write_bytes(bytes([number]) * 200)
        return outcome | {"files": keep_files([path])}

    parts = replace(parts_of(6), receive=receive)
    outcomes = write_parts(spark, parts, out, job_bytes=20)
    whole = {path.name: pq.read_table(path) for path in out.glob("part-*")}
    damage(out / "part-00002-000.parquet")
    damage(out / "_kept-4")
    shutil.copy(out / "part-00001-000.parquet", out / "part-00001-001.parquet")
    watched = replace(parts, function=partial(logged, function=parts.function, folder=log))
    assert write_parts(spark, watched, out) == outcomes
    assert sorted({path.name[0] for path in log.iterdir()}) == ["2", "4"]
    assert {path.name: pq.read_table(path) for path in out.glob("part-*")} == whole
    assert (out / "_kept-4").read_bytes() == bytes([4]) * 200


@pytest.mark.usefixtures("anywhere")
def test_a_worker_that_dies_once_costs_nothing(spark: Any, tmp_path: Path) -> None:
    out, deaths = tmp_path / "out", tmp_path / "deaths"
    out.mkdir()
    deaths.mkdir()

    def die_once() -> None:
        if not any(deaths.iterdir()):
            (deaths / "one").touch()
            os.kill(os.getpid(), signal.SIGKILL)

    parts = parts_of(4)
    dying = replace(parts, function=partial(failing, function=parts.function, wrong=1, error=die_once))
    outcomes = write_parts(spark, dying, out)
    assert [path.name for path in deaths.iterdir()] == ["one"]
    assert [outcome["number"] for outcome in outcomes] == list(range(4))
    forget_finished(out)
    assert part_files(out) == {
        f"part-0000{number}-000.parquet": rows_of_part(number, 3).to_pylist() for number in range(4)
    }
