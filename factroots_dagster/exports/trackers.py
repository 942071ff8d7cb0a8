"""The numbers of a checkpoint for the trackers of experiments: trackio, and Weights & Biases.

A training is a run of the tracker, and its checkpoints are the steps; a checkpoint of no training is a run of
its own, at step 0. Where the tracker keeps its data is the tracker's affair (`TRACKIO_DIR`, `WANDB_MODE`).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from factroots_dagster.models.registry import CheckpointSource
from factroots_dagster.models.runs import find_runs
from factroots_dagster.roots.comparison import p_at_1_by_language
from factroots_dagster.roots.verdicts import UNDETERMINED
from factroots_dagster.settings import Tracker
from factroots_dagster.store.store import Store

ALL = "all"
SCORES = {
    "full_match": "p_at_1",
    "full_match_low": "p_at_1_low",
    "full_match_high": "p_at_1_high",
    "majority": "placebo_commonest_object",
    "prior_typed_p1": "placebo_subject_hidden",
}
"""Columns of PROBING_SCORES to names of metrics."""


def log_checkpoint(
    tracker: Tracker,
    project: str,
    store: Store,
    checkpoint: str,
    registered: Iterable[CheckpointSource],
    folder: Path,
) -> None:
    """Log the numbers of a checkpoint whose report is made, see `collect_metrics`.

    registered: all checkpoints, among which it has its training and its step. folder: where Weights & Biases
    keeps its files unless `WANDB_DIR` says otherwise. Raises whatever the tracker raises.
    """
    run, step = find_step(registered, checkpoint)
    metrics = collect_metrics(store, checkpoint)
    name, config = f"{store.root.name}/{run}", {"world": store.root.name, "training": run}
    if tracker == "trackio":
        _log_to_trackio(project, name, step, metrics, config)
    elif tracker == "wandb":
        folder.mkdir(parents=True, exist_ok=True)
        _log_to_wandb(project, name, step, metrics, config, folder)


def find_step(registered: Iterable[CheckpointSource], checkpoint: str) -> tuple[str, int]:
    """The name of a checkpoint's training, which is that of its first checkpoint, and its step."""
    for run in find_runs(registered):
        for step, key in run.checkpoints.items():
            if key == checkpoint:
                return next(iter(run.checkpoints.values())), step
    return checkpoint, 0


def collect_metrics(store: Store, checkpoint: str) -> dict[str, float]:
    """P@1, expected shares of what facts are known from, both with intervals, and what placebos reach.

    Names are `<language>/<metric>`, with `all` for all languages; what is unknown is left out.
    """
    scores = store.read("probing_scores", checkpoint)
    shares = store.read_side("shares", "fact_verdicts", checkpoint)
    found: dict[str, float | None] = {f"{ALL}/p_at_1": p_at_1_by_language(scores).get("*")}
    for row in scores.to_pylist():
        if row["relation"] == "*" and row["language"] != "*":
            found |= {f"{row['language']}/{name}": row[column] for column, name in SCORES.items()}
    found |= dict(_share_metrics(shares.to_pylist()))
    return {name: float(value) for name, value in found.items() if value is not None}


def _share_metrics(rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, float | None]]:
    """rows: of VERDICT_SHARES."""
    for row in rows:
        language = ALL if row["language"] == "*" else row["language"]
        verdict = row["verdict"]
        if verdict == UNDETERMINED:
            yield f"{language}/{UNDETERMINED}", row["share"]
            continue
        yield f"{language}/{verdict}", row["expected"]
        yield f"{language}/{verdict}_low", row["low"]
        yield f"{language}/{verdict}_high", row["high"]
        yield f"{language}/placebo_{verdict}_untrained", row["expected_untrained"]


def _log_to_trackio(
    project: str, name: str, step: int, metrics: Mapping[str, float], config: Mapping[str, str]
) -> None:
    import trackio

    with contextlib.redirect_stdout(io.StringIO()):  # it explains how its dashboard is opened
        trackio.init(
            project,
            name=name,
            resume="allow",
            config=dict(config),
            embed=False,
            auto_log_cpu=False,
            auto_log_gpu=False,
        )
        try:
            trackio.log(dict(metrics), step=step)
        finally:
            trackio.finish()


def _log_to_wandb(
    project: str, name: str, step: int, metrics: Mapping[str, float], config: Mapping[str, str], folder: Path
) -> None:
    """The step is a metric: W&B's own steps only rise, and a checkpoint may be made again."""
    import wandb

    run = wandb.init(
        project=project,
        id=hashlib.sha256(name.encode()).hexdigest()[:16],
        name=name,
        config=dict(config),
        dir=os.environ.get("WANDB_DIR", str(folder)),
        resume="allow",
        settings=wandb.Settings(silent=True, console="off", disable_git=True, login_timeout=10),
    )
    with run:
        run.define_metric("*", step_metric="step")
        run.log({"step": step, **metrics})
