"""Tables that Spark computes part by part: what comes to the driver, and progress meanwhile."""

from __future__ import annotations

import time
from collections.abc import Generator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.spark.parts import ROWS, failing, logged, parts_of, rows_of_part
from factroots_dagster.spark.collected import collect_parts, forget_collected
from factroots_dagster.spark.jobs import divide
from factroots_dagster.spark.parts import Outcome, PartFunction, pack, unpack
from factroots_dagster.spark.progress import format_duration, format_progress


def slowly(number: int, function: PartFunction) -> Generator[pa.Table, None, Outcome]:
    time.sleep(0.7)
    outcome = yield from function(number)
    return outcome


def with_next_page(batches: Any) -> Any:
    for batch in batches:
        values = [batch["page_id"].cast(pa.int64()).to_numpy() + 1, *batch.columns[1:]]
        yield pa.record_batch(values, ROWS.names)


@pytest.mark.parametrize("count", [0, 1, 3, 30])
@pytest.mark.parametrize("reduced", [False, True])
def test_the_rows_of_all_parts_come_in_their_order(spark: Any, count: int, reduced: bool) -> None:
    parts = parts_of(count, empty=2)
    reduce = (lambda frame: frame.mapInArrow(with_next_page, frame.schema)) if reduced else None
    expected = [row for number in range(count) if number != 2 for row in rows_of_part(number, 3).to_pylist()]
    if reduced:
        expected = [row | {"page_id": row["page_id"] + 1} for row in expected]
    table = collect_parts(spark, parts, reduce=reduce)
    assert table.schema == ROWS and table.to_pylist() == expected


def test_a_packed_table_is_the_same_table() -> None:
    table = rows_of_part(7, 5)
    assert unpack(pack(table, 3)["rows"][0].as_buffer()).equals(table)


def test_progress_counts_the_parts_that_are_finished(spark: Any) -> None:
    parts, lines = parts_of(6, size=1_000_000), list[str]()
    collect_parts(
        spark,
        replace(parts, function=partial(slowly, function=parts.function)),
        progress=lines.append,
        seconds=0.2,
    )
    assert lines and all(line.startswith("xx: rows: ") and " of 6.0 MB (" in line for line in lines)
    shares = [float(line.partition(" of ")[0].split()[-1]) for line in lines]
    assert shares == sorted(shares) and shares[-1] > 0
    assert any(" pages, " in line and line.endswith(" left") for line in lines)


def test_the_error_of_a_part_is_raised(spark: Any) -> None:
    parts = parts_of(3)

    def on_fire() -> None:
        raise ValueError("page 17 is on fire")

    wrong = replace(parts, function=partial(failing, function=parts.function, wrong=1, error=on_fire))
    with pytest.raises(Exception, match="page 17 is on fire"):
        collect_parts(spark, wrong)


@pytest.mark.parametrize("reduced", [False, True])
def test_what_finished_jobs_have_found_is_kept(spark: Any, tmp_path: Path, reduced: bool) -> None:
    out, log = tmp_path / "out", tmp_path / "log"
    out.mkdir()
    log.mkdir()
    parts = parts_of(7)
    reduce = (lambda frame: frame.mapInArrow(with_next_page, frame.schema)) if reduced else None
    expected = collect_parts(spark, parts, reduce=reduce)
    watched = replace(parts, function=partial(logged, function=parts.function, folder=log))

    def on_fire() -> None:
        raise ValueError("page 17 is on fire")

    wrong = replace(watched, function=partial(failing, function=watched.function, wrong=4, error=on_fire))
    with pytest.raises(Exception, match="page 17 is on fire"):
        collect_parts(spark, wrong, out, reduce=reduce, job_bytes=20)
    first, second = sorted(out.iterdir())
    second.write_bytes(first.read_bytes()[:-9])  # cut short by a power cut
    for path in log.iterdir():
        path.unlink()
    lines: list[str] = []
    again = collect_parts(spark, watched, out, reduce=reduce, progress=lines.append, job_bytes=10)
    assert again.equals(expected)
    assert lines[0] == "xx: rows: 2 of 7 parts were finished by an earlier run"
    # Tasks of the job that failed may have been at work still.
    assert sorted({path.name[0] for path in log.iterdir()}) == ["2", "3", "4", "5", "6"]
    forget_collected(out)
    assert not list(out.iterdir())


def test_progress_is_formatted_as_one_line() -> None:
    line = format_progress("cy: articles", 1234, 50_000_000, 100_000_000, 10.0, 10_000_000)
    assert line == "cy: articles: 1,234 pages, 50.0 of 100.0 MB (50%), 4.00 MB/s, 12 s left"
    assert format_progress("cy", 0, 0, 10, 0.0) == ("cy: 0.0 of 0.0 MB (0%), 0.00 MB/s, time left unknown")
    assert [format_duration(seconds) for seconds in (40, 89, 91, 720, 12_000)] == [
        *("40 s", "89 s", "2 min", "12 min", "3 h 20 min")
    ]


@given(st.lists(st.integers(0, 9), max_size=20), st.integers(1, 30), st.integers(1, 5))
def test_jobs_are_consecutive_and_large_enough(sizes: list[int], least_bytes: int, least: int) -> None:
    numbers = list(range(0, 2 * len(sizes), 2))
    by_number = [size for size in sizes for _ in range(2)]
    jobs = divide(numbers, by_number, least_bytes, least)
    assert [number for job in jobs for number in job] == numbers and all(jobs)
    if len(jobs) > 1:
        for job in jobs:
            assert len(job) >= least and sum(by_number[number] for number in job) >= least_bytes
        # None can be divided: without its last part, the first job is too small.
        first = jobs[0][:-1]
        assert len(first) < least or sum(by_number[number] for number in first) < least_bytes
