"""The tiny world: made by the real graph, from a checkpoint that lies beside this file."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import dagster as dg
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
DIGITS = 4
"""Significant digits of a number that count: another processor may give others in the last ones."""


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
    """By asset, the number of its code and the digest of the content of all its tables and partitions."""
    keys = {LANGUAGE: settings.active_languages, CHECKPOINT: [KEY]}
    recorded = {}
    for name, row in CATALOG.items():
        if name == "sandbox_training" or row.on_demand:
            continue
        digest = hashlib.sha256()
        for parts in row.partitions(keys):
            for table in _tables(store.require(name, *parts), store, name, parts):
                digest.update(content_digest(table).encode())
        recorded[name] = {"number": row.number, "content": digest.hexdigest()[:32]}
    return recorded


def _tables(folder: Path, store: Store, name: str, parts: tuple[str, ...]) -> Iterable[pa.Table]:
    if main_files(folder):
        yield store.read(name, *parts)
    for path in sorted(folder.glob("_*.parquet")):
        yield store.read_side(path.stem.removeprefix("_"), name, *parts)
    if (folder / "summary.json").is_file():
        yield pa.table({"summary": [json.loads((folder / "summary.json").read_text("utf-8"))]})


def content_digest(table: pa.Table) -> str:
    """Digest of a table's rows, with numbers to DIGITS significant digits; paths do not count."""
    columns = [name for name in table.column_names if name not in ("path", "weights_sha256", "revision")]
    return hashlib.sha256(
        json.dumps([columns, _rounded(table.select(columns).to_pydict())], default=str).encode()
    ).hexdigest()


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        rounded = float(f"{value:.{DIGITS}g}")
        return 0.0 if abs(rounded) < 1e-6 else rounded
    if isinstance(value, Mapping):
        return {key: _rounded(item) for key, item in value.items()}
    return [_rounded(item) for item in value] if isinstance(value, list) else value
