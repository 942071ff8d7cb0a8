"""How well the types agree with what was planted: only generated worlds have such a truth.

"Shared" and "independent" are statements about representations; what is planted is a lexical link between
languages. The score is therefore called agreement with the planted link. What it shows about real models, and
what it does not, is written in `report.sections.planted`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from factroots_dagster.roots.schema import PREDICTED_TYPES
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.tables import zip_columns

SCORED_KINDS = ("shared", "independent", "transferred")
"""Planted kinds that the types of the same names are scored against."""
GUESSED_KINDS = ("unlinked", "unknown")
"""Planted kinds that neither the language itself nor a linked one states: predicted by luck only."""
PLANTED_KINDS = (*SCORED_KINDS, *GUESSED_KINDS, "easy_token", "easy_name")


class _PlantedFact(NamedTuple):
    """A fact in one language: what was planted, and the type that it got."""

    uuid: str
    kind: str
    type: str


def score_agreement(
    types: pa.Table,
    truth: pa.Table,
    sources: Iterable[pa.Table] = (),
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Agreement of the types with the planted truth, ready for JSON.

    types: FACT_TYPES of any number of languages. truth: PLANTED_TRUTH; rows without a counterpart in `types`
    are ignored. sources: FACT_SOURCES tables, for precision and recall of tracing; without any, `tracing` is
    empty. resamples, seed: of the bootstrap over facts behind `balanced_accuracy_low` and `_high`.

    Returns, where a share of nothing is None:
    - `p_at_1`: planted kind to {n, full_match, low, high};
    - `confusion`: planted kind to type to number of predicted facts;
    - `cells`: number of predicted facts, a fact in one language each, planted as one of SCORED_KINDS;
    - `accuracy` (with Wilson `_low`, `_high`), `balanced_accuracy` (mean recall of the three kinds, with
      bootstrap `_low`, `_high`), `recall` and `precision` by kind: among these facts, with easy types
      counted as errors;
    - `transferred_precision_with_luck`: precision of "transferred" when unlinked and unknown facts count;
    - `luck_rate`: share of unlinked and unknown facts that is predicted;
    - `tracing`: matcher to {precision, recall, stated, found} of "a source is present" against "stated".
    """
    truth_rows = truth.select(["uuid", "language", "kind", "stated"]).to_pylist()
    planted = {(row["uuid"], row["language"]): row for row in truth_rows}
    facts = _match_with_truth(types, planted)
    predicted = [fact for fact in facts if fact.type != "not_predicted"]
    asked = Counter(fact.kind for fact in facts)
    right = Counter(fact.kind for fact in predicted)
    pairs = Counter((fact.kind, fact.type) for fact in predicted)
    kinds = [kind for kind in PLANTED_KINDS if asked[kind]]
    scored = [fact for fact in predicted if fact.kind in SCORED_KINDS]
    correct = sum(fact.kind == fact.type for fact in scored)
    accuracy_low, accuracy_high = wilson(correct, len(scored))
    recall = {kind: _share(pairs[kind, kind], right[kind]) for kind in SCORED_KINDS}
    recall_low, recall_high = _bootstrap_mean_recall(scored, resamples, seed)
    called = {type_: sum(pairs[kind, type_] for kind in SCORED_KINDS) for type_ in SCORED_KINDS}
    called_with_luck = called["transferred"] + sum(pairs[kind, "transferred"] for kind in GUESSED_KINDS)
    guessed = [sum(counts[kind] for kind in GUESSED_KINDS) for counts in (right, asked)]
    return {
        "p_at_1": {kind: _rate(right[kind], asked[kind]) for kind in kinds},
        "confusion": {kind: {type_: pairs[kind, type_] for type_ in PREDICTED_TYPES} for kind in kinds},
        "cells": len(scored),
        "accuracy": _share(correct, len(scored)),
        "accuracy_low": accuracy_low,
        "accuracy_high": accuracy_high,
        "balanced_accuracy": _mean(recall.values()),
        "balanced_accuracy_low": recall_low,
        "balanced_accuracy_high": recall_high,
        "recall": recall,
        "precision": {kind: _share(pairs[kind, kind], called[kind]) for kind in SCORED_KINDS},
        "transferred_precision_with_luck": _share(pairs["transferred", "transferred"], called_with_luck),
        "luck_rate": _share(*guessed),
        "tracing": _score_tracing(planted, sources),
    }


def _match_with_truth(
    types: pa.Table, planted: Mapping[tuple[str, str], Mapping[str, Any]]
) -> list[_PlantedFact]:
    return [
        _PlantedFact(uuid, planted[uuid, language]["kind"], type_)
        for uuid, language, type_ in zip_columns(types, "uuid", "language", "type")
        if (uuid, language) in planted
    ]


def _score_tracing(
    planted: Mapping[tuple[str, str], Mapping[str, Any]], sources: Iterable[pa.Table]
) -> dict[str, dict[str, Any]]:
    counts: dict[str, Counter[tuple[bool, bool]]] = {}  # matcher to (stated, source present) to facts
    for table in sources:
        for uuid, language, matcher, windows in zip_columns(table, "uuid", "language", "matcher", "windows"):
            if row := planted.get((uuid, language)):
                counts.setdefault(matcher, Counter())[bool(row["stated"]), windows > 0] += 1
    scores = {}
    for matcher, tally in sorted(counts.items()):
        both = tally[True, True]
        stated, found = both + tally[True, False], both + tally[False, True]
        shares = {"precision": _share(both, found), "recall": _share(both, stated)}
        scores[matcher] = {"stated": stated, "found": found, **shares}
    return scores


def _bootstrap_mean_recall(
    scored: Sequence[_PlantedFact], resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """95% interval of the mean recall. Whole facts are drawn: a fact's languages are not independent."""
    facts = {uuid: position for position, uuid in enumerate(sorted({fact.uuid for fact in scored}))}
    if not facts:
        return None, None
    counts = np.zeros((len(facts), len(SCORED_KINDS), 2))  # [facts, kinds, (predicted, correct)]
    for fact in scored:
        counts[facts[fact.uuid], SCORED_KINDS.index(fact.kind)] += (1, fact.kind == fact.type)
    equal = np.full(len(facts), 1 / len(facts))
    weights = np.random.default_rng(seed).multinomial(len(facts), equal, resamples)
    sums = np.tensordot(weights, counts, axes=1)  # [resamples, kinds, (predicted, correct)]
    recalls = np.where(sums[..., 0] > 0, sums[..., 1] / np.maximum(sums[..., 0], 1), np.nan)
    with np.errstate(invalid="ignore"):
        means = np.nanmean(recalls, axis=1)
    low, high = np.nanquantile(means, [0.025, 0.975])
    return float(low), float(high)


def _rate(hits: int, n: int) -> dict[str, Any]:
    low, high = wilson(hits, n)
    return {"n": n, "full_match": _share(hits, n), "low": low, "high": high}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
