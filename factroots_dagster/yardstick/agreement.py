"""What several trainings of one world say together about what a fact was known from.

One training's causal truth is a draw: of the facts that are known in two trainings of `demo`, a fifth
survives without its own statements in one and not in the other. Each training has a vote on every cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from factroots_dagster.yardstick.counterfactual import STABLE_SHARE
from factroots_dagster.yardstick.metrics import Measure, Metric, draw_facts, share, with_interval
from factroots_dagster.yardstick.schema import (
    CAUSAL_TYPES,
    INDEPENDENT,
    LUCK,
    NOT_PREDICTED,
    SHARED,
    UNSTABLE,
)


def join_truths(truths: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """What trainings of one world agree on, for every fact and language.

    truths: COUNTERFACTUAL_TRUTH of each, by (uuid, language), first that of the training whose model is
    studied. The columns causal_type: what at least two thirds of the trainings call the cell, else unstable;
    survival: the share of the votes for shared and independent that are for shared (NaN without such votes).
    What another training's model does not know is luck where it is stated nowhere here, and unstable where it
    is; what the studied one does not know is not predicted. With one truth its types stay.
    """
    first, *others = truths
    stated = first["stated"].to_numpy(bool)
    missed = np.where(stated, UNSTABLE, LUCK)
    votes = [first["causal_type"].to_numpy()]
    for other in others:
        types = other["causal_type"].reindex(first.index).to_numpy()
        votes.append(np.where(types == NOT_PREDICTED, missed, types))
    counts = {kind: np.sum([vote == kind for vote in votes], axis=0) for kind in CAUSAL_TYPES}
    joint = np.full(len(first), UNSTABLE, dtype=object)
    for kind, count in counts.items():
        joint[count >= STABLE_SHARE * len(votes)] = kind
    joint[votes[0] == NOT_PREDICTED] = NOT_PREDICTED
    tested = counts[SHARED] + counts[INDEPENDENT]
    survival = np.divide(counts[SHARED], tested, out=np.full(len(first), np.nan), where=tested > 0)
    return pd.DataFrame({"causal_type": joint, "survival": survival}, index=first.index)


def measure_trainings(truths: Sequence[pd.DataFrame], seed: int = 0) -> list[Metric]:
    """How much the truth of a world depends on the training.

    `agreement_of_trainings`: of the cells that two trainings decide, the share to which both give the same
    causal type, the mean over all pairs. `agreement_of_halves`: the same of what the first and the second
    half of the trainings say together, where a half is several. `decided`: of the cells that the studied
    model predicts, the share on which the trainings agree. truths: see `join_truths`. seed: draws facts.
    """
    weights = draw_facts(truths[0], seed)
    pairs = [_agreement(one, other) for one, other in combinations(truths, 2)]
    measures = {"agreement_of_trainings": lambda drawn: np.mean([pair(drawn) for pair in pairs], axis=0)}
    half = len(truths) // 2
    if half > 1:
        halves = (join_truths(truths[:half]), join_truths(truths[half : 2 * half]))
        measures["agreement_of_halves"] = _agreement(*halves)
    joint = join_truths(truths)["causal_type"].to_numpy()
    measures["decided"] = share(joint != NOT_PREDICTED, np.isin(joint, CAUSAL_TYPES))
    return [with_interval(name, measure, weights) for name, measure in measures.items()]


def _agreement(truth: pd.DataFrame, other: pd.DataFrame) -> Measure:
    """Of the cells that both decide, the share with the same type."""
    types = truth["causal_type"].to_numpy()
    others = other["causal_type"].reindex(truth.index).to_numpy()
    return share(np.isin(types, CAUSAL_TYPES) & np.isin(others, CAUSAL_TYPES), types == others)
