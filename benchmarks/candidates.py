"""Which other statistics tell shared from independent facts, alone and beside ours?

Run `python -m benchmarks.candidates --help` from the project's folder. It reads worlds that `factroots
yardstick --folder` has kept and trains nothing. Every candidate of `candidate_statistics.list_candidates` is
scored against the causal truth, for the trained model and for one with random weights, beside our method and
equal strings; then together with our method, in a regression fitted to the truth of the other worlds.
"""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import click
import pandas as pd

from benchmarks.candidate_results import LEGEND, RANDOM, TRAINED, Scored, report
from benchmarks.candidate_statistics import Reading, list_candidates
from factroots_dagster.cli.yardstick import parse_seeds
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.registry import registered
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.orchestration.assets.step import generated_world
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.methods import METHODS, judge_ours, judge_random_weights
from factroots_dagster.yardstick.scores import with_truth
from factroots_dagster.yardstick.study import Study, read_study

RESULTS = Path(__file__).resolve().parent / "results" / "candidates.md"
WEIGHTS_SEED = 1
REFERENCES = ("partners", "logprob", "strings", "object_strings", "string_pairs", "string_similarity")
"""Methods of the yardstick that are scored in the same way."""


class Kept(NamedTuple):
    """A kept world. cells: see `scores.with_truth`; earlier: checkpoints before the study's."""

    study: Study
    cells: pd.DataFrame
    earlier: list[LoadedModel]


def read_world(folder: Path, preset: str, seed: int) -> Kept:
    """A world that was kept in `folder`; raises InputError where it is missing or not complete."""
    root = folder / f"{preset}-{seed}" / "data"
    settings = Settings(world="sandbox", sandbox_preset=preset, sandbox_seed=seed, data_root=root)
    sources = list(registered(settings).items()) if root.is_dir() else []
    if not sources:
        raise InputError(
            f"there is no trained world of preset {preset} and seed {seed} in {folder}",
            f"make it with: factroots dev yardstick --preset {preset} --seeds {seed} --folder {folder}",
        )
    store = Store(root, settings.world)
    truth = store.read("counterfactual_truth")
    *earlier, (key, last) = sources
    models = [load(source.source, device="cpu") for _, source in earlier]
    model = load(last.source, device="cpu")
    study = read_study(store, generated_world(settings), model, key, settings.active_languages)
    return Kept(study, with_truth(study, [truth]), models)


def score_world(kept: Kept, say: Callable[[str], None]) -> Scored:
    """Every candidate, our method and the references; with random weights candidates and our method only."""
    study, cells, earlier = kept
    references = {name: METHODS[name][0](study)["score"] for name in REFERENCES}
    twins = [with_random_weights(model, WEIGHTS_SEED + 1 + n) for n, model in enumerate(earlier)]
    readings = {
        TRAINED: Reading(study, study.model, earlier),
        RANDOM: Reading(study, with_random_weights(study.model, WEIGHTS_SEED), twins),
    }
    scores = {
        TRAINED: {"ours": judge_ours(study)["score"]} | references,
        RANDOM: {"ours": judge_random_weights(study, WEIGHTS_SEED)["score"]},
    }
    for name, candidate in list_candidates(study.model.ffn.layers).items():
        say(f"  {name}")
        for model, reading in readings.items():
            scores[model][name] = candidate(reading)
    frames = {model: pd.DataFrame(of_model).reindex(cells.index) for model, of_model in scores.items()}
    return Scored(cells, frames, readings)


@click.command(help=__doc__)
@click.option("--folder", required=True, type=click.Path(path_type=Path), help="Where worlds are kept.")
@click.option("--preset", default="demo", show_default=True)
@click.option("--seeds", default="1,100", show_default=True, help="Seeds of worlds, comma-separated.")
@click.option("--output", default=RESULTS, type=click.Path(path_type=Path), show_default=True)
def main(folder: Path, preset: str, seeds: str, output: Path) -> None:
    try:
        kept = {seed: read_world(folder, preset, seed) for seed in parse_seeds(seeds)}
    except InputError as error:
        raise click.ClickException(str(error)) from error
    worlds = {}
    for seed, world in kept.items():
        click.echo(f"{preset} world of seed {seed}")
        worlds[seed] = score_world(world, click.echo)
    packages = ("factroots_dagster", "numpy", "torch", "transformers")
    versions = [f"python {platform.python_version()}", *(f"{name} {version(name)}" for name in packages)]
    command = f"python -m benchmarks.candidates --folder WORLDS --preset {preset} --seeds {seeds}"
    lines = [f"`{command}`; {', '.join(versions)}.", "", LEGEND, *report(worlds, preset)]
    output.write_text("\n".join(lines), "utf-8")


if __name__ == "__main__":
    main()
