"""How the types agree with what was planted. Only generated worlds have this.

"Independent" against "shared" is a statement about representations; what is planted is a lexical
link between languages. The score is therefore called agreement with the planted link.
WHAT_PLANTED_TRUTH_SHOWS says, for the report, what follows for real models and what does not.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.schema import PREDICTED_TYPES
from factroots_dagster.stats.intervals import wilson

WHAT_PLANTED_TRUTH_SHOWS = (
    "In a generated world it is known which language states which fact, and which languages write a "
    "fact's subject alike. Whether a fact is stated is exact. A fact counts as planted shared where "
    "another language writes its subject alike, and as planted independent where every language has a "
    "name of its own for it: that is a link between words, and the network's storage follows it as a "
    "rule, not fact by fact. So the score is agreement with the planted link. It shows that the method "
    "tells such facts apart in a small network with two layers, and the control world, in which nothing "
    "can be carried over, shows that it does not invent transfers. It does not show that a fact called "
    "shared is stored once in a large model: there, languages are also linked by meaning, texts are "
    "copied and translated, names are alike in part, and no Wikipedia holds all that a model has read. "
    "The settings were chosen on the generated worlds of seeds 0, 1 and 2, so only scores of other "
    "seeds are evidence, and generated worlds alone were looked at. In the control world nothing can be "
    "shared; how many of its stated facts are called shared all the same is told with the scores, and "
    "as large a part of the unshared facts must be expected to be called so elsewhere. Some planted "
    "facts no method of this kind can place: those that no linked language predicts (there is nothing "
    "to compare), and transferred facts whose subject and object stand together in a sentence that does "
    "not state them (the search takes it for a source)."
)
SHIPPED = Path(__file__).with_name("planted_scores.json")
THREE = ("shared", "independent", "transferred")
KINDS = (*THREE, "unlinked", "unknown", "easy_token", "easy_name")


def planted_agreement(
    types: pa.Table,
    truth: pa.Table,
    sources: Iterable[pa.Table] = (),
    *,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Types against planted truth, ready for JSON.

    Args:
        types: FACT_TYPES of any number of languages.
        truth: PLANTED_TRUTH; cells without a row in `types` are passed over.
        sources: FACT_SOURCES tables for precision and recall of tracing; none: left out.
        resamples, seed: of the bootstrap over facts behind `balanced_accuracy_low` and `_high`.

    Returns:
        `p_at_1`: planted kind to {n, full_match, low, high};
        `confusion`: planted kind to type to number of predicted cells;
        `cells`, `accuracy` (with Wilson `_low`, `_high`), `balanced_accuracy` (mean recall of the
        three kinds, with bootstrap `_low`, `_high`), `recall`, `precision` by kind: among predicted
        cells that were planted as shared, independent or transferred, easy rules counted as errors;
        `transferred_precision_with_luck`: the same with unlinked and unknown cells among the types;
        `luck_rate`: share of unlinked and unknown cells that is predicted;
        `tracing`: matcher to {precision, recall, stated, found} of "a source is present" against "stated".
        A share of nothing is None.
    """
    columns = ["uuid", "language", "kind", "stated"]
    known = {(row["uuid"], row["language"]): row for row in truth.select(columns).to_pylist()}
    cells = [
        (known[uuid, language], kind)
        for uuid, language, kind in zip(
            *(types[name].to_pylist() for name in ("uuid", "language", "type")), strict=True
        )
        if (uuid, language) in known
    ]
    hits = [(cell["kind"], kind) for cell, kind in cells if kind != "not_predicted"]
    asked, right = Counter(cell["kind"] for cell, _ in cells), Counter(kind for kind, _ in hits)
    pairs = Counter(hits)
    confusion = {kind: {t: pairs[kind, t] for t in PREDICTED_TYPES} for kind in KINDS if asked[kind]}
    three = [(cell, kind) for cell, kind in cells if cell["kind"] in THREE and kind != "not_predicted"]
    correct = sum(cell["kind"] == kind for cell, kind in three)
    recall = {kind: _share(pairs[kind, kind], right[kind]) for kind in THREE}
    low, high = _bootstrap(three, resamples, seed)
    guessed = (
        [asked[kind] for kind in ("unlinked", "unknown")],
        [right[kind] for kind in ("unlinked", "unknown")],
    )
    transferred = [pairs[kind, "transferred"] for kind in (*THREE, "unlinked", "unknown")]
    return {
        "p_at_1": {kind: _rate(right[kind], asked[kind]) for kind in KINDS if asked[kind]},
        "confusion": confusion,
        "cells": len(three),
        "accuracy": _share(correct, len(three)),
        "accuracy_low": wilson(correct, len(three))[0],
        "accuracy_high": wilson(correct, len(three))[1],
        "balanced_accuracy": _mean(recall.values()),
        "balanced_accuracy_low": low,
        "balanced_accuracy_high": high,
        "recall": recall,
        "precision": {kind: _share(pairs[kind, kind], sum(pairs[k, kind] for k in THREE)) for kind in THREE},
        "transferred_precision_with_luck": _share(pairs["transferred", "transferred"], sum(transferred)),
        "luck_rate": _share(sum(guessed[1]), sum(guessed[0])),
        "tracing": _tracing(known, sources),
    }


