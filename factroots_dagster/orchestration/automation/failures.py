"""One readable page about a failed run: what failed, on which partition, in which words, what to do."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from factroots_dagster.settings import Settings
from factroots_dagster.store.atomic import atomic_file

_PARTITION = ("dagster/partition", "dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_ADVICE = (
    ("MemoryError", "Too little memory: fewer languages at once, or a machine with more."),
    (
        "OutOfMemoryError",
        "Too little memory on the device: FACTROOTS_PRECISION=bf16, or FACTROOTS_DEVICE=cpu.",
    ),
    ("No space left", "The disk is full: make room (`factroots doctor` says where), then run again."),
    ("Read-only file system", "The data root cannot be written: see FACTROOTS_DATA_ROOT."),
    ("Py4J", "Spark's Java process or a worker was lost: run again; it takes up what was finished."),
)


def summaries_folder(settings: Settings) -> Path:
    """Where the summaries of a world lie."""
    return settings.data_root / settings.world / "_failures"


def write_summary(folder: Path, run_id: str, text: str) -> Path:
    """Write a summary under the run's id: once, however often it is asked for."""
    path = folder / f"{run_id}.md"
    with atomic_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return path


def failure_summary(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    """The page about a run, in Markdown."""
    tags = [run.tags[tag] for tag in _PARTITION if tag in run.tags]
    assets = ", ".join(sorted(key.to_user_string() for key in run.asset_selection or ()))
    lines = [
        f"# Run {run.run_id[:8]} failed",
        "",
        f"- written: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        f"- job: {run.job_name}",
        f"- assets: {assets or 'those of the job'}",
        f"- partition: {' to '.join(tags) or 'none'}",
    ]
    told = list(_failed_steps(instance, run)) + list(_failed_checks(instance, run))
    if not told:
        told = [("the run itself", _last_words(instance, run))]
    for title, words in told:
        lines += ["", f"## {title}", "", *(f"    {line}" for line in words.splitlines())]
    lines += ["", "## What to do", "", *(f"- {advice}" for advice in _advice(told, run))]
    return "\n".join(lines) + "\n"


def _records(instance: dg.DagsterInstance, run: dg.DagsterRun, kind: dg.DagsterEventType) -> Iterator[Any]:
    for entry in instance.all_logs(run.run_id, of_type=kind):
        if entry.dagster_event is not None:
            yield entry.dagster_event


def _failed_steps(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[str, str]]:
    for event in _records(instance, run, dg.DagsterEventType.STEP_FAILURE):
        data = event.step_failure_data
        if data.user_failure_data is not None and data.user_failure_data.description:
            yield f"step {event.step_key}", data.user_failure_data.description
            continue
        error = data.error
        while error is not None and error.cause is not None:
            error = error.cause
        yield f"step {event.step_key}", (error.message.strip() if error else str(event.message))


def _failed_checks(instance: dg.DagsterInstance, run: dg.DagsterRun) -> Iterator[tuple[str, str]]:
    for event in _records(instance, run, dg.DagsterEventType.ASSET_CHECK_EVALUATION):
        check = event.event_specific_data
        if not check.passed and check.blocking and check.severity == dg.AssetCheckSeverity.ERROR:
            where = f" [{check.partition}]" if check.partition else ""
            yield f"check of {check.asset_key.to_user_string()}{where}", check.description or "failed"


def _last_words(instance: dg.DagsterInstance, run: dg.DagsterRun) -> str:
    for event in _records(instance, run, dg.DagsterEventType.RUN_FAILURE):
        data = event.event_specific_data
        error = getattr(data, "error", None)
        return str(error.message if error is not None else event.message)
    return "it ended without a word: its process was killed, or the machine stopped"


def _advice(told: list[tuple[str, str]], run: dg.DagsterRun) -> Iterator[str]:
    words = "\n".join(text for _, text in told)
    yield from (advice for sign, advice in _ADVICE if sign in words)
    if any(title.startswith("check") for title, _ in told):
        yield (
            "Look at the rows that the check names. The data are published; what reads this partition is "
            "held until a new materialization of it passes, and all else goes on with what was good before."
        )
    yield "Where the words above name a remedy, apply it, and materialize the partition again."
    yield f"Everything the run said: Dagster's UI, Runs, {run.run_id[:8]}."
