"""Tasks on Spark: told while they run, resumed, and failing with the words of what failed."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest

from factroots_dagster.spark import tasks
from factroots_dagster.spark.tasks import Beat, Figures, duration, gathered, progress_line, run_tasks


def slow(number: int, beat: Beat) -> Figures:
    for step in range(4):
        beat({"pages": step, "done_bytes": step * 250_000})
        time.sleep(0.5)
    return {"pages": 4 + number, "done_bytes": 1_000_000}


def failing(number: int, beat: Beat) -> Figures:
    if number == 1:
        raise ValueError("page 17 is on fire")
    return {"pages": 1, "done_bytes": 1}


def test_a_run_tells_how_far_it_is(spark, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(tasks, "TOLD_EVERY", 0.3)
    said: list[str] = []
    figures = run_tasks(spark, tmp_path, 3, slow, what="xx: articles", total=3_000_000, progress=said.append)
    assert [figure["pages"] for figure in figures] == [4, 5, 6]
    assert all(line.startswith("xx: articles: ") and " of 3.0 MB (" in line for line in said)
    assert any("MB/s, " in line and line.endswith(" left") for line in said) and len(said) > 3
    gathered(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_tasks_that_ended_are_not_run_again(spark, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(Exception, match="page 17 is on fire"):
        run_tasks(spark, tmp_path, 3, failing, what="xx", total=3)
    (note,) = tmp_path.glob("_task-00000.done.json")
    note.write_text(json.dumps({"pages": 70, "done_bytes": 1}))
    said: list[str] = []
    figures = run_tasks(spark, tmp_path, 1, failing, what="xx", total=3, progress=said.append)
    assert figures == [{"pages": 70, "done_bytes": 1}]
    assert said == ["xx: 1 of 1 parts are there from a run before"]


def test_a_line_of_progress() -> None:
    figures = [{"pages": 1200, "done_bytes": 30_000_000}, {"pages": 34, "done_bytes": 20_000_000}]
    line = progress_line("cy: articles", figures, 100_000_000, 10.0, 10_000_000)
    assert line == "cy: articles: 1,234 pages, 50.0 of 100.0 MB (50%), 4.00 MB/s, 12 s left"
    assert progress_line("cy", [], 10, 0.0, 0).endswith("time left unknown")
    assert [duration(seconds) for seconds in (40, 89, 91, 720, 12_000)] == [
        "40 s",
        "89 s",
        "2 min",
        "12 min",
        "3 h 20 min",
    ]
