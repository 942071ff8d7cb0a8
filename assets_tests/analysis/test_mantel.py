from __future__ import annotations

import numpy as np
import pytest

from factroots_dagster.analysis.mantel import mantel


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
    found, p_value = mantel(similarity, variable, np.random.default_rng(7), permutations=200)
    assert found == pytest.approx(observed)
    assert p_value == pytest.approx((1 + as_strong) / 201)


def test_a_planted_relation_is_found_and_noise_is_not() -> None:
    rng = np.random.default_rng(0)
    variable = symmetric(rng, 12)
    found, p_value = mantel(-variable + 0.1 * symmetric(rng, 12), variable, rng, permutations=999)
    assert found is not None and found < -0.9 and p_value == 0.001
    p_values = [mantel(symmetric(rng, 8), symmetric(rng, 8), rng, permutations=99)[1] for _ in range(100)]
    assert 0.01 <= np.mean([p <= 0.1 for p in p_values]) <= 0.22


def test_what_cannot_be_tested_is_none() -> None:
    rng = np.random.default_rng(0)
    assert mantel(symmetric(rng, 3), symmetric(rng, 3), rng) == (None, None)
    assert mantel(symmetric(rng, 5), np.ones((5, 5)), rng) == (None, None)
    assert mantel(np.full((5, 5), np.nan), symmetric(rng, 5), rng) == (None, None)
