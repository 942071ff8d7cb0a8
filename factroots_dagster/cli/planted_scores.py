"""Agreement of the types with what was planted, over several generated worlds: `factroots planted-scores`.

Every world is generated, trained and categorized as the demo does it, as far as `fact_types` of the last
checkpoint, in a folder of its own. The measured file ships as roots/planted_scores.json.
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
from itertools import product
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.cli.run import stage_runner
from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.catalog import ancestors, rows_in, stages
from factroots_dagster.orchestration.partitions import CHECKPOINT, LANGUAGE, checkpoint_set
from factroots_dagster.roots.planted import score_agreement
from factroots_dagster.roots.sensitivity import DEFAULT_SETTING, PAPER_STATISTIC, Setting, apply_setting
from factroots_dagster.settings import Settings
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.store.store import Store

DEVELOPMENT_SEEDS = (0, 1, 2)  # statistic, shrinkage, null, level and name rule were chosen on these
PAPER_ALPHA = 0.1  # the paper has no level; at 0.05 its statistic finds fewer shared facts and agrees less
NEEDED = {"fact_types", "planted_truth", *ancestors("fact_types")}
_PACKAGES = ("factroots_dagster", "numpy", "torch", "transformers")


def seeds_of(text: str) -> list[int]:
    """Seeds of a comma-separated list; raises InputError."""
    try:
        seeds = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"{text!r} is not a list of seeds; write for example 4,5,6") from None
    if any(seed < 0 for seed in seeds) or len(set(seeds)) != len(seeds):
        raise InputError(f"{text!r}: seeds are different numbers from 0 on")
    return seeds


def measure(
    seeds: Sequence[int],
    disjoint: Sequence[int],
    output: Path,
    folder: Path | None,
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Scores of the joint worlds of `seeds` and the control worlds of `disjoint`, written to `output`.

    folder: where worlds are kept, and reused as far as they are finished; None: made anew and removed.
    Raises InputError without a seed, StageFailedError when a run fails.
    """
    worlds = [*(("sandbox", seed) for seed in seeds), *(("disjoint", seed) for seed in disjoint)]
    if not worlds:
        raise InputError("no world to score; name seeds with --seeds or --disjoint")
    runs = []
    for world, seed in worlds:
        with _home(folder, f"{world}-{seed}") as root:
            settings = Settings.model_validate({"world": world, "sandbox_seed": seed, "data_root": root})
            say(f"{world} world of seed {seed}")
            runs.append({"world": world, "seed": seed, **_scored(settings, _materialize(settings, say))})
            scores = runs[-1]["methods"]
            say(
                "  agreement: "
                + ", ".join(f"{name} {scores[name]['accuracy']:.3f}" for name in scores)
                + f" of {scores['ours']['cells']} predicted facts"
            )
    arguments = [("--seeds", seeds), ("--disjoint", disjoint)]
    words = [f"{name} {','.join(map(str, chosen))}" for name, chosen in arguments if chosen]
    measured = {
        "command": f"factroots planted-scores {' '.join(words)} --output {shlex.quote(output.name)}",
        "versions": {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES},
        "methods": runs[-1].pop("settings"),
        "runs": [{key: value for key, value in run.items() if key != "settings"} for run in runs],
        "pooled": {
            world: pooled([run for run in runs if run["world"] == world and run["role"] != "development"])
            for world in dict(worlds)
        },
    }
    text = json.dumps(measured, indent=1, sort_keys=True, allow_nan=False) + "\n"
    with atomic_file(output) as temporary:
        temporary.write_text(text, encoding="utf-8")
    return measured


@contextmanager
def _home(folder: Path | None, name: str) -> Iterator[Path]:
    if folder is not None:
        yield folder / name
        return
    with tempfile.TemporaryDirectory(prefix="factroots-") as made:
        yield Path(made)


def _materialize(settings: Settings, say: Callable[[str], None]) -> str:
    """Everything that `fact_types` of the last checkpoint needs; returns the checkpoint's key."""
    store, languages = Store(settings.data_root, settings.world), settings.active_languages
    key = ""
    with dg.DagsterInstance.ephemeral() as instance:
        runner = stage_runner(settings, instance, say)
        for stage in stages(rows_in(settings)):
            if CHECKPOINT in stage.partitioned_by and not key:
                key = list(registered(settings))[-1]
                instance.add_dynamic_partitions(checkpoint_set(settings), [key])
            choices = {CHECKPOINT: [key], LANGUAGE: languages}
            partitions = list(product(*(choices[dimension] for dimension in stage.partitioned_by)))
            done = [
                name
                for name in stage.assets
                if name not in NEEDED or all(store.exists(name, *parts) for parts in partitions)
            ]
            runner.run_stage(stage, key, skip=done)
    return key


