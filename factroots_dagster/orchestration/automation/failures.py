"""One readable page about a failed run: what failed, on which partition, why, and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from factroots_dagster.orchestration.markdown import escape_markdown, unescape_markdown
from factroots_dagster.settings import Settings
from factroots_dagster.store.atomic import atomic_file

KEPT_PAGES = 200
_PARTITION = ("dagster/partition", "dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_ADVICE = (
    ("MemoryError", "Too little memory: run fewer languages at once, or use a machine with more."),
    (
        "OutOfMemoryError",
        "Too little memory on the device: set FACTROOTS_PRECISION=bf16 or FACTROOTS_DEVICE=cpu.",
    ),
    ("No space left", "The disk is full: make room (`factroots doctor` says where), then run again."),
    ("Read-only file system", "The data root cannot be written: see FACTROOTS_DATA_ROOT."),
    ("Py4J", "Spark's Java process or a worker was lost: run again; what was finished is kept."),
)


def summaries_folder(settings: Settings) -> Path:
    """The folder of a world's failure pages."""
    return settings.data_root / settings.world / "_failures"


def write_summary(folder: Path, run_id: str, text: str) -> Path:
    """Write a page under the run's id; a second one replaces the first. Only the newest pages are kept."""
    path = folder / f"{run_id}.md"
    pages = [page for page in folder.glob("*.md") if page != path]
    for page in sorted(pages, key=_written)[: 1 - KEPT_PAGES]:
        page.unlink(missing_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def _written(page: Path) -> float:
    try:
        return page.stat().st_mtime
    except FileNotFoundError:  # removed meanwhile
        return 0.0


def failure_summary(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The page about a run, in Markdown."""
    tags = [run.tags[tag] for tag in _PARTITION if tag in run.tags]
    assets = ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
    lines = [
        f"# Run {run.run_id[:8]} failed",
        "",
        f"- written: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- job: {escape_markdown(run.job_name)}",
        f"- assets: {escape_markdown(assets) or 'those of the job'}",
        f"- partition: {escape_markdown(' to '.join(tags)) or 'none'}",
    ]
    failures = [*_failed_steps(instance, run), *_failed_checks(instance, run)]
    if not failures:
        failures = [("the run itself", _run_failure(instance, run))]
    for title, message in failures:
        lines += ["", f"## {escape_markdown(title)}", "", *(f"    {line}" for line in message.splitlines())]
    lines += ["", "## What to do", "", *(f"- {advice}" for advice in _advice(failures, run))]
    return "\n".join(lines) + "\n"


def _events(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType) -> Iterator[Any]:
    for entry in instance.all_logs(run.run_id, of_type=kind):
        if entry.dagster_event is not None:
            yield entry.dagster_event


def _failed_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[str, str]]:
    for event in _events(instance, run, dg.DagsterEventType.STEP_FAILURE):
        data, error = event.step_failure_data, event.step_failure_data.error
        while error is not None and error.cause is not None:
            error = error.cause
        words = data.user_failure_data.description if data.user_failure_data is not None else None
        yield f"step {event.step_key}", words or (error.message.strip() if error else str(event.message))


def _failed_checks(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[str, str]]:
    for event in _events(instance, run, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = event.event_specific_data
        if not check.passed and check.blocking and check.severity == dg.AssetCheckSeverity.ERROR:
            partition = f" ({check.partition})" if check.partition else ""
            yield (
                f"check of {check.asset_key.to_user_string()}{partition}",
                unescape_markdown(check.description or "failed"),
            )


def _run_failure(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    for event in _events(instance, run, dg.DagsterEventType.RUN_FAILURE):
        data = event.event_specific_data
        error = getattr(data, "error", None)
        return str(error.message if error is not None else event.message)
    return "its process ended without an error: it was killed, or the machine stopped"


def _advice(failures: list[tuple[str, str]], run: dg.DagsterRun) -> Iterator[str]:
    messages = "\n".join(message for _, message in failures)
    yield from (advice for sign, advice in _ADVICE if sign in messages)
    if any(title.startswith("check") for title, _ in failures):
        yield (
            "Look at the rows that the check names. The data are on disk; what reads this partition is held "
            "back until a new materialization of it passes, and everything else goes on with the data from "
            "before."
        )
    yield "Where a message above names a remedy, apply it, and materialize the partition again."
    yield f"The full log is in Dagster's UI, under Runs, {run.run_id[:8]}."
