"""The nulls of a similarity, compared with shuffling, drawing, and all arrangements."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from factroots_dagster.neurons.nulls import EXCHANGES, ExchangeTest, WeightedNull, upper_p


def test_random_cosine_by_shuffling_neurons() -> None:
    random = np.random.default_rng(0)
    x, y = (part / np.linalg.norm(part) for part in (random.gamma(1.0, size=50) for _ in range(2)))
    drawn = [x @ random.permutation(y) for _ in range(4000)]
    assert np.mean(drawn) == pytest.approx(x.sum() * y.sum() / 50, abs=4 * np.std(drawn) / 4000**0.5)


def exchanged(blocks: list[tuple[np.ndarray, np.ndarray]]) -> tuple[ExchangeTest, list[float], list[float]]:
    """The test, and the sums of all cyclic shifts and of all permutations within groups."""
    test, random = ExchangeTest(), np.random.default_rng(0)
    sums = {"shifts": [0.0], "permutations": [0.0]}
    for similarity, groups in blocks:
        test.add(similarity, groups, random)
        for group in sorted(set(groups.tolist())):
            at = np.flatnonzero(groups == group)
            ways = {
                "shifts": [np.roll(at, -shift) for shift in range(len(at))],
                "permutations": [np.array(order) for order in permutations(at)],
            }
            for name, arrangements in ways.items():
                added = [similarity[at, order].sum() for order in arrangements]
                sums[name] = [before + more for before in sums[name] for more in added]
    return test, sums["shifts"], sums["permutations"]


@pytest.mark.parametrize("seed", range(8))
def test_exchange_equals_all_arrangements(seed: int) -> None:
    random = np.random.default_rng(seed)
    blocks = []
    for sizes in ((3, 1, 4), (2, 3)):
        groups = random.permutation(np.repeat([f"Q{number}" for number in range(len(sizes))], sizes))
        similarity = random.normal(size=(len(groups), len(groups)))
        blocks.append((similarity + (seed % 3) * np.eye(len(groups)), groups))
    test, shifts, every = exchanged(blocks)
    assert test.arrangements == len(shifts) == 3 * 4 * 2 * 3
    observed = sum(float(np.trace(similarity)) for similarity, _ in blocks)
    assert test.observed == pytest.approx(observed)
    # The draws are uniform over the shifts.
    seen, counts = np.unique(test.drawn.round(9), return_counts=True)
    np.testing.assert_allclose(seen, np.unique(np.round(shifts, 9)))
    assert stats.chisquare(counts).pvalue > 1e-4
    exact = np.mean(np.array(shifts) >= observed - 1e-9)
    assert test.p_value() == pytest.approx(exact, abs=4 * (exact * (1 - exact) / EXCHANGES) ** 0.5 + 0.002)
    # Shifts and permutations have one mean, and nearly one tail.
    assert np.mean(shifts) == pytest.approx(np.mean(every))
    assert exact == pytest.approx(np.mean(np.array(every) >= observed - 1e-9), abs=0.15)


def test_too_few_arrangements_have_no_p_value() -> None:
    random = np.random.default_rng(0)
    alone = ExchangeTest()
    alone.add(random.normal(size=(30, 30)), np.arange(30), random)
    assert alone.p_value() is None
    few = ExchangeTest()
    few.add(np.eye(4), np.array(["a", "a", "b", "b"]), random)
    assert few.p_value() is None


def test_exchange_is_uniform_without_and_small_with_sharing() -> None:
    p: dict[float, list[float]] = {0.0: [], 0.6: []}
    for seed in range(200):
        random = np.random.default_rng(seed)
        for shared, values in p.items():
            test = ExchangeTest()
            for _ in range(3):
                groups = random.integers(0, 5, 20)
                similarity = (groups[:, None] == groups[None]) + random.normal(size=(20, 20))
                test.add(similarity + shared * np.eye(20), groups, random)
            values.append(test.p_value())
    assert stats.kstest(p[0.0], "uniform").pvalue > 1e-3
    assert np.mean(np.array(p[0.6]) < 0.01) > 0.9


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(0, 6), min_size=1, max_size=8),
    st.lists(st.integers(0, 6), min_size=0, max_size=12),
)
def test_upper_p_counts(observed: list[int], null: list[int]) -> None:
    expected = [(1 + sum(value >= seen for value in null)) / (1 + len(null)) for seen in observed]
    assert upper_p(np.array(observed, float), np.array(null, float)).tolist() == expected


def test_a_weighted_null_equals_counting_and_repeating() -> None:
    random = np.random.default_rng(5)
    values, observed = random.integers(0, 20, 60).astype(float), np.array([-1.0, 0, 7, 7.5, 19, 20, np.nan])
    equal = WeightedNull(values, np.full(60, 0.3))
    np.testing.assert_allclose(equal.upper_p(observed), upper_p(observed, values))
    times = random.integers(1, 5, 60)
    weighted = WeightedNull(values, times.astype(float))
    repeated = np.repeat(values, times)
    for value, p in zip(observed[:-1], weighted.upper_p(observed), strict=False):
        at_least = (repeated >= value).sum() + times.mean()
        assert p == pytest.approx(at_least / (len(repeated) + times.mean()))
    for level in (0.05, 0.5, 0.9, 1.0):
        assert weighted.quantile(level) == np.quantile(repeated, level, method="inverted_cdf")
