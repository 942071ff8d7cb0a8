"""Chance levels and p-values of similarities: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

SUFFICIENT_NULL = 199
"""Values from which a null is used without pooling more: p can reach 0.005."""

SMALLEST_NULL = 19
"""Values below which there is no p-value: it could not reach 0.05."""

EXCHANGES = 999
"""Draws of the permutation test of a language pair."""

SMALLEST_MISMATCHED = 8
"""Pairings with other objects below which a z-score is noise."""


def mismatched_moments(
    similarity: npt.NDArray[np.float64], mismatched: npt.NDArray[np.bool_]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
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
        similarity: npt.NDArray[np.float64],
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


def upper_p(observed: npt.NDArray[np.float64], null: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """One-sided p of each observed value: (1 + null values >= it) / (1 + null values); NaN stays."""
    ordered = np.sort(null)
    p = (1 + len(ordered) - np.searchsorted(ordered, observed, side="left")) / (1 + len(ordered))
    return np.where(np.isnan(observed), np.nan, p)


class WeightedNull:
    """Null values with unequal weights, sorted once. len() is their number."""

    def __init__(self, values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> None:
        order = np.argsort(values)
        self.values = values[order]
        self.weight_below = np.concatenate([[0.0], np.cumsum(weights[order])])  # [values + 1]

    def __len__(self) -> int:
        return len(self.values)

    def upper_p(self, observed: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
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
