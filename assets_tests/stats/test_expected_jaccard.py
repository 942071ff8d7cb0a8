"""The expected Jaccard index compared with enumeration, drawing, and the hypergeometric distribution."""

from __future__ import annotations

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom

from factroots_dagster.stats.expected_jaccard import expected_jaccard


@pytest.mark.parametrize(("n", "a", "b"), [(5, 2, 3), (6, 6, 2), (4, 0, 3), (7, 5, 5), (7, 7, 7)])
def test_it_is_the_mean_over_all_sets(n: int, a: int, b: int) -> None:
    first = set(range(a))
    values = [len(first & set(second)) / len(first | set(second)) for second in combinations(range(n), b)]
    assert expected_jaccard(n, a, b) == pytest.approx(sum(values) / comb(n, b), rel=1e-12)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(0, n))))
def test_it_equals_the_hypergeometric_mean(sizes: tuple[int, int, int]) -> None:
    n, a, b = sizes
    if a + b == 0:
        assert expected_jaccard(n, a, b) is None
        return
    overlap = np.arange(min(a, b) + 1)
    expected = (hypergeom.pmf(overlap, n, a, b) * overlap / (a + b - overlap)).sum()
    assert expected_jaccard(n, a, b) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize(("n", "a", "b"), [(37_000, 7000, 3000), (36_864, 50, 50), (36_864, 200, 200)])
def test_it_is_exact_at_the_size_of_mlama_and_of_mbert(n: int, a: int, b: int) -> None:
    overlap = np.arange(min(a, b) + 1)
    expected = (hypergeom.pmf(overlap, n, a, b) * overlap / (a + b - overlap)).sum()
    assert expected_jaccard(n, a, b) == pytest.approx(expected, rel=1e-12)


def test_it_is_the_mean_of_drawn_sets() -> None:
    random = np.random.default_rng(0)
    drawn = []
    for _ in range(4000):
        a, b = (set(random.choice(200, 20, replace=False).tolist()) for _ in range(2))
        drawn.append(len(a & b) / len(a | b))
    assert expected_jaccard(200, 20, 20) == pytest.approx(np.mean(drawn), rel=0.03)
