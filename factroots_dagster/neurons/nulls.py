"""Chance levels and p-values of similarities: arrays in, arrays out."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

SUFFICIENT_NULL = 199
"""Values from which a null is used without pooling more: p can reach 0.005."""

SMALLEST_NULL = 19
"""Values below which there is no p-value: it could not reach 0.05."""

EXCHANGES = 999
"""Draws of the permutation test of a language pair."""

SMALLEST_MISMATCHED = 8
"""Pairings with other objects below which a z-score is noise."""


def mismatched_moments(similarity: Floats, mismatched: npt.NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Mean and standard deviation, for every entry [i, j], of the mismatched entries of row i and column j.

    NaN where these are fewer than SMALLEST_MISMATCHED or do not vary.
    """
    known = mismatched & np.isfinite(similarity)
    values = np.where(known, similarity, 0.0)
    count, total, squares = (
        part.sum(axis=1)[:, None] + part.sum(axis=0)[None]
        for part in (known.astype(np.float64), values, values**2)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = squares / count - mean**2
    usable = (count >= SMALLEST_MISMATCHED) & (variance > 1e-12)
    return np.where(usable, mean, np.nan), np.sqrt(np.where(usable, variance, np.nan))


class ExchangeTest:
    """Permutation test: is a fact more similar to itself than to other facts with its object?

    For one language pair: the statistic is the sum over facts f of the similarity of f in A and f in B. Under
    the null it is the same for any other fact of the object in place of f in B, so B's facts are exchanged
    within each group (relation and object) by a random cyclic shift of the group. Shifts form a group, so
    the test is exact (Lehmann and Romano, Testing Statistical Hypotheses, 2005, section 15.2), and the sum
    over a group for each of its shifts is all that a draw needs.
    """

    def __init__(self) -> None:
        self.observed = 0.0
        self.arrangements = 1.0  # number of possible ones, at most 1e9
        self.drawn = np.zeros(EXCHANGES)

    def add(
        self,
        similarity: Floats,
        groups: npt.NDArray[np.generic],
        random: np.random.Generator,
    ) -> None:
        """Adds facts that no other call adds: similarity [facts in A, facts in B], groups [facts]."""
        _, group, size = np.unique(groups, return_inverse=True, return_counts=True)
        start = np.concatenate([[0], np.cumsum(size)[:-1]])
        position = np.empty(len(group), np.int64)
        position[np.argsort(group, kind="stable")] = np.arange(len(group)) - np.repeat(start, size)
        i, j = np.nonzero(group[:, None] == group[None])
        shift = (position[j] - position[i]) % size[group[i]]
        by_shift = np.bincount(start[group[i]] + shift, weights=similarity[i, j], minlength=len(group))
        shifts = (random.random((EXCHANGES, len(size))) * size).astype(np.int64)
        self.drawn += by_shift[start + shifts].sum(axis=1)
        self.observed += float(np.trace(similarity))
        self.arrangements = min(1e9, self.arrangements * float(np.prod(size, dtype=np.float64)))

    def p_value(self) -> float | None:
        """(1 + draws >= observed) / (1 + draws), one-sided; None for too few other arrangements."""
        if self.arrangements <= SMALLEST_NULL:
            return None
        at_least = self.drawn >= self.observed - 1e-9 * max(1.0, abs(self.observed))
        return float((1 + at_least.sum()) / (1 + EXCHANGES))


def upper_p(observed: Floats, null: Floats) -> Floats:
    """One-sided p of each observed value: (1 + null values >= it) / (1 + null values); NaN stays."""
    ordered = np.sort(null)
    p = (1 + len(ordered) - np.searchsorted(ordered, observed, side="left")) / (1 + len(ordered))
    return np.where(np.isnan(observed), np.nan, p)


class WeightedNull:
    """Null values with unequal weights, sorted once. len() is their number."""

    def __init__(self, values: Floats, weights: Floats) -> None:
        order = np.argsort(values)
        self.values = values[order]
        self.weight_below = np.concatenate([[0.0], np.cumsum(weights[order])])  # [values + 1]

    def __len__(self) -> int:
        return len(self.values)

    def upper_p(self, observed: Floats) -> Floats:
        """One-sided p of each observed value, which itself has the mean weight of a null value.

        (mean + weight of the null values >= it) / (mean + weight of all): `upper_p` where all weights are
        equal. NaN stays.
        """
        total = self.weight_below[-1]
        mean = total / max(1, len(self))
        below = self.weight_below[np.searchsorted(self.values, observed, side="left")]
        return np.where(np.isnan(observed), np.nan, (mean + total - below) / (mean + total))

    def quantile(self, level: float) -> float:
        """The smallest null value that, with all below it, has this share of the weight."""
        index = np.searchsorted(self.weight_below[1:], level * self.weight_below[-1], side="left")
        return float(self.values[min(int(index), len(self) - 1)])


Class = tuple[int, int]
"""Number of languages that answer, and the rounded-up binary logarithm of the object's other facts."""


class MatchedNulls:
    """The null that a fact's evidence of sharing is tested against: facts like it, each counted once.

    The null values come from pairings of different facts with the same object (`nearest`). Pooled without
    weights, they give p-values that are too small. An object of many facts has many more pairings than facts,
    so the pool is dominated by frequent objects, whose facts are less similar across languages than those of
    rare ones. And evidence is a sum over languages: a fact that many languages predict is tested in each of
    them, while the facts it is paired with are predicted by fewer on average. In control worlds, where
    nothing is shared, 8% of the facts then pass a level of 5%. Three rules correct this:

    - All null pairings of a fact in a language together have weight 1, however many there are.
    - A fact is compared with pairings that as many languages answer.
    - It is compared with pairings of facts whose object is as common: 0 or 1, 2, 3 to 4, 5 to 8, ... other
      facts. A fact alone with its object has no pairing; those with one other fact stand in for it.

    These are class-conditional ("Mondrian") p-values: valid in each class in which the fact is exchangeable
    with the null, not only over all classes together (Vovk, Gammerman and Shafer, Algorithmic Learning in a
    Random World, 2005, section 4.5). A class of fewer than SUFFICIENT_NULL pairings is joined by its
    neighbours in both respects, one step at a time.

    Arrays over the null values: the values, their weights, the number of languages, the number of other facts
    with the object.
    """

    def __init__(self, values: Floats, weights: Floats, languages: Integers, others: Integers) -> None:
        self.classes = {
            key: (values[members], weights[members]) for key, members in _by_class(languages, others)
        }
        self._nulls: dict[Class, WeightedNull] = {}

    def test(self, observed: Floats, languages: Integers, others: Integers) -> dict[str, npt.NDArray[Any]]:
        """The columns null_q90, null_q95, pairings and p_value of NEAREST_LANGUAGE for observed values."""
        q90, q95, p_values = (np.full(len(observed), np.nan) for _ in range(3))
        pairings = np.zeros(len(observed), np.int64)
        for key, members in _by_class(languages, others):
            null = self._null(key)
            pairings[members] = len(null)
            if len(null):
                q90[members], q95[members] = null.quantile(0.9), null.quantile(0.95)
            if len(null) >= SMALLEST_NULL:
                p_values[members] = null.upper_p(observed[members])
        return {"null_q90": q90, "null_q95": q95, "pairings": pairings, "p_value": p_values}

    def _null(self, key: Class) -> WeightedNull:
        """The class, with as many of its neighbours as make it large enough."""
        if key not in self._nulls:
            steps_to = {
                other: max(abs(mine - theirs) for mine, theirs in zip(key, other, strict=True))
                for other in self.classes
            }
            joined: list[tuple[Floats, Floats]] = []
            for reach in sorted(set(steps_to.values())):
                joined += [self.classes[other] for other, steps in steps_to.items() if steps == reach]
                if sum(len(values) for values, _ in joined) >= SUFFICIENT_NULL:
                    break
            values, weights = zip(*joined, strict=True) if joined else ((), ())
            self._nulls[key] = WeightedNull(
                np.concatenate([np.empty(0), *values]), np.concatenate([np.empty(0), *weights])
            )
        return self._nulls[key]


def _by_class(languages: Integers, others: Integers) -> Iterator[tuple[Class, npt.NDArray[np.intp]]]:
    """Every class that occurs, and the indices of its members."""
    common = np.ceil(np.log2(np.maximum(others, 1))).astype(np.int64)
    classes, class_of = np.unique(np.stack([languages, common], axis=1), axis=0, return_inverse=True)
    order = np.argsort(class_of, kind="stable")
    ends = np.cumsum(np.bincount(class_of, minlength=len(classes)))
    for (count, rank), start, end in zip(classes.tolist(), [0, *ends], ends, strict=False):
        yield (count, rank), order[start:end]
