"""The Jaccard index of two random sets: the chance level of every overlap that the platform reports."""

from __future__ import annotations

import math

import numpy as np

_NEGLIGIBLE = 12.0  # standard deviations from the mean beyond which the probabilities are below 1e-30


def expected_jaccard(universe: int, first: int, second: int) -> float | None:
    """Mean Jaccard index of independent uniform subsets of sizes `first` and `second` of `universe` items.

    The size x of the intersection is hypergeometric, so this is E[x / (first + second - x)] (Chung et al.,
    BMC Bioinformatics 20, 2019). The probabilities follow from their ratios, p(x + 1) / p(x) = (first - x)
    (second - x) / ((x + 1) (universe - first - second + x + 1)), and are normalised to sum to 1. None when
    both sets are empty.
    """
    if first + second == 0:
        return None
    mean = first * second / universe
    deviations = _NEGLIGIBLE * math.sqrt(mean + 1)  # the variance is below the mean
    low = max(0, first + second - universe, int(mean - deviations))
    high = min(first, second, int(mean + deviations) + 1)
    x = np.arange(low, high + 1, dtype=np.float64)
    ratios = (first - x) * (second - x) / ((x + 1) * (universe - first - second + x + 1))
    logarithms = np.concatenate([[0.0], np.cumsum(np.log(ratios[:-1]))])
    probabilities = np.exp(logarithms - logarithms.max())
    return float((probabilities * x / (first + second - x)).sum() / probabilities.sum())
