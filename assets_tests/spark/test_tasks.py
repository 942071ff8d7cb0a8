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
