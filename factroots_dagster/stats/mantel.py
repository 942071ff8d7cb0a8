"""Mantel's test: are two distance matrices over the same items correlated?"""

from __future__ import annotations

import numpy as np


def mantel(
    similarity: np.ndarray, variable: np.ndarray, rng: np.random.Generator, *, permutations: int = 9999
) -> tuple[float | None, float | None]:
    """Pearson correlation over pairs and its two-sided permutation p-value (Mantel 1967).

    Pairs that share an item are not independent, so the ordinary p-value of a correlation would be far too
    small; here the items of `variable` are permuted, and p = (1 + permutations at least as strong) / (1 +
    permutations).

    similarity, variable: [n, n], symmetric; a pair without a value (NaN) in similarity is ignored throughout,
    the variable has none off the diagonal. Returns (None, None) for fewer than four items or a constant side.
    """
    n = len(similarity)
    rows, columns = np.triu_indices(n, 1)
    known = ~np.isnan(similarity[rows, columns])
    rows, columns = rows[known], columns[known]
    x = similarity[rows, columns]
    if n < 4 or len(x) < 3 or np.ptp(x) == 0 or np.ptp(variable[rows, columns]) == 0:
        return None, None
    observed = _correlation(x, variable[rows, columns])
    stronger = 0
    for _ in range(permutations):
        order = rng.permutation(n)
        value = _correlation(x, variable[order[rows], order[columns]])
        stronger += abs(value) >= abs(observed) - 1e-12
    return observed, (1 + stronger) / (1 + permutations)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    norm = np.sqrt((x @ x) * (y @ y))
    return float(x @ y / norm) if norm > 0 else 0.0
