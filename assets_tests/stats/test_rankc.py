"""RankC against worked examples and against its definition, word for word."""

from __future__ import annotations

from itertools import permutations
from math import e, exp

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.stats.rankc import rankc


def ranks_of(*orders: str, candidates: str = "abcdef") -> np.ndarray:
    """Ranks [questions, candidates] of orders such as "cab"; 0 for those that an order leaves out."""
    return np.array([[order.find(name) + 1 for name in candidates] for order in orders])


def orders_of(ranks: np.ndarray) -> np.ndarray:
    """The candidates by rank, best first, filled up with -1."""
    orders = np.argsort(np.where(ranks > 0, ranks, ranks.shape[1] + 1), axis=1, kind="stable")
    return np.where(np.arange(ranks.shape[1]) < (ranks > 0).sum(axis=1)[:, None], orders, -1)


def of_ranks(a: np.ndarray, b: np.ndarray, depths: np.ndarray) -> np.ndarray:
    """RankC of two tables of ranks; the same either way round."""
    values = rankc(orders_of(a), b, depths)
    np.testing.assert_allclose(values, rankc(orders_of(b), a, depths))
    return values


def by_definition(one: str, other: str) -> float:
    """RankC of two orders of the same candidates: sets, shares and weights as in the paper's formula."""
    n = len(one)
    weights = [exp(n - j) for j in range(1, n + 1)]
    shares = [len(set(one[:j]) & set(other[:j])) / j for j in range(1, n + 1)]
    return sum(w * share for w, share in zip(weights, shares, strict=True)) / sum(weights)


def test_a_small_table_computed_on_paper() -> None:
    # Weights of three candidates: e^2, e, 1, divided by their sum.
    total = e**2 + e + 1  # 11.107
    expected = [
        1.0,  # abc, abc: P@1 = P@2 = P@3 = 1
        (e + 1) / total,  # abc, bac: P@1 = 0, P@2 = 1, P@3 = 1: 0.3348
        (0.5 * e + 1) / total,  # abc, cab: 0, 1/2, 1: 0.2124
        (e**2 + 0.5 * e + 1) / total,  # abc, acb: 1, 1/2, 1: 0.8776
    ]
    values = of_ranks(
        ranks_of("abc", "abc", "abc", "abc"), ranks_of("abc", "bac", "cab", "acb"), np.full(4, 3)
    )
    assert values == pytest.approx(expected)
    assert values == pytest.approx([1.0, 0.33476, 0.21239, 0.87764], abs=1e-5)


def test_the_number_of_candidates_differs_from_question_to_question() -> None:
    a, b = ranks_of("ab", "abcd", ""), ranks_of("ba", "abdc", "")
    # Of two candidates: (e * 0 + 1 * 1) / (e + 1); of four P@3 = 2/3, the others 1.
    expected = [1 / (e + 1), 1 - e / 3 / (e**3 + e**2 + e + 1)]
    values = of_ranks(a, b, np.array([2, 4, 0]))
    assert values[:2] == pytest.approx(expected)
    assert np.isnan(values[2])


@given(st.integers(1, 6).flatmap(lambda n: st.tuples(*[st.permutations("abcdef"[:n])] * 2)))
def test_it_is_the_papers_formula(orders: tuple[list[str], list[str]]) -> None:
    one, other = ("".join(order) for order in orders)
    depth = np.array([len(one)])
    value = of_ranks(ranks_of(one), ranks_of(other), depth)[0]
    assert value == pytest.approx(by_definition(one, other))
    assert of_ranks(ranks_of(one), ranks_of(one), depth)[0] == pytest.approx(1.0)


def test_independent_rankings_have_the_expectation_of_all_pairs_of_orders() -> None:
    # P@j of independent orders is j / N on average; enumeration and closed form agree.
    n = 4
    orders = ["".join(order) for order in permutations("abcd")]
    every = [by_definition(one, other) for one in orders for other in orders]
    weights = np.exp(-np.arange(1, n + 1))
    closed = float((weights / weights.sum()) @ (np.arange(1, n + 1) / n))
    assert np.mean(every) == pytest.approx(closed)
    random = np.random.default_rng(0)
    a, b = (np.argsort(random.random((20_000, n)), axis=1) + 1 for _ in range(2))
    values = of_ranks(a, b, np.full(20_000, n))
    assert values.mean() == pytest.approx(closed, abs=4 * values.std() / 20_000**0.5)


def test_a_cut_ranking_is_that_of_its_candidates_to_within_e_to_the_minus_n() -> None:
    random = np.random.default_rng(1)
    a, b = (np.argsort(random.random((500, 30)), axis=1) + 1 for _ in range(2))
    whole = of_ranks(a, b, np.full(500, 30))
    for depth in (3, 6, 12):
        cut = of_ranks(np.where(a > depth, 0, a), np.where(b > depth, 0, b), np.full(500, depth))
        assert np.abs(cut - whole).max() < np.exp(-depth)
        assert cut == pytest.approx(of_ranks(a, b, np.full(500, depth)))
