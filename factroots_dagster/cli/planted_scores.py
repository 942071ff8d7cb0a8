"""`factroots planted-scores`: agreement of the types with the planted truth over several generated worlds.

In each world the assets up to `fact_types` of the last checkpoint are materialized as `factroots demo` does,
in a folder of its own. The file that was measured for the report is roots/planted_scores.json.
"""

from __future__ import annotations

import json
import math
import platform
import shlex
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.cli.run import stage_runner
from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.catalog import CATALOG, ancestors, rows_in
from factroots_dagster.orchestration.partitions import CHECKPOINT, LANGUAGE, checkpoint_set
from factroots_dagster.orchestration.stages import stages
from factroots_dagster.roots.planted import score_agreement
from factroots_dagster.roots.sensitivity import DEFAULT_SETTING, PAPER_STATISTIC, Setting, apply_setting
from factroots_dagster.settings import Settings
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.store import Store

DEVELOPMENT_SEEDS = (0, 1, 2)
"""The seeds on which statistic, shrinkage, null, level and name rule were chosen."""
PAPER_ALPHA = 0.1
"""A level for the paper's statistic, which has none: at 0.05 it finds fewer shared facts and agrees less."""
NEEDED_ASSETS = {"fact_types", "planted_truth", *ancestors("fact_types")}
_PACKAGES = ("factroots_dagster", "numpy", "torch", "transformers")


def parse_seeds(text: str) -> list[int]:
    """The seeds of a comma-separated list; raises InputError when one is no seed or is listed twice."""
    try:
        seeds = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"{text!r} is not a list of seeds", "write it as in 4,5,6") from None
    if any(seed < 0 for seed in seeds) or len(set(seeds)) != len(seeds):
        raise InputError(f"{text!r} is not a list of seeds", "use non-negative integers, each of them once")
    return seeds