def _scored(settings: Settings, checkpoint: str) -> dict[str, Any]:
    """Scores of both methods in one world, as a run of the file, and the methods' settings."""
    store = Store(settings.data_root, settings.world)
    truth, types = store.read("planted_truth"), store.read("fact_types", checkpoint)
    variants = store.read_side("variants", "fact_types", checkpoint)
    k = _k_in_use(variants)
    ours = DEFAULT_SETTING
    of_paper = Setting(ours.matcher, PAPER_STATISTIC, k, "relation", PAPER_ALPHA)
    by_paper = apply_setting(variants, of_paper)
    missed = types.filter(pc.equal(types["type"], "not_predicted")).select(by_paper.column_names)
    tables = {"paper": pa.concat_tables([by_paper, missed.cast(by_paper.schema)]), "ours": types}
    methods = {}
    for name, table in tables.items():
        scores = score_agreement(table, truth)
        asked = scores["p_at_1"].get("transferred", {"n": 0})["n"]
        hits = scores["confusion"].get("transferred", {})
        found = hits.get("transferred", 0)
        low, high = wilson(found, asked)
        scores["transferred_rate"] = {
            "cells": asked,
            "predicted": sum(hits.values()),
            "called_transferred": found,
            "share": found / asked if asked else None,
            "low": low,
            "high": high,
        }
        # In a control world nothing is shared, whatever was planted: there this is the rate of false claims.
        stated = [scores["confusion"].get(kind, {}) for kind in ("shared", "independent")]
        called = sum(row.get("shared", 0) for row in stated)
        cells = sum(sum(row.values()) for row in stated)
        low, high = wilson(called, cells)
        scores["shared_rate"] = {
            "cells": cells,
            "called_shared": called,
            "share": called / cells if cells else None,
            "low": low,
            "high": high,
        }
        methods[name] = scores
    role = "control" if settings.world == "disjoint" else "unseen"
    return {
        "checkpoint": checkpoint,
        "role": "development" if settings.sandbox_seed in DEVELOPMENT_SEEDS else role,
        "predicted": types.num_rows - missed.num_rows,
        "methods": methods,
        "settings": {"paper": vars(of_paper), "ours": vars(ours)},
    }


def _k_in_use(variants: pa.Table) -> int | None:
    """The k of the sets of neurons that are compared at one k only."""
    kept = variants.filter(pc.equal(variants["statistic"], "signed_jaccard"))
    return kept["k"][0].as_py() if kept.num_rows else None


def pooled(runs: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """By method: means over the worlds with 95% t-intervals, and the summed confusion."""
    found = {}
    for method in runs[0]["methods"] if runs else ():
        scores = [run["methods"][method] for run in runs]
        confusion: dict[str, Counter[str]] = {}
        for one in scores:
            for kind, row in one["confusion"].items():
                confusion.setdefault(kind, Counter()).update(row)
        entry: dict[str, Any] = {
            "seeds": [run["seed"] for run in runs],
            "cells": sum(one["cells"] for one in scores),
            "confusion": {kind: dict(row) for kind, row in confusion.items()},
            "recall": {kind: _mean([one["recall"][kind] for one in scores]) for kind in scores[0]["recall"]},
        }
        for name in ("accuracy", "balanced_accuracy"):
            entry |= _with_interval(name, [one[name] for one in scores])
        entry["luck_rate"] = _mean([one["luck_rate"] for one in scores])
        for name in ("transferred_rate", "shared_rate"):
            entry |= _with_interval(name, [one[name]["share"] for one in scores])
        found[method] = entry
    return found


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _with_interval(name: str, values: Sequence[float | None]) -> dict[str, float | None]:
    """Mean over worlds and its 95% interval by Student's t; no interval for a single world."""
    from scipy import stats

    known = [value for value in values if value is not None]
    mean = _mean(known)
    entry: dict[str, float | None] = {name: mean, f"{name}_low": None, f"{name}_high": None}
    if mean is not None and len(known) > 1:
        spread = math.sqrt(math.fsum((value - mean) ** 2 for value in known) / (len(known) - 1))
        half = float(stats.t.ppf(0.975, len(known) - 1)) * spread / math.sqrt(len(known))
        entry |= {f"{name}_low": mean - half, f"{name}_high": mean + half}
    return entry
