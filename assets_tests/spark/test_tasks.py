"""Tasks on Spark: their progress, resumption, and errors."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from factroots_dagster.spark.tasks import (
    ReportProgress,
    TaskState,
    clean_up,
    format_duration,
    format_progress,
    run_tasks,
)


def slow(number: int, report_progress: ReportProgress) -> TaskState:
    for step in range(4):
        report_progress({"pages": step, "done_bytes": step * 250_000})
        time.sleep(0.5)
    return {"pages": 4 + number, "done_bytes": 1_000_000}


def failing(number: int, report_progress: ReportProgress) -> TaskState:
    if number == 1:
        raise ValueError("page 17 is on fire")
    return {"pages": 1, "done_bytes": 1}


def test_progress_is_reported_while_tasks_run(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    lines: list[str] = []
    states = run_tasks(
        spark,
        tmp_path,
        3,
        slow,
        what="xx: articles",
        total=3_000_000,
        progress=lines.append,
        progress_seconds=0.3,
    )
    assert [state["pages"] for state in states] == [4, 5, 6]
    assert all(line.startswith("xx: articles: ") and " of 3.0 MB (" in line for line in lines)
    assert any("MB/s, " in line and line.endswith(" left") for line in lines) and len(lines) > 3
    clean_up(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_finished_tasks_are_not_run_again(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Exception, match="page 17 is on fire"):
        run_tasks(spark, tmp_path, 3, failing, what="xx", total=3)
    (state_file,) = tmp_path.glob("_task-00000.done.json")
    state_file.write_text(json.dumps({"pages": 70, "done_bytes": 1}))
    lines: list[str] = []
    states = run_tasks(spark, tmp_path, 1, failing, what="xx", total=3, progress=lines.append)
    assert states == [{"pages": 70, "done_bytes": 1}]
    assert lines == ["xx: 1 of 1 parts were finished by an earlier run"]


def test_progress_is_formatted_as_one_line() -> None:
    states = [{"pages": 1200, "done_bytes": 30_000_000}, {"pages": 34, "done_bytes": 20_000_000}]
    line = format_progress("cy: articles", states, 100_000_000, 10.0, 10_000_000)
    assert line == "cy: articles: 1,234 pages, 50.0 of 100.0 MB (50%), 4.00 MB/s, 12 s left"
    assert format_progress("cy", [], 10, 0.0).endswith("time left unknown")
    assert [format_duration(seconds) for seconds in (40, 89, 91, 720, 12_000)] == [
        "40 s",
        "89 s",
        "2 min",
        "12 min",
        "3 h 20 min",
    ]