def measure(
    seeds: Sequence[int],
    disjoint: Sequence[int],
    output: Path,
    folder: Path | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Score the sandbox worlds of `seeds` and the control worlds of `disjoint`; write them to `output`.

    folder: where worlds are kept, and reused as far as they are finished; None: temporary folders.
    say: prints a line of progress. Returns the content of the file.
    Raises InputError without a seed, and StageFailedError when a run fails.
    """
    worlds = [*(("sandbox", seed) for seed in seeds), *(("disjoint", seed) for seed in disjoint)]
    if not worlds:
        raise InputError("no world to score", "name seeds with --seeds or --disjoint")
    runs = []
    for world, seed in worlds:
        with _world_folder(folder, f"{world}-{seed}") as root:
            settings = Settings.model_validate({"world": world, "sandbox_seed": seed, "data_root": root})
            say(f"{world} world of seed {seed}")
            runs.append({"world": world, "seed": seed, **_score_world(settings, _materialize(settings, say))})
            scores = runs[-1]["methods"]
            say(
                "  agreement: "
                + ", ".join(f"{name} {scores[name]['accuracy']:.3f}" for name in scores)
                + f" of {scores['ours']['cells']} predicted facts"
            )
    arguments = [("--seeds", seeds), ("--disjoint", disjoint)]
    options = [f"{name} {','.join(map(str, numbers))}" for name, numbers in arguments if numbers]
    measured = {
        "command": f"factroots planted-scores {' '.join(options)} --output {shlex.quote(output.name)}",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "methods": runs[-1].pop("settings"),
        "runs": [{key: value for key, value in run.items() if key != "settings"} for run in runs],
        "pooled": {
            world: pool_runs([run for run in runs if run["world"] == world and run["role"] != "development"])
            for world in dict(worlds)
        },
    }
    text = json.dumps(measured, indent=1, sort_keys=True, allow_nan=False) + "\n"
    with atomic_file(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return measured


@contextmanager
def _world_folder(folder: Path | None, name: str) -> Iterator[Path]:
    if folder is not None:
        yield folder / name
        return
    with tempfile.TemporaryDirectory(prefix="factroots-") as temporary:
        yield Path(temporary)


def _materialize(settings: Settings, say: Callable[[str], None]) -> str:
    """Materialize what is missing of `fact_types` of the last checkpoint; returns the checkpoint's key."""
    store, languages = Store(settings.data_root, settings.world), settings.active_languages
    key = ""
    with dg.DagsterInstance.ephemeral() as instance:
        runner = stage_runner(settings, instance, say)
        for stage in stages(rows_in(settings)):
            if CHECKPOINT in stage.partitioned_by and not key:
                key = list(registered(settings))[-1]
                instance.add_dynamic_partitions(checkpoint_set(settings), [key])
            keys = {CHECKPOINT: [key], LANGUAGE: languages}
            skipped = [
                name
                for name in stage.assets
                if name not in NEEDED_ASSETS
                or all(store.exists(name, *parts) for parts in CATALOG[name].partitions(keys))
            ]
            runner.run_stage(stage, key, skip=skipped)
    return key


def _score_world(settings: Settings, checkpoint: str) -> dict[str, Any]:
    """The scores of both methods in one world, an entry of `runs` in the file, and the methods' settings."""
    store = Store(settings.data_root, settings.world)
    truth, types = store.read("planted_truth"), store.read("fact_types", checkpoint)
    variants = store.read_side("variants", "fact_types", checkpoint)
    k = _k_in_use(variants)
    ours = DEFAULT_SETTING
    paper = Setting(ours.matcher, PAPER_STATISTIC, k, "relation", PAPER_ALPHA)
    paper_types = apply_setting(variants, paper)
    not_predicted = types.filter(pc.equal(types["type"], "not_predicted")).select(paper_types.column_names)
    tables = {
        "paper": pa.concat_tables([paper_types, not_predicted.cast(paper_types.schema)]),
        "ours": types,
    }
    methods = {}
    for name, table in tables.items():
        scores = score_agreement(table, truth)
        transferred_cells = scores["p_at_1"].get("transferred", {"n": 0})["n"]
        predicted = scores["confusion"].get("transferred", {})
        called_transferred = predicted.get("transferred", 0)
        low, high = wilson(called_transferred, transferred_cells)
        scores["transferred_rate"] = {
            "cells": transferred_cells,
            "predicted": sum(predicted.values()),
            "called_transferred": called_transferred,
            "share": called_transferred / transferred_cells if transferred_cells else None,
            "low": low,
            "high": high,
        }
        # In a control world no fact is shared, whatever was planted: there this is the false-positive rate.
        stated = [scores["confusion"].get(planted, {}) for planted in ("shared", "independent")]
        called_shared = sum(row.get("shared", 0) for row in stated)
        stated_cells = sum(sum(row.values()) for row in stated)
        low, high = wilson(called_shared, stated_cells)
        scores["shared_rate"] = {
            "cells": stated_cells,
            "called_shared": called_shared,
            "share": called_shared / stated_cells if stated_cells else None,
            "low": low,
            "high": high,
        }
        methods[name] = scores
    role = "control" if settings.world == "disjoint" else "unseen"
    return {
        "checkpoint": checkpoint,
        "role": "development" if settings.sandbox_seed in DEVELOPMENT_SEEDS else role,
        "predicted": types.num_rows - not_predicted.num_rows,
        "methods": methods,
        "settings": {"paper": vars(paper), "ours": vars(ours)},
    }


def _k_in_use(variants: pa.Table) -> int | None:
    """The size k of the neuron sets that `signed_jaccard` compares; None when it was not computed."""
    rows = variants.filter(pc.equal(variants["statistic"], "signed_jaccard"))
    return rows["k"][0].as_py() if rows.num_rows else None


def pool_runs(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By method: means over the worlds with 95% t-intervals, and the sum of the confusion matrices."""
    methods = {}
    for method in runs[0]["methods"] if runs else ():
        scores = [run["methods"][method] for run in runs]
        confusion: dict[str, Counter[str]] = {}
        for world in scores:
            for planted, row in world["confusion"].items():
                confusion.setdefault(planted, Counter()).update(row)
        entry: dict[str, Any] = {
            "seeds": [run["seed"] for run in runs],
            "cells": sum(world["cells"] for world in scores),
            "confusion": {planted: dict(row) for planted, row in confusion.items()},
            "recall": {
                planted: _mean([world["recall"][planted] for world in scores])
                for planted in scores[0]["recall"]
            },
        }
        for name in ("accuracy", "balanced_accuracy"):
            entry |= _with_interval(name, [world[name] for world in scores])
        entry["luck_rate"] = _mean([world["luck_rate"] for world in scores])
        for name in ("transferred_rate", "shared_rate"):
            entry |= _with_interval(name, [world[name]["share"] for world in scores])
        methods[method] = entry
    return methods


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _with_interval(name: str, values: Sequence[float | None]) -> dict[str, float | None]:
    """The mean over worlds and its 95% interval by Student's t, which a single world does not have."""
    from scipy import stats

    known = [value for value in values if value is not None]
    mean = _mean(known)
    entry: dict[str, float | None] = {name: mean, f"{name}_low": None, f"{name}_high": None}
    if mean is not None and len(known) > 1:
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))
        half = float(stats.t.ppf(0.975, len(known) - 1)) * spread / math.sqrt(len(known))
        entry |= {f"{name}_low": mean - half, f"{name}_high": mean + half}
    return entry