def planted_scores() -> dict[str, Any] | None:
    """The scores over seeds that ship with the package, as `factroots planted-scores` wrote them, if any."""
    if not SHIPPED.is_file():
        return None
    found: dict[str, Any] = json.loads(SHIPPED.read_text(encoding="utf-8"))
    return found


def _tracing(
    known: dict[tuple[str, str], dict[str, Any]], sources: Iterable[pa.Table]
) -> dict[str, dict[str, Any]]:
    counts: dict[str, Counter[tuple[bool, bool]]] = {}
    for table in sources:
        found = pc.greater(table["windows"], 0).to_pylist()
        names = (table[name].to_pylist() for name in ("uuid", "language", "matcher"))
        for uuid, language, matcher, present in zip(*names, found, strict=True):
            if cell := known.get((uuid, language)):
                counts.setdefault(matcher, Counter())[bool(cell["stated"]), present] += 1
    return {
        matcher: {
            "stated": tally[True, True] + tally[True, False],
            "found": tally[True, True] + tally[False, True],
            "precision": _share(tally[True, True], tally[True, True] + tally[False, True]),
            "recall": _share(tally[True, True], tally[True, True] + tally[True, False]),
        }
        for matcher, tally in sorted(counts.items())
    }


def _bootstrap(
    three: list[tuple[dict[str, Any], str]], resamples: int, seed: int
) -> tuple[float | None, float | None]:
    """95% interval of the mean recall, drawing whole facts: cells of one fact are not independent."""
    facts = {uuid: i for i, uuid in enumerate(sorted({cell["uuid"] for cell, _ in three}))}
    if not facts:
        return None, None
    counts = np.zeros((len(facts), len(THREE), 2))
    for cell, kind in three:
        counts[facts[cell["uuid"]], THREE.index(cell["kind"])] += (1, cell["kind"] == kind)
    draws = np.random.default_rng(seed).multinomial(
        len(facts), np.full(len(facts), 1 / len(facts)), resamples
    )
    sums = np.tensordot(draws, counts, axes=1)  # [resamples, kinds, (cells, correct)]
    with np.errstate(invalid="ignore"):
        values = np.nanmean(
            np.where(sums[..., 0] > 0, sums[..., 1] / np.maximum(sums[..., 0], 1), np.nan), axis=1
        )
    low, high = np.nanquantile(values, [0.025, 0.975])
    return float(low), float(high)


def _rate(hits: int, n: int) -> dict[str, Any]:
    low, high = wilson(hits, n)
    return {"n": n, "full_match": _share(hits, n), "low": low, "high": high}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
