"""The tiny world: made by the real graph, from a checkpoint that lies beside this file."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pyarrow as pa

from factroots_dagster.cli.run import stage_runner
from factroots_dagster.orchestration.catalog import CATALOG, rows_in
from factroots_dagster.orchestration.partitions import CHECKPOINT, LANGUAGE, checkpoint_set
from factroots_dagster.orchestration.stages import stages
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.training import TrainingConfig, train
from factroots_dagster.sandbox.world import generate
from factroots_dagster.settings import Settings
from factroots_dagster.store.parquet import main_files
from factroots_dagster.store.store import Store

HERE = Path(__file__).parent
CHECKPOINTS = HERE / "checkpoints"
CONTENTS = HERE / "contents.json"
KEY = "step-2000"
LANGUAGES = ("qaa", "qab", "qaf")
SEED = 0
STEPS = 2000
CONFIG = TrainingConfig(vocabulary_share=0.6, hidden=48, intermediate=96, heads=2, batch_size=32)
TOLERANCE = 1e-4
"""By how much of their size decimals may differ: another processor gives others in the last digits."""


def golden_settings(folder: Path) -> Settings:
    """The settings of the tiny world, with its data in a folder."""
    return Settings(
        world="sandbox",
        data_root=folder,
        languages=LANGUAGES,
        checkpoints=CHECKPOINTS,
        sandbox_preset="easy",
        sandbox_seed=SEED,
        spark_master="local[2]",
        device="cpu",
    )


def train_checkpoint() -> None:
    """Train the checkpoint: some two minutes."""
    CHECKPOINTS.mkdir(exist_ok=True)
    world = generate(SEED, PRESETS["easy"])
    texts = {code: [article.text for article in world.articles[code]] for code in LANGUAGES}
    titles = {
        code: [article.title for article in world.articles[code]] + list(world.redirects[code])
        for code in LANGUAGES
    }
    train(
        texts,
        CHECKPOINTS,
        seed=SEED,
        steps=STEPS,
        save_at=(STEPS,),
        entities=titles,
        config=CONFIG,
        progress=print,
    )


def materialize(folder: Path, say: Callable[[str], None]) -> tuple[Settings, Store]:
    """Materialize every asset but the training, for the checkpoint beside this file."""
    settings = golden_settings(folder)
    rows = [row for row in rows_in(settings) if row.name != "sandbox_training" and not row.on_demand]
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions(checkpoint_set(settings.world), [KEY])
        runner = stage_runner(settings, instance, say)
        for stage in stages(rows):
            runner.run_stage(stage, KEY)
    return settings, runner.platform.store


def contents(settings: Settings, store: Store) -> dict[str, dict[str, Any]]:
    """By asset, the number of its code and the `content` of all its tables and partitions."""
    keys = {LANGUAGE: settings.active_languages, CHECKPOINT: [KEY]}
    return {
        name: {"number": row.number, **content(_tables(store, name, row.partitions(keys)))}
        for name, row in CATALOG.items()
        if name != "sandbox_training" and not row.on_demand
    }


def _tables(store: Store, name: str, partitions: Iterable[tuple[str, ...]]) -> Iterator[tuple[str, pa.Table]]:
    for parts in partitions:
        folder = store.require(name, *parts)
        if main_files(folder):
            yield "", store.read(name, *parts)
        for path in sorted(folder.glob("_*.parquet")):
            side = path.stem.removeprefix("_")
            yield f"{side}.", store.read_side(side, name, *parts)
        if (folder / "summary.json").is_file():
            yield "summary.", pa.table({"json": [json.loads((folder / "summary.json").read_text("utf-8"))]})


def content(tables: Iterable[tuple[str, pa.Table]]) -> dict[str, Any]:
    """What tables hold: `digest` of everything but decimals and paths, and `decimals` by column.

    tables: a prefix of the columns' names, and the table. Of a column's decimals there are two sums: of their
    signed logarithms, weighted by position, and of the sizes of these.
    """
    digest, decimals = hashlib.sha256(), dict[str, list[float]]()
    for prefix, table in tables:
        for name in table.column_names:
            if name not in ("path", "weights_sha256", "revision"):
                found = decimals.setdefault(prefix + name, [])
                exact = [_without_decimals(value, found) for value in table[name].to_pylist()]
                digest.update(json.dumps([name, exact], default=str).encode())
    sums = {name: _sum(np.array(found)) for name, found in decimals.items() if found}
    return {"digest": digest.hexdigest()[:32], "decimals": sums}


def _without_decimals(value: Any, found: list[float]) -> Any:
    """The value with its decimals taken out, which are added to `found`; those in texts are dropped."""
    if isinstance(value, float):
        if np.isfinite(value):
            found.append(value)
            return "decimal"
        return str(value)
    if isinstance(value, str):
        return re.sub(r"\d+\.\d+", "decimal", value)
    if isinstance(value, Mapping):
        return {key: _without_decimals(item, found) for key, item in value.items()}
    return [_without_decimals(item, found) for item in value] if isinstance(value, list) else value


def _sum(values: np.ndarray) -> list[float]:
    sizes = np.sign(values) * np.log1p(np.abs(values))
    weights = 1 + np.sin(np.arange(len(values))) / 2
    return [float(f"{total:.9g}") for total in (sizes @ weights, np.abs(sizes).sum())]


def is_same(content: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two results of `content` are the same but for the last digits of decimals."""
    ours, theirs = content["decimals"], other["decimals"]
    return (
        content["digest"] == other["digest"]
        and ours.keys() == theirs.keys()
        and all(
            abs(total - theirs[name][0]) <= TOLERANCE * size + 1e-6 for name, (total, size) in ours.items()
        )
    )
