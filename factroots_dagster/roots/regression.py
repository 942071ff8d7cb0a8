"""A logistic regression over some facts, applied to others, and how uncertain what it says is."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from factroots_dagster.stats.logistic import fit_logistic, sigmoid

PRECISION = 1.0
"""Inverse variance of the normal prior on a coefficient, of standardised columns."""
LOOSE = 1e-3
"""The same of an intercept."""
FEWEST_CASES = 30
"""Cases below which nothing is fitted."""
FEWEST_POSITIVE = 5
"""How many of them have to be positive, and how many negative; with fewer all have the same probability."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Regression:
    """A fitted regression over cells.

    applied: the cells that it says something of, [cells]. columns: theirs, [applied, columns], the first of
    ones; None where nothing was fitted. weights: the coefficients, [columns]. covariance: theirs, robust
    against dependence within a fact, [columns, columns].
    """

    applied: Mask
    columns: Floats | None
    weights: Floats
    covariance: Floats

    def at(self, cells: npt.NDArray[np.int64]) -> Regression:
        """The same regression for some of the cells, given their rows."""
        applied = self.applied[cells]
        if self.columns is None:
            return replace(self, applied=applied)
        return replace(
            self, applied=applied, columns=self.columns[np.cumsum(self.applied)[cells[applied]] - 1]
        )

    def probabilities(self) -> Floats:
        """Of every cell, NaN where the regression says nothing."""
        return self._at(self.weights)

    def draw_probabilities(self, random: np.random.Generator) -> Floats:
        """The same with coefficients drawn from their distribution."""
        if self.columns is None:
            return self.probabilities()
        return self._at(random.multivariate_normal(self.weights, self.covariance, method="eigh"))

    def _at(self, weights: Floats) -> Floats:
        values = np.full(len(self.applied), np.nan)
        if self.columns is not None:
            values[self.applied] = sigmoid(self.columns @ weights)
        return values


def fit_regression(
    features: Floats,
    positive: Mask,
    facts: npt.NDArray[np.int64],
    fitted: Mask,
    applied: Mask,
    represented: Floats,
) -> Regression:
    """A regression of `positive` on standardised features over the cells `fitted`, for the cells `applied`.

    features: [cells, features], finite where fitted or applied. positive: [cells]. facts: the number of each
    cell's fact, [cells]. represented: how many cells each one stands for, where not all were asked, [cells].
    With fewer than FEWEST_POSITIVE cases of a kind it has an intercept alone, from one half more of either
    kind.
    """
    cases, count = int(fitted.sum()), int(positive[fitted].sum())
    if cases < FEWEST_CASES:
        return Regression(applied, None, np.zeros(0), np.zeros((0, 0)))
    if min(count, cases - count) < FEWEST_POSITIVE:
        positives, negatives = (represented[fitted & kind].sum() + 0.5 for kind in (positive, ~positive))
        return Regression(
            applied,
            np.ones((int(applied.sum()), 1)),
            np.array([np.log(positives / negatives)]),
            np.array([[1 / positives + 1 / negatives]]),
        )
    mean, spread = features[fitted].mean(axis=0), features[fitted].std(axis=0)
    spread[spread == 0] = 1

    def columns_of(cells: Mask) -> Floats:
        return np.column_stack([np.ones(int(cells.sum())), (features[cells] - mean) / spread])

    rows = columns_of(fitted)
    precision = np.array([LOOSE, *[PRECISION] * features.shape[1]])
    counts, labels = represented[fitted], positive[fitted]
    weights = fit_logistic(rows, labels, prior=np.zeros(len(precision)), precision=precision, weights=counts)
    covariance = _robust_covariance(rows, labels, facts[fitted], weights, precision, counts)
    return Regression(applied, columns_of(applied), weights, covariance)


def _robust_covariance(
    rows: Floats,
    positive: Mask,
    facts: npt.NDArray[np.int64],
    weights: Floats,
    precision: Floats,
    represented: Floats,
) -> Floats:
    """The sandwich estimate with facts as clusters (Liang and Zeger, Biometrika 73:13, 1986)."""
    expected = sigmoid(rows @ weights)
    curvature = represented * expected * (1 - expected)
    bread = np.linalg.inv((rows.T * curvature) @ rows + np.diag(precision))
    scores = np.zeros((int(facts.max()) + 1, rows.shape[1]))
    np.add.at(scores, facts, rows * (represented * (positive - expected))[:, None])
    covariance: Floats = bread @ scores.T @ scores @ bread
    return covariance
