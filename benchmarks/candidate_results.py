"""The scores of `benchmarks.candidates` against the causal truth, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from benchmarks.candidate_statistics import Edits, Reading
from factroots_dagster.stats.logistic import fit_logistic
from factroots_dagster.yardstick.metrics import Floats, Mask, Measure, Metric, auc, draw_facts, with_interval
from factroots_dagster.yardstick.schema import INDEPENDENT, SHARED

TRAINED, RANDOM = "trained", "random weights"


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


def fill(scores: pd.Series) -> Floats:
    """The scores; what has none, because no other language states it, has the lowest."""
    return scores.fillna(scores.min()).to_numpy(np.float64)


def compute_log_odds(probability: pd.Series) -> Floats:
    """ln(p / (1 - p)) of our method's score."""
    clipped = np.clip(fill(probability), 1e-6, 1 - 1e-6)
    return np.log(clipped / (1 - clipped))


def make_measures(world: Scored, scores: Floats) -> tuple[Measure, Measure]:
    """The two AUCs of [cells]: within linked names, and over all facts."""
    shared, independent = world.truth()
    linked = world.cells["linked"].to_numpy(np.int64)
    return auc(scores, shared, independent, linked), auc(scores, shared, independent, np.ones_like(linked))


def measure_gains(world: Scored, scores: Floats, others: Floats) -> list[Metric]:
    """By how much the two AUCs of one score exceed those of another, with intervals over facts."""
    weights = draw_facts(world.cells, 0)
    pairs = zip(make_measures(world, scores), make_measures(world, others), strict=True)
    return [with_interval("gain", lambda drawn, a=a, b=b: a(drawn) - b(drawn), weights) for a, b in pairs]


def measure_aucs(world: Scored, scores: Floats) -> list[Metric]:
    """The two AUCs with intervals over facts."""
    weights = draw_facts(world.cells, 0)
    return [with_interval("auc", measure, weights) for measure in make_measures(world, scores)]


def combine(fitted: Sequence[Scored], world: Scored, model: str, name: str) -> Floats:
    """Log odds of [cells] by a regression on those of our method and a candidate, fitted to other worlds.

    Our method is the trained model's; the candidate is that of `model`.
    """

    def features(each: Scored) -> Floats:
        ours = compute_log_odds(each.scores[TRAINED]["ours"])
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
            cells += [show(each) for each in measure_aucs(world, fill(scores[name]))] if known else ["-", "-"]
        yield cells


def layer_rows(world: Scored) -> Iterator[list[str]]:
    """By way of patching and layer: AUCs, the gain over layer 0, and the answers' mean probability."""
    reading, scores = world.readings[TRAINED], world.scores[TRAINED]
    shared, independent = world.truth()
    ways = {"patching_here": reading.patched_here, "patching_there": reading.patched_there}
    for way, of_layers in (ways | {"restoring": reading.restored_here}).items():
        for layer, logprobs in enumerate(of_layers):
            within, everywhere = measure_aucs(world, fill(scores[f"{way}_{layer}"]))
            gain, _ = measure_gains(world, fill(scores[f"{way}_{layer}"]), fill(scores[f"{way}_0"]))
            probability = np.exp(logprobs)
            means = (np.nanmean(probability[kind[reading.here]]) for kind in (shared, independent))
            yield [
                f"{way}_{layer}",
                show(within),
                show(gain, sign="+") if layer else "-",
                show(everywhere),
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
    """By candidate: what the two AUCs of our method gain by it, in one world after a fit to the others.

    Trained, with random weights, and trained beyond random weights.
    """
    world, fitted = worlds[seed], [each for other, each in worlds.items() if other != seed]
    ours = compute_log_odds(world.scores[TRAINED]["ours"])
    for name in world.scores[TRAINED].columns.drop("ours"):
        combined = {
            model: combine(fitted, world, model, name)
            for model, scores in world.scores.items()
            if name in scores and scores[name].notna().any()
        }
        gains = [gain for each in combined.values() for gain in measure_gains(world, each, ours)]
        if len(combined) == len(world.scores):
            gains += measure_gains(world, combined[TRAINED], combined[RANDOM])
        yield [name, *(show(gain, sign="+") for gain in gains), *["-"] * (len(GAINS) - len(gains))]


def show(metric: Metric, sign: str = "") -> str:
    """A value with its interval."""
    value, low, high = (f"{number:{sign}.3f}" for number in metric[1:])
    return f"{value} [{low}, {high}]"


def markdown(header: Sequence[str], rows: Iterator[list[str]]) -> list[str]:
    """A table and an empty line."""
    lines = [f"| {' | '.join(header)} |", "|---" * len(header) + "|"]
    return [*lines, *(f"| {' | '.join(row)} |" for row in rows), ""]


AUCS = ("within linked names", "all facts")
BOTH = [f"{model}, {each}" for model in (TRAINED, RANDOM) for each in AUCS]
GAINS = [*BOTH, *(f"trained beyond random weights, {each}" for each in AUCS)]


def report(worlds: dict[int, Scored], preset: str) -> list[str]:
    """The lines of the results."""
    lines: list[str] = []
    for seed, world in worlds.items():
        shared, independent = (int(kind.sum()) for kind in world.truth())
        lines += [f"## `{preset}`, seed {seed}: {shared} shared, {independent} independent", ""]
        lines += ["AUC of each alone:", "", *markdown(["score", *BOTH], alone_rows(world))]
        lines += ["Which layer carries the fact across (trained):", ""]
        header = ["patched after layer", "within linked names", "gain over layer 0", "all facts"]
        header += ["answers' mean probability, shared", "independent"]
        lines += markdown(header, layer_rows(world))
        lines += ["Nats that are lost when the fact is unlearned in a partner's language:", ""]
        header = ["model", "answer there", "answer here, shared", "answer here, independent", "controls here"]
        lines += markdown(header, edit_rows(world))
        if len(worlds) > 1:
            lines += ["Gain of our method's AUC by each, the regression fitted to the other worlds:", ""]
            lines += markdown(["added", *GAINS], combined_rows(worlds, seed))
    return lines


LEGEND = """\
95% intervals are over facts; those of gains leave out that the regression was fitted. Random weights are one
draw. Names are as in `benchmarks/candidate_statistics.py`; a score is the mean over partners (languages that
predict the fact and have a source for it), `_best` the highest. Facts without a partner score lowest.

- `patching_here_L`: log-probability of the answer in this language's question with the partner's name of the
  subject, whose states after layer L are those of the partner's question; L = 0 is the name alone.
- `patching_there_L`: the reverse, this language's name and states in the partner's question.
- `restoring_L`: this language's question with masks for the name, where after layer L the states of the
  partner's name stand; what they tell has to reach the answer through the later layers. L = 0: masks alone.
- `similarity_L`: cosine of the states at the masks after layer L, less the mean of language and relation.
- `integrated_gradients`: cosine of what the feed-forward neurons at the masks add to the answer, likewise.
- `editing`: nats that the answer loses when the fact is unlearned in the partner's language;
  `editing_beyond_controls`: beyond those that other facts of the language and relation lose.
- `earlier_checkpoints`: the answer's mean log-probability at the earlier checkpoints of the training.
- The others are methods of the yardstick (`docs/yardstick.md`).
"""
