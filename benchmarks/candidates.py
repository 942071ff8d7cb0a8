"""Which other statistics tell shared from independent facts, alone and beside ours?

Run `python -m benchmarks.candidates --help` from the project's folder. It reads worlds that `factroots
yardstick --folder` has kept and trains nothing. Every candidate of `candidate_statistics.list_candidates` is
scored against the causal truth, for the trained model and for one with random weights, beside our method and
equal strings; then together with our method, in a regression fitted to the truth of the other worlds.
"""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np
import pandas as pd

from benchmarks.candidate_statistics import Edits, Reading, list_candidates
from factroots_dagster.cli.yardstick import parse_seeds
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.models.registry import registered
from factroots_dagster.models.untrained import with_random_weights
from factroots_dagster.orchestration.assets.step import generated_world
from factroots_dagster.settings import Settings
from factroots_dagster.stats.logistic import fit_logistic
from factroots_dagster.store.store import Store
from factroots_dagster.yardstick.methods import METHODS, judge_ours, judge_random_weights
from factroots_dagster.yardstick.metrics import Floats, Mask, Measure, Metric, auc, draw_facts, with_interval
from factroots_dagster.yardstick.schema import INDEPENDENT, SHARED
from factroots_dagster.yardstick.scores import with_truth
from factroots_dagster.yardstick.study import Study, read_study

RESULTS = Path(__file__).resolve().parent / "results" / "candidates.md"
WEIGHTS_SEED = 1
REFERENCES = ("partners", "logprob", "strings", "object_strings", "string_pairs", "string_similarity")
"""Methods of the yardstick that are scored in the same way."""
TRAINED, RANDOM = "trained", "random weights"


class Kept(NamedTuple):
    """A kept world. cells: see `scores.with_truth`; earlier: checkpoints before the study's."""

    study: Study
    cells: pd.DataFrame
    earlier: list[LoadedModel]


class Scored(NamedTuple):
    """A world whose cells are scored.

    cells: see `scores.with_truth`; scores: by model, a column of cells per method. readings: by model.
    """

    cells: pd.DataFrame
    scores: dict[str, pd.DataFrame]
    readings: dict[str, Reading]

    def truth(self) -> tuple[Mask, Mask]:
        """Which cells are causally shared, and which independent."""
        types = self.cells["causal_type"].to_numpy()
        return types == SHARED, types == INDEPENDENT


def read_world(folder: Path, preset: str, seed: int) -> Kept:
    """A world that was kept in `folder`; raises InputError where it is missing or not complete."""
    root = folder / f"{preset}-{seed}" / "data"
    settings = Settings(world="sandbox", sandbox_preset=preset, sandbox_seed=seed, data_root=root)
    sources = list(registered(settings).items()) if root.is_dir() else []
    if not sources:
        raise InputError(
            f"there is no trained world of preset {preset} and seed {seed} in {folder}",
            f"make it with: factroots yardstick --preset {preset} --seeds {seed} --folder {folder}",
        )
    store = Store(root, settings.world)
    truth = store.read("counterfactual_truth")
    *earlier, (key, last) = sources
    models = [load(source.source, device="cpu") for _, source in earlier]
    model = load(last.source, device="cpu")
    study = read_study(store, generated_world(settings), model, key, settings.active_languages)
    return Kept(study, with_truth(study, truth), models)


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


def fill(scores: pd.Series) -> Floats:
    """The scores; what has none, because no other language states it, has the lowest."""
    return scores.fillna(scores.min()).to_numpy(np.float64)


