"""Mantel's test compared with loops, scipy and all permutations."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import squareform

from factroots_dagster.stats.mantel import mantel


def symmetric(rng: np.random.Generator, n: int) -> np.ndarray:
    matrix = rng.normal(size=(n, n))
    return matrix + matrix.T


def test_equals_a_direct_loop() -> None:
    rng = np.random.default_rng(3)
    similarity, variable = symmetric(rng, 6), symmetric(rng, 6)
    similarity[1, 4] = similarity[4, 1] = np.nan
    pairs = [(i, j) for i in range(6) for j in range(i + 1, 6) if (i, j) != (1, 4)]

    def correlation(order: np.ndarray) -> float:
        x = [similarity[i, j] for i, j in pairs]
        y = [variable[order[i], order[j]] for i, j in pairs]
        return np.corrcoef(x, y)[0, 1]

    observed = correlation(np.arange(6))
    again = np.random.default_rng(7)
    as_strong = sum(abs(correlation(again.permutation(6))) >= abs(observed) - 1e-12 for _ in range(200))
    observed_correlation, p_value = mantel(similarity, variable, np.random.default_rng(7), permutations=200)
    assert observed_correlation == pytest.approx(observed)
    assert p_value == pytest.approx((1 + as_strong) / 201)


@pytest.mark.parametrize("seed", range(4))
def test_equals_scipys_correlation_and_all_permutations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    similarity, variable = symmetric(rng, 6), symmetric(rng, 6)
    similarity += 0.7 * seed * variable
    for matrix in (similarity, variable):
        np.fill_diagonal(matrix, 0.0)
    x = squareform(similarity)
    observed = stats.pearsonr(x, squareform(variable)).statistic
    every = [
        stats.pearsonr(x, squareform(variable[np.ix_(order, order)])).statistic
        for order in permutations(range(6))
    ]
    exact = np.mean(np.abs(every) >= abs(observed) - 1e-12)
    observed_correlation, p_value = mantel(similarity, variable, rng, permutations=2999)
    assert observed_correlation == pytest.approx(observed)
    assert p_value == pytest.approx(exact, abs=4 * (exact * (1 - exact) / 2999) ** 0.5 + 1 / 3000)


def test_pairs_that_share_a_language_make_an_ordinary_p_value_too_small() -> None:
    """Independent traits of 12 languages: the sum of two languages' traits makes their pairs similar."""
    rng = np.random.default_rng(0)
    ordinary, permuted = [], []
    for _ in range(150):
        matrices = []
        for _ in range(2):
            trait = rng.normal(size=12)
            matrices.append(np.add.outer(trait, trait) + 0.3 * symmetric(rng, 12))
        x, y = (matrix[np.triu_indices(12, 1)] for matrix in matrices)
        ordinary.append(stats.pearsonr(x, y).pvalue <= 0.05)
        permuted.append(mantel(*matrices, rng, permutations=199)[1] <= 0.05)
    assert np.mean(ordinary) > 0.25
    assert np.mean(permuted) < 0.11


def test_a_planted_relation_is_significant_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    variable = symmetric(rng, 12)
    observed_correlation, p_value = mantel(
        -variable + 0.1 * symmetric(rng, 12), variable, rng, permutations=999
    )
    assert observed_correlation is not None and observed_correlation < -0.9 and p_value == 0.001
    p_values = [mantel(symmetric(rng, 8), symmetric(rng, 8), rng, permutations=99)[1] for _ in range(100)]
    assert 0.01 <= np.mean([p <= 0.1 for p in p_values]) <= 0.22


def test_too_few_or_constant_items_have_no_correlation() -> None:
    rng = np.random.default_rng(0)
    assert mantel(symmetric(rng, 3), symmetric(rng, 3), rng) == (None, None)
    assert mantel(symmetric(rng, 5), np.ones((5, 5)), rng) == (None, None)
    assert mantel(np.full((5, 5), np.nan), symmetric(rng, 5), rng) == (None, None)
