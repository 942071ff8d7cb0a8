"""Materializes the whole graph of the settings' world in one process, as `make demo` does.

Every stage is an ordinary Dagster run on the instance, so the UI shows its history. One process imports
Great Expectations, starts Spark and loads each model once, however many languages there are.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.checks.registry import BY_CELL, BY_CHECKPOINT, BY_LANGUAGE, GENERATED
from factroots_dagster.orchestration.partitions import checkpoint_set, platform_for
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

_RANGE = ("dagster/asset_partition_range_start", "dagster/asset_partition_range_end")
_QUIET = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}


class StageFailedError(RuntimeError):
    """A run of the demo failed; the message says what and why."""


class StageRunner:
    """Runs selections of the world's assets, with their checks, in this process."""

    def __init__(self, settings: Settings, instance: dg.DagsterInstance, say: Callable[[str], None]) -> None:
        definitions = build_defs(settings)
        self.assets: list[Any] = [*(definitions.assets or ()), *(definitions.asset_checks or ())]
        self.resources = definitions.resources
        self.instance, self.say = instance, say

    def __call__(
        self, title: str, assets: Iterable[str], first: str | None = None, last: str | None = None
    ) -> None:
        """Materialize the assets, in the partitions from `first` to `last`; raises StageFailedError."""
        started = time.monotonic()
        self.say(title)
        result = dg.materialize(
            self.assets,
            selection=dg.AssetSelection.assets(*assets),
            instance=self.instance,
            resources=self.resources,
            partition_key=first if last is None else None,
            tags=dict(zip(_RANGE, (first, last), strict=True)) if first and last else {},
            run_config=_QUIET,
            raise_on_error=False,
        )
        if not result.success:
            raise StageFailedError(f"{title}: {_reasons(result)}")
        unmet = [check for check in result.get_asset_check_evaluations() if not check.passed]
        for check in unmet:
            where = f" [{check.partition}]" if check.partition else ""
            self.say(f"  warning: {check.asset_key.to_user_string()}{where}: {check.description}")
        self.say(f"  {time.monotonic() - started:.1f} s")


def _reasons(result: dg.ExecuteInProcessResult) -> str:
    failures = [event for event in result.all_events if event.is_step_failure]
    lines = []
    for event in failures:
        data = event.step_failure_data
        failure = data.user_failure_data.description if data.user_failure_data else None
        cause = data.error.cause if data.error and data.error.cause else data.error
        lines.append(f"{event.step_key}: {failure or (cause.message if cause else event.message)}".strip())
    lines += [
        f"{check.asset_key.to_user_string()} {check.partition or ''}: {check.description}"
        for check in result.get_asset_check_evaluations()
        if not check.passed
    ]
    return "; ".join(lines) or "the run failed"


def run_demo(settings: Settings, instance: dg.DagsterInstance, say: Callable[[str], None] = print) -> None:
    """Materialize every asset of the world, for every registered checkpoint, and say what came out.

    Raises InputError when no checkpoint is registered (only possible outside generated worlds), and
    StageFailedError when a run fails.
    """
    started = time.monotonic()
    store, run = platform_for(settings).store, StageRunner(settings, instance, say)
    languages, wordpieces = settings.active_languages, settings.wordpiece_checkpoint
    if wordpieces and not settings.generated:  # mentions are made from its tokenizer
        instance.add_dynamic_partitions(checkpoint_set(settings), [wordpieces])
        run(f"checkpoint {wordpieces}", ["checkpoint"], wordpieces)
    run("mLAMA release", ["mlama_release", *(["planted_truth"] if settings.generated else [])])
    run(f"facts and Wikipedia of {len(languages)} languages", BY_LANGUAGE, languages[0], languages[-1])
    training = [name for name in GENERATED if name != "planted_truth"] if settings.generated else []
    run("coverage" + (" and training" if training else ""), ["fact_coverage", *training])
    checkpoints = list(registered(settings))
    if not checkpoints:
        raise InputError("no checkpoint is registered; run: factroots checkpoints add <hub id or folder>")
    instance.add_dynamic_partitions(checkpoint_set(settings), checkpoints)
    for key in checkpoints:
        if settings.generated or key != wordpieces:
            run(f"checkpoint {key}", ["checkpoint"], key)
        run(f"probing {key}", BY_CELL, f"{key}|{languages[0]}", f"{key}|{languages[-1]}")
        run(f"conclusions on {key}", [name for name in BY_CHECKPOINT if name != "checkpoint"], key)
    run("comparison of checkpoints", ["checkpoint_comparison"])
    say(f"\nEvery asset materialized in {time.monotonic() - started:.0f} s.")
    say(outcome(store, checkpoints))


def outcome(store: Store, checkpoints: Iterable[str]) -> str:
    """What a person wants to know at the end: P@1, types, agreement with what was planted, the report."""
    lines = []
    for key in checkpoints:
        page = store.require("categorization_report", key) / "index.html"
        lines += ["", f"{key}: {page}", *_summary_lines(page.with_name("summary.json"))]
    return "\n".join(lines)


def _summary_lines(path: Path) -> list[str]:
    summary = json.loads(path.read_text(encoding="utf-8"))
    scores = {key: entry["full_match"] for key, entry in summary["p_at_1"].items() if key != "overall"}
    types: Mapping[str, int] = summary["types"]["*"]
    lines = [
        f"  P@1    all {summary['p_at_1']['overall']:.3f}  "
        + "  ".join(f"{language} {value:.3f}" for language, value in scores.items()),
        "  types  " + "  ".join(f"{name} {count}" for name, count in types.items()),
    ]
    planted = summary["planted_agreement"]
    if planted and planted["cells"]:
        lines.append(
            "  agreement with the planted truth (independent, shared, transferred): "
            f"{planted['accuracy']:.3f} of {planted['cells']} predicted facts"
        )
    return lines
