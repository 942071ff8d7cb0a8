"""Shares of what a model's facts are known from: expected, counted, and how far they could be otherwise.

An expected share is the mean of a type's probability over the predicted facts, so that doubtful facts, and
sources that may state nothing, count in part. Its interval comes from draws, each of which changes all that
is not known for sure: which facts there are (with all their languages), the coefficients of the regressions,
the correction for facts with a source, how far the probabilities that sources state their facts are off in
each language, how many sources are missed, and, by the probabilities that follow, what another training would
come to know. How many are missed is known between two bounds (`missed`). Every draw takes one of them, so
that the interval reaches from what is probable with the lower one to what is probable with the upper one
(Imbens and Manski, Econometrica 72:1845, 2004).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.roots.missed import bound_missed
from factroots_dagster.roots.schema import KNOWN_FROM, VERDICT_SHARES
from factroots_dagster.roots.transfer import FittedTransfer
from factroots_dagster.roots.verdicts import UNDETERMINED, PredictedFacts, probabilities_of
from factroots_dagster.stats.logistic import sigmoid

DRAWS, SEED = 400, 0
STATED_ERROR = 0.35
"""Standard deviation, over languages, of an error in the log odds of P(stated): that of the shares that were
read, against those expected, in the eight languages of benchmarks/results/statements.md."""

Floats = npt.NDArray[np.float64]


def share_verdicts(verdicts: pa.Table, facts: PredictedFacts, trained: FittedTransfer) -> pa.Table:
    """VERDICT_SHARES of FACT_VERDICTS, which are those of `facts`: every language, and all of them ("*")."""
    frame = verdicts.to_pandas()
    groups = {"*": np.ones(len(frame), bool)} | {
        str(name): facts.language_numbers == number for number, name in enumerate(facts.codes)
    }
    draws = np.stack(list(_draw_shares(facts, trained)))
    distinct = {name: frame["uuid"][rows].nunique() for name, rows in groups.items()}
    listed = []
    for group, (language, rows) in enumerate(groups.items()):
        for number, name in enumerate((*KNOWN_FROM, UNDETERMINED)):
            row: dict[str, Any] = {"language": language, "verdict": name}
            row["facts"] = int((frame["verdict"][rows] == name).sum())
            row["share"] = row["facts"] / rows.sum() if rows.any() else None
            known = frame[name][rows].dropna() if name in KNOWN_FROM else frame["shared"][:0]
            if len(known):
                row["expected"] = float(known.mean())
                drawn = draws[:, group, number]
                if distinct[language] > 1 and np.isfinite(drawn).any():
                    row["low"], row["high"] = np.nanquantile(drawn, (0.025, 0.975)).tolist()
            if name == "shared":
                placebo = (frame["stated"] * frame["without_source_untrained"].astype(float))[rows].dropna()
                row["expected_untrained"] = float(placebo.mean()) if len(placebo) else None
            listed.append(row)
    return pa.Table.from_pylist(listed, schema=VERDICT_SHARES)


def _draw_shares(facts: PredictedFacts, trained: FittedTransfer) -> Iterator[Floats]:
    """Shares that could be true as well, [1 + languages, types], the first of all languages."""
    random = np.random.default_rng(SEED)
    language_of, languages = facts.language_numbers, len(facts.codes)
    trained = trained.at(facts.cells)  # drawing for all cells would take most of the time
    facts = facts._replace(cells=np.arange(len(facts.cells)))
    bound = bound_missed(facts.sourced, facts.windows, facts.easy, trained.comes_across)
    uuids, fact_of = np.unique(np.array(facts.uuids, str), return_inverse=True)
    with np.errstate(divide="ignore"):
        source_odds = np.log(facts.sourced / (1 - facts.sourced))
    for _ in range(DRAWS):
        error = random.normal(0, STATED_ERROR, languages)
        sourced = sigmoid(source_odds + error[language_of])
        ratio = bound.draw(random) if random.random() < 0.5 else 0.0
        stated = facts.stated(sourced, random.beta(facts.coverage[:, 0], facts.coverage[:, 1]), ratio)
        probabilities = probabilities_of(facts, trained.draw(random), stated)
        weights = np.bincount(random.integers(len(uuids), size=len(uuids)), minlength=len(uuids))[fact_of]
        weights = np.where(np.isnan(probabilities[:, 0]), 0, weights).astype(np.float64)
        ends = np.cumsum(probabilities, axis=1)
        drawn = (random.random(len(fact_of))[:, None] * ends[:, -1:] > ends).sum(axis=1)
        counts = np.zeros((1 + languages, len(KNOWN_FROM)))
        np.add.at(counts, (1 + language_of, np.minimum(drawn, len(KNOWN_FROM) - 1)), weights)
        counts[0] = counts.sum(axis=0)
        totals = counts.sum(axis=1, keepdims=True)
        yield np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0)


def expected_shares(shares: pa.Table) -> tuple[dict[str, float], float | None]:
    """Expected share of each verdict over all languages of VERDICT_SHARES, and of shared facts untrained.

    Verdicts without one are left out; None without an untrained model's.
    """
    overall = [row for row in shares.to_pylist() if row["language"] == "*"]
    expected = {row["verdict"]: row["expected"] for row in overall if row["expected"] is not None}
    (untrained,) = (row["expected_untrained"] for row in overall if row["verdict"] == "shared")
    return expected, untrained
