"""How probable it is that a window states a fact, and does not just mention both of its sides.

Two questions are asked, one after the other:

- Excess over chance, in each language: windows of facts are told from windows of mismatched pairs (the same
  subjects with objects of other facts of the relation, `mismatches`) by a logistic regression on how often
  the relation's pairs meet, cue words, distance, titles and form. Its odds say how many times as many windows
  of this kind there are as chance brings. The coefficients are drawn to those that other languages had, so
  that a small corpus is not left to itself.
- Statement: of what is more than chance, most goes with the fact without stating it. Coefficients learned
  from passages that were read and judged (`benchmarks/labelled_sample.csv`) turn excess, form and relation
  into a probability. They are the same for all languages.

Both sets of coefficients are in `statements.json`, made by `python -m benchmarks.statements --fit`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.stats.logistic import fit_logistic, sigmoid
from factroots_dagster.tracing.mismatches import PERMUTATIONS

FEATURES = (
    *("constant", "meetings", "cues", "template", "sentence", "apart", "distance", "length"),
    *("subject_title", "object_title", "marks", "lines", "bare"),
)
"""Columns of features. constant: 1. meetings: logarithm of how much more often the relation's facts than its
mismatched pairs meet as closely as here. cues: largest weight of the cue words. template: share of the
relation's template in the words. sentence: both sides in one sentence; apart: not even in one chunk.
distance, length: logarithm of the characters between the sides, and of the passage, each less its mean in
windows of mismatched pairs. subject_title, object_title: whether the article is called so. marks: share of
punctuation. lines: whether a line ends between the sides. bare: no word is between them."""

PRIOR_MEETINGS = 5.0
"""Facts that the excess of all relations counts in one relation."""

USUAL_DISTANCE, USUAL_LENGTH = 4.0, 6.0
PRIOR_WINDOWS = 20.0
"""Logarithms of distance and length in an unknown language, and how many windows they count."""

MOST_EXCESS = 4.0
"""Logarithm beyond which excess does not count: it rests on few windows."""


@dataclass(frozen=True)
class Windows:
    """What is known of windows of facts and of mismatched pairs; [windows] each.

    pair: the pair. relation: number of its relation in `relations`, all names. is_fact: False for a
    mismatched pair. closeness: 0 in a sentence, 1 in a chunk, 2 in an article. distance, length: in
    characters. lines: ends of lines between the sides. The others: see FEATURES.
    """

    pair: NDArray[np.int64]
    relation: NDArray[np.int64]
    relations: tuple[str, ...]
    is_fact: NDArray[np.bool_]
    closeness: NDArray[np.int64]
    distance: NDArray[np.int64]
    length: NDArray[np.int64]
    cues: NDArray[np.float64]
    template: NDArray[np.float64]
    marks: NDArray[np.float64]
    lines: NDArray[np.int64]
    bare: NDArray[np.bool_]
    subject_title: NDArray[np.bool_]
    object_title: NDArray[np.bool_]


@dataclass(frozen=True)
class Coefficients:
    """What was learned from several languages.

    excess: mean and inverse variance of each feature's coefficient over languages. statement: coefficient of
    each feature, and of `excess`. relations: what is added for a relation; nothing for one that was not read.
    """

    excess: Mapping[str, tuple[float, float]]
    statement: Mapping[str, float]
    relations: Mapping[str, float]


@cache
def load_coefficients() -> Coefficients:
    """Those that come with the package."""
    text = files("factroots_dagster.tracing").joinpath("statements.json").read_text(encoding="utf-8")
    return Coefficients(**json.loads(text))


def describe_windows(windows: Windows) -> NDArray[np.float64]:
    """FEATURES of windows, [windows, features]."""
    columns = {
        "constant": np.ones(len(windows.pair)),
        "meetings": measure_meetings(windows),
        "cues": windows.cues,
        "template": windows.template,
        "sentence": windows.closeness == 0,
        "apart": windows.closeness == 2,
        "distance": _less_usual(windows.distance, USUAL_DISTANCE, ~windows.is_fact),
        "length": _less_usual(windows.length, USUAL_LENGTH, ~windows.is_fact),
        "subject_title": windows.subject_title,
        "object_title": windows.object_title,
        "marks": windows.marks,
        "lines": windows.lines > 0,
        "bare": windows.bare,
    }
    return np.stack([columns[name].astype(np.float64) for name in FEATURES], axis=1)


def _less_usual(
    characters: NDArray[np.int64], usual: float, chance: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The logarithm of numbers of characters, less its mean where pairs meet by chance. [windows]"""
    logs: NDArray[np.float64] = np.log1p(characters)
    total = logs[chance].sum() + PRIOR_WINDOWS * usual
    less: NDArray[np.float64] = logs - total / (np.count_nonzero(chance) + PRIOR_WINDOWS)
    return less


def measure_meetings(windows: Windows) -> NDArray[np.float64]:
    """How many times as many facts as chance pairs of the relation meet so closely; logarithm, [windows]."""
    relations = len(windows.relations)
    excess = np.zeros((3, relations))
    for closeness in range(3):
        near = windows.closeness == closeness
        facts, chance = (
            np.bincount(_relations_of_pairs(windows, near & kind), minlength=relations)
            for kind in (windows.is_fact, ~windows.is_fact)
        )
        per_fact = chance / PERMUTATIONS
        overall = (facts.sum() + 1) / (per_fact.sum() + 1)
        excess[closeness] = np.log((facts + PRIOR_MEETINGS * overall) / (per_fact + PRIOR_MEETINGS))
    return excess[windows.closeness, windows.relation]


def _relations_of_pairs(windows: Windows, chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The relation of each pair that has one of the chosen windows. [pairs]"""
    rows = np.flatnonzero(chosen)
    relations: NDArray[np.int64] = windows.relation[rows[np.unique(windows.pair[rows], return_index=True)[1]]]
    return relations


def fit_excess(
    features: NDArray[np.float64], is_fact: NDArray[np.bool_], coefficients: Coefficients
) -> NDArray[np.float64]:
    """Coefficients of the regression that tells facts from mismatched pairs in one language. [features]"""
    prior, precision = np.array([coefficients.excess[name] for name in FEATURES]).T
    return fit_logistic(features, is_fact, prior=prior, precision=precision)


def estimate_probabilities(windows: Windows, coefficients: Coefficients) -> NDArray[np.float64]:
    """For each window the probability that it states its pair. [windows]"""
    features = describe_windows(windows)
    excess = log_excess(features, fit_excess(features, windows.is_fact, coefficients))
    weights = np.array([coefficients.statement[name] for name in FEATURES])
    of_relation = np.array([coefficients.relations.get(name, 0.0) for name in windows.relations])
    logits = coefficients.statement["excess"] * excess + features @ weights
    return sigmoid(logits + of_relation[windows.relation] if len(of_relation) else logits)


def log_excess(features: NDArray[np.float64], coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
    """The logarithm of how many times as many windows of facts there are as chance brings. [windows]"""
    # Every fact has PERMUTATIONS mismatched pairs.
    logs: NDArray[np.float64] = features @ coefficients + np.log(PERMUTATIONS)
    return logs.clip(-MOST_EXCESS, MOST_EXCESS)


def combine_probabilities(
    probability: NDArray[np.float64], group: NDArray[np.int64], groups: int
) -> NDArray[np.float64]:
    """The probability that at least one window of each group states its fact; 0 without windows. [groups]

    probability, group: of each window. Windows are taken to be independent.
    """
    logs = np.bincount(group, np.log1p(-probability), minlength=groups)
    combined: NDArray[np.float64] = -np.expm1(logs)
    return combined
