"""`factroots demo`: materializes every asset of the world in one process and prints a summary.

Belongs here: what connects the definitions to a run in this process, and the summary's text. The order of the
runs is decided in `orchestration/stages.py`.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.partitions import platform_for
from factroots_dagster.orchestration.stages import StageRunner, materialize_world
from factroots_dagster.roots.verdict_shares import expected_shares
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def stage_runner(settings: Settings, instance: dg.DagsterInstance, say: Callable[[str], None]) -> StageRunner:
    """A runner of stages of the settings' world in this process; `say` prints a line of its progress."""
    definitions = build_defs(settings)
    assets: list[Any] = [*(definitions.assets or ()), *(definitions.asset_checks or ())]
    return StageRunner(platform_for(settings), assets, definitions.resources or {}, instance, say)


def run_demo(
    settings: Settings,
    instance: dg.DagsterInstance,
    say: Callable[[str], None] = print,
    *,
    force: bool = False,
) -> None:
    """Materialize every asset of the world for every registered checkpoint, and print a summary with `say`.

    What is up to date is left as it is unless `force`. Raises InputError when no checkpoint is registered
    (only possible outside generated worlds), and StageFailedError when a run fails.
    """
    started = time.monotonic()
    runner = stage_runner(settings, instance, say)
    checkpoints = materialize_world(runner, only_outdated=not force)
    say(f"\nEvery asset is materialized, after {time.monotonic() - started:.0f} s.")
    say(summarize_reports(runner.platform.store, checkpoints))


def summarize_reports(store: Store, checkpoints: Iterable[str]) -> str:
    """For each checkpoint its report, P@1, types, agreement with the planted truth, and expected shares."""
    lines = []
    for key in checkpoints:
        page = store.shown_folder("categorization_report", key) / "index.html"
        summary = store.version("categorization_report", key).file("summary.json")
        lines += ["", f"{key}: {page}", *_summary_lines(summary)]
        lines.append(_verdict_line(store.read_side("shares", "fact_verdicts", key)))
    return "\n".join(lines)


def _verdict_line(shares: pa.Table) -> str:
    """Expected shares over all languages, and what an untrained model would share. shares: VERDICT_SHARES."""
    expected, untrained = expected_shares(shares)
    percents = "  ".join(f"{name} {share:.0%}" for name, share in expected.items())
    line = "  expected shares  " + (percents or "too few facts without a source to tell")
    return line if untrained is None else f"{line}  (untrained: shared {untrained:.1%})"


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
