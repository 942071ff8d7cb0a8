"""Chance levels and p-values of similarities: arrays in, arrays out."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import stats

SUFFICIENT_NULL = 199  # values from which a null is used without pooling more: p can reach 0.005
SMALLEST_NULL = 19  # values below which there is no p-value: it could not reach 0.05
SMALLEST_MISMATCHED = 8  # pairings with other objects below which a z-score is noise


def expected_jaccard(neurons: int, k: int) -> float:
    """Mean Jaccard of two independent uniform k-subsets of `neurons`: E[x / (2k - x)], x hypergeometric."""
    overlap = np.arange(k + 1)
    return float((stats.hypergeom.pmf(overlap, neurons, k, k) * overlap / (2 * k - overlap)).sum())


def standardised(
    cosine: npt.NDArray[np.float64], mismatched: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """z of every entry [i, j] against the mismatched entries of row i and column j together.

    NaN where these are fewer than SMALLEST_MISMATCHED or do not vary.
    """
    known = mismatched & np.isfinite(cosine)
    values = np.where(known, cosine, 0.0)
    count, total, squares = (
        part.sum(axis=1)[:, None] + part.sum(axis=0)[None]
        for part in (known.astype(np.float64), values, values**2)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = squares / count - mean**2
        z = (cosine - mean) / np.sqrt(variance)
    return np.where((count >= SMALLEST_MISMATCHED) & (variance > 1e-12), z, np.nan)


def upper_p(observed: npt.NDArray[np.float64], null: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """One-sided p of each observed value: (1 + null values >= it) / (1 + null values); NaN stays."""
    ordered = np.sort(null)
    p = (1 + len(ordered) - np.searchsorted(ordered, observed, side="left")) / (1 + len(ordered))
    return np.where(np.isnan(observed), np.nan, p)


def benjamini_hochberg(p: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """q-values (Benjamini & Hochberg 1995) of the p-values that are known; NaN stays."""
    q = np.full(len(p), np.nan)
    known = ~np.isnan(p)
    if known.any():
        q[known] = stats.false_discovery_control(p[known], method="bh")
    return q
