"""`factroots dev yardstick`: every method against the causal truth of new worlds, beside its placebos.

In each world the assets up to `fact_types` of the last checkpoint are materialized as `factroots run` does,
then the retrainings, in a folder of its own. What was measured beforehand is sandbox/yardstick.csv.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow as pa

from factroots_dagster.cli.run import stage_runner
from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.assets.step import generated_world
from factroots_dagster.orchestration.catalog import CATALOG, ancestors, rows_in
from factroots_dagster.orchestration.partitions import CHECKPOINT, checkpoint_set
from factroots_dagster.orchestration.stages import StageRunner, stages
from factroots_dagster.orchestration.versions import StoreSnapshot
from factroots_dagster.sandbox.blocks import block_names
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.schema import YARDSTICK
from factroots_dagster.yardstick.table import tabulate, write_yardstick

NEEDED_ASSETS = {"fact_types", *ancestors("fact_types")}
TRAINING_OFFSET = 1000
"""Added to the seed of a world for each further training, so that trainings of neighbouring worlds differ."""


def parse_seeds(text: str) -> list[int]:
    """The seeds of a comma-separated list; raises InputError when one is no seed or is listed twice."""
    try:
        seeds = [int(part) for part in text.split(",") if part.strip()]
    except ValueError:
        raise InputError(f"{text!r} is not a list of seeds", "write it as in 4,5,6") from None
    if not seeds or any(seed < 0 for seed in seeds) or len(set(seeds)) != len(seeds):
        raise InputError(f"{text!r} is not a list of seeds", "use non-negative integers, each of them once")
    return seeds


def measure_worlds(
    preset: str,
    seeds: Sequence[int],
    output: Path,
    *,
    dials: str,
    blocks: int,
    trainings: int,
    folder: Path | None,
    say: Callable[[str], None],
) -> pa.Table:
    """Score all methods in the worlds of a preset, write YARDSTICK to `output`, and return it.

    dials: changes of the preset (see `sandbox.dials.parse_dials`). blocks: see `Settings.sandbox_blocks`.
    trainings: how often the truth is found, each time with another seed of the training; with two or more
    every method is scored against what they agree on, and how far they agree is measured. folder: where
    worlds are kept, and reused as far as they are current; None: temporary folders. say: prints a line of
    progress.
    Raises InputError for an unknown preset or dial, and StageFailedError when a run fails.
    """
    tables = [YARDSTICK.empty_table()]
    for seed in seeds:
        with _world_folder(folder, f"{preset}-{seed}") as root:
            say(f"{preset} world of seed {seed}")
            settings = _settings(root / "data", preset, seed, dials, blocks)
            others = [
                settings.model_copy(
                    update={
                        "data_root": root / f"training-{training}",
                        "sandbox_training_seed": seed + training * TRAINING_OFFSET,
                    }
                )
                for training in range(1, trainings)
            ]
            rows = _score_world(settings, others, say)
            tables.append(tabulate(preset, seed, rows))
            write_yardstick(pa.concat_tables(tables), output)
    return pa.concat_tables(tables)


def _settings(root: Path, preset: str, seed: int, dials: str, blocks: int) -> Settings:
    return Settings.model_validate(
        {
            "world": "sandbox",
            "sandbox_preset": preset,
            "sandbox_dials": dials,
            "sandbox_seed": seed,
            "sandbox_blocks": blocks,
            "data_root": root,
        }
    )


@contextmanager
def _world_folder(folder: Path | None, name: str) -> Iterator[Path]:
    if folder is not None:
        yield folder / name
        return
    with tempfile.TemporaryDirectory(prefix="factroots-") as temporary:
        yield Path(temporary)


def _score_world(
    settings: Settings, others: Sequence[Settings], say: Callable[[str], None]
) -> list[dict[str, Any]]:
    """The rows of one world: everything is materialized, then judged by every method.

    others: of further trainings of the same world, of which only the truth is found.
    """
    from factroots_dagster.models.checkpoint import load
    from factroots_dagster.yardstick.agreement import measure_trainings
    from factroots_dagster.yardstick.scores import score_world, truth_frame
    from factroots_dagster.yardstick.study import read_study

    store = Store(settings.data_root, settings.world)
    with dg.DagsterInstance.ephemeral() as instance:
        runner = stage_runner(settings, instance, say)
        checkpoint = materialize_types(runner)
        truths = [_materialize_truth(runner)]
    for other in others:
        with dg.DagsterInstance.ephemeral() as instance:
            runner = stage_runner(other, instance, say)
            _materialize_current(runner, ["mlama_release", "mlama_split"])
            truths.append(_materialize_truth(runner))
    model = load(registered(settings)[checkpoint].source, device="cpu")
    study = read_study(store, generated_world(settings), model, checkpoint, settings.active_languages)
    rows = score_world(study, truths, say)
    metrics = measure_trainings([truth_frame(truth) for truth in truths]) if others else []
    return rows + [{"method": "truth", **metric._asdict()} for metric in metrics]


def materialize_types(runner: StageRunner) -> str:
    """Materialize what is missing of `fact_types` of the last checkpoint; returns the checkpoint's key."""
    first = NEEDED_ASSETS - {name for name in NEEDED_ASSETS if CHECKPOINT in CATALOG[name].partitioned_by}
    _materialize_current(runner, first)
    settings = runner.platform.settings
    key = list(registered(settings))[-1]
    runner.instance.add_dynamic_partitions(checkpoint_set(settings.world), [key])
    _materialize_current(runner, NEEDED_ASSETS - first, key)
    return key


def _materialize_current(
    runner: StageRunner, assets: Sequence[str] | set[str], key: str | None = None
) -> None:
    """Materialize those of some assets that are missing or out of date, of one checkpoint."""
    for stage in stages([row for row in rows_in(runner.platform.settings) if row.name in assets]):
        runner.run_stage(stage, key, only_outdated=True)


def _materialize_truth(runner: StageRunner) -> pa.Table:
    """COUNTERFACTUAL_TRUTH, for which the retrainings that are missing or out of date are made one by one."""
    settings = runner.platform.settings
    snapshot = StoreSnapshot(runner.platform.store, settings)
    blocks = block_names(settings.sandbox_blocks)
    for number, block in enumerate(blocks, start=1):
        if not snapshot.is_current("retrained_answers", (block,)):
            runner.run(f"training {number} of {len(blocks)}, without {block}", ["retrained_answers"], block)
    runner.run("counterfactual_truth", ["counterfactual_truth"])
    return runner.platform.store.read("counterfactual_truth")