def log_odds(probability: pd.Series) -> Floats:
    """ln(p / (1 - p)) of our method's score."""
    clipped = np.clip(fill(probability), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def measures(world: Scored, scores: Floats) -> tuple[Measure, Measure]:
    """The two AUCs of [cells]: within linked names, and over all facts."""
    shared, independent = world.truth()
    linked = world.cells["linked"].to_numpy(np.int64)
    return auc(scores, shared, independent, linked), auc(scores, shared, independent, np.ones_like(linked))


def differences(world: Scored, scores: Floats, others: Floats) -> list[Metric]:
    """By how much the two AUCs of one score exceed those of another, with intervals over facts."""
    weights = draw_facts(world.cells, 0)
    pairs = zip(measures(world, scores), measures(world, others), strict=True)
    return [with_interval("gain", lambda drawn, a=a, b=b: a(drawn) - b(drawn), weights) for a, b in pairs]


def aucs(world: Scored, scores: Floats) -> list[Metric]:
    """The two AUCs with intervals over facts."""
    weights = draw_facts(world.cells, 0)
    return [with_interval("auc", measure, weights) for measure in measures(world, scores)]


def combine(fitted: Sequence[Scored], world: Scored, model: str, name: str) -> Floats:
    """Log odds of [cells] by a regression on those of our method and a candidate, fitted to other worlds.

    Our method is the trained model's; the candidate is that of `model`.
    """

    def features(each: Scored) -> Floats:
        ours = log_odds(each.scores[TRAINED]["ours"])
        return np.column_stack([ours, fill(each.scores[model][name])])

    decided = [np.logical_or(*each.truth()) for each in fitted]
    rows = np.concatenate([features(each)[inside] for each, inside in zip(fitted, decided, strict=True)])
    shared = np.concatenate([each.truth()[0][inside] for each, inside in zip(fitted, decided, strict=True)])
    mean, spread = rows.mean(axis=0), rows.std(axis=0).clip(min=1e-12)

    def standardized(values: Floats) -> Floats:
        return np.column_stack([np.ones(len(values)), (values - mean) / spread])

    weights = fit_logistic(
        standardized(rows), shared, prior=np.zeros(3), precision=np.array([1e-3, 1.0, 1.0])
    )
    combined: Floats = standardized(features(world)) @ weights
    return combined


def alone_rows(world: Scored) -> Iterator[list[str]]:
    """By method or candidate: both AUCs, trained and with random weights."""
    for name in world.scores[TRAINED]:
        cells = [name]
        for scores in world.scores.values():
            known = name in scores and scores[name].notna().any()
            cells += [show(each) for each in aucs(world, fill(scores[name]))] if known else ["-", "-"]
        yield cells


def layer_rows(world: Scored) -> Iterator[list[str]]:
    """By direction and layer: both AUCs less those of the name alone, and the answers' mean probability."""
    reading, scores = world.readings[TRAINED], world.scores[TRAINED]
    shared, independent = world.truth()
    for way, of_layers in (("here", reading.patched_here), ("there", reading.patched_there)):
        name_alone = fill(scores[f"patching_{way}_0"])
        for layer, logprobs in enumerate(of_layers):
            gains = differences(world, fill(scores[f"patching_{way}_{layer}"]), name_alone)
            probability = np.exp(logprobs)
            means = (np.nanmean(probability[kind[reading.here]]) for kind in (shared, independent))
            yield [
                f"{way}, {layer}",
                *(show(gain, sign="+") if layer else "-" for gain in gains),
                *(f"{mean:.3f}" for mean in means),
            ]


def edit_rows(world: Scored) -> Iterator[list[str]]:
    """By model: nats lost by the unlearned answers, by the same facts here, and by other facts here."""
    shared, independent = world.truth()
    for model, reading in world.readings.items():
        edits: Edits = reading.edits
        means = [np.nanmean(edits.edited)]
        means += [np.nanmean(edits.watched[kind[reading.here]]) for kind in (shared, independent)]
        yield [model, *(f"{mean:.2f}" for mean in [*means, np.nanmean(edits.controls)])]


def combined_rows(worlds: dict[int, Scored], seed: int) -> Iterator[list[str]]:
    """By candidate: what the two AUCs of our method gain by it, in one world after a fit to the others."""
    world, fitted = worlds[seed], [each for other, each in worlds.items() if other != seed]
    ours = log_odds(world.scores[TRAINED]["ours"])
    for name in world.scores[TRAINED]:
        if name == "ours":
            continue
        cells = [name]
        for model, scores in world.scores.items():
            known = name in scores and scores[name].notna().any()
            gains = differences(world, combine(fitted, world, model, name), ours) if known else []
            cells += [show(gain, sign="+") for gain in gains] or ["-", "-"]
        yield cells


def show(metric: Metric, sign: str = "") -> str:
    """A value with its interval."""
    value, low, high = (f"{number:{sign}.3f}" for number in metric[1:])
    return f"{value} [{low}, {high}]"


def markdown(header: Sequence[str], rows: Iterator[list[str]]) -> list[str]:
    """A table and an empty line."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


BOTH = [f"{model}, {auc}" for model in (TRAINED, RANDOM) for auc in ("within linked names", "all facts")]


def report(worlds: dict[int, Scored], preset: str) -> list[str]:
    """The lines of the results."""
    lines: list[str] = []
    for seed, world in worlds.items():
        shared, independent = (int(kind.sum()) for kind in world.truth())
        lines += [f"## `{preset}`, seed {seed}: {shared} shared, {independent} independent", ""]
        lines += ["AUC of each alone:", "", *markdown(["score", *BOTH], alone_rows(world))]
        lines += ["Patching after a layer instead of the name alone (trained; mean over partners):", ""]
        header = ["direction, layer", "gain within linked names", "gain over all facts"]
        header += ["answers' mean probability, shared", "independent"]
        lines += markdown(header, layer_rows(world))
        lines += ["Nats that are lost when the fact is unlearned in a partner's language:", ""]
        header = ["model", "answer there", "answer here, shared", "answer here, independent", "controls here"]
        lines += markdown(header, edit_rows(world))
        if len(worlds) > 1:
            lines += ["Gain of our method's AUC by each, the regression fitted to the other worlds:", ""]
            lines += markdown(["added", *BOTH], combined_rows(worlds, seed))
    return lines


LEGEND = """\
95% intervals are over facts. Names are as in `benchmarks/candidate_statistics.py`; a score is the mean over
partners (languages that predict the fact and have a source for it), `_best` the highest. A fact without a
partner has the lowest score.

- `patching_here_L`: log-probability of the answer in this language's question with the partner's name of the
  subject, whose states after layer L are those of the partner's question; L = 0 is the name alone.
- `patching_there_L`: the reverse, this language's name and states in the partner's question.
- `similarity_L`: cosine of the states at the masks after layer L, less the mean of language and relation.
- `integrated_gradients`: cosine of what the feed-forward neurons at the masks add to the answer, likewise.
- `editing`: nats that the answer loses when the fact is unlearned in the partner's language;
  `editing_beyond_controls`: beyond those that other facts of the language and relation lose.
- `earlier_checkpoints`: the answer's mean log-probability at the earlier checkpoints of the training.
- The others are methods of the yardstick (`docs/yardstick.md`).
"""


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
    sys.exit(main())
