"""Intervals compared with scipy's, statsmodels' and slow loops, and their coverage in simulations."""

from __future__ import annotations

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from factroots_dagster.stats.intervals import (
    bootstrap_means,
    clustered,
    mean_interval,
    placebo_interval,
    rate_interval,
    wilson,
)


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_equals_scipy(counts: tuple[int, int]) -> None:
    interval = stats.binomtest(*counts).proportion_ci(method="wilson")
    assert wilson(*counts) == pytest.approx((interval.low, interval.high), abs=1e-12)


def test_wilson_without_observations_is_the_unit_interval() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def rows(seed: int, clusters: int = 40, spread: float = 0.3) -> tuple[np.ndarray, np.ndarray]:
    """Right or wrong, in clusters of 1 to 12 similar rows."""
    random = np.random.default_rng(seed)
    sizes = random.integers(1, 13, clusters)
    cluster = np.repeat([f"Q{number}" for number in range(clusters)], sizes)
    chance = np.repeat(np.clip(0.4 + spread * random.normal(size=clusters), 0, 1), sizes)
    order = random.permutation(len(cluster))
    return (random.random(len(cluster)) < chance)[order], cluster[order]


def slow_bootstrap(values: np.ndarray, cluster: np.ndarray, draws: int) -> np.ndarray:
    random = np.random.default_rng(99)
    parts = [values[cluster == name] for name in sorted(set(cluster))]
    return np.array(
        [
            np.concatenate([parts[i] for i in random.integers(0, len(parts), len(parts))]).mean()
            for _ in range(draws)
        ]
    )


@pytest.mark.parametrize("seed", range(3))
def test_clustered_equals_drawing_whole_clusters(seed: int) -> None:
    right, cluster = rows(seed)
    drawn = slow_bootstrap(right, cluster, 4000)
    low, high = clustered(right, cluster, np.random.default_rng(0), draws=20_000)
    assert (low, high) == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), abs=0.012)
    assert high - low == pytest.approx(2 * 1.96 * drawn.std(), rel=0.06)
    again = clustered(right, cluster, np.random.default_rng(0), draws=20_000)
    assert again == (low, high)
    in_blocks = clustered(right, cluster, np.random.default_rng(0), draws=20_000, block_numbers=1000)
    assert in_blocks == (low, high)


def test_clustered_accepts_numbers() -> None:
    random = np.random.default_rng(5)
    _, cluster = rows(5)
    values = random.normal(size=len(cluster))
    drawn = slow_bootstrap(values, cluster, 4000)
    interval = clustered(values, cluster, random, draws=20_000)
    assert interval == pytest.approx(tuple(np.quantile(drawn, (0.025, 0.975))), abs=0.02)


def test_clustered_intervals_cover_the_rate_where_intervals_of_single_rows_do_not() -> None:
    """Coverage of the true rate in 300 samples of 60 clusters."""
    covered = {"clustered": 0, "rate": 0, "rows": 0}
    for seed in range(300):
        random = np.random.default_rng(seed)
        chance = np.where(random.random(60) < 0.5, 0.1, 0.7)  # 0.4 on average
        cluster = np.repeat(np.arange(60), 10)
        right = random.random(600) < np.repeat(chance, 10)
        for name, (low, high) in (
            ("clustered", clustered(right, cluster, random)),
            ("rate", rate_interval(right, cluster)),
            ("rows", wilson(int(right.sum()), 600)),
        ):
            covered[name] += low <= 0.4 <= high
    assert covered["clustered"] / 300 > 0.9
    assert 0.92 < covered["rate"] / 300 <= 0.98
    assert covered["rows"] / 300 < 0.8


def test_too_few_clusters_have_no_interval_of_the_mean() -> None:
    right = np.array([True, False])
    assert clustered(right, ["a", "a"], np.random.default_rng(0)) == (None, None)
    assert clustered(right[:0], [], np.random.default_rng(0)) == (None, None)
    assert mean_interval(np.array([1.0, 2.0]), ["a", "a"]) == (None, None)
    assert mean_interval(np.array([]), []) == (None, None)
    assert rate_interval(right, ["a", "a"]) == wilson(0.5, 1)
    assert rate_interval(right[:0], []) == (0.0, 1.0)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_mean_interval_equals_statsmodels(seed: int) -> None:
    random = np.random.default_rng(seed)
    values = random.normal(size=30)
    cluster = random.integers(0, 7, 30)
    groups = np.unique(cluster, return_inverse=True)[1]
    fitted = sm.OLS(values, np.ones(30)).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "df_correction": True}, use_t=True
    )
    assert mean_interval(values, cluster) == pytest.approx(tuple(fitted.conf_int()[0]))


def test_single_rows_give_the_ordinary_intervals() -> None:
    random = np.random.default_rng(2)
    values, hits = random.normal(size=9), random.random(9) < 0.4
    expected = stats.t.interval(0.95, 8, loc=values.mean(), scale=stats.sem(values))
    assert mean_interval(values, list("abcdefghi")) == pytest.approx(tuple(expected))
    assert rate_interval(hits, list("abcdefghi")) == pytest.approx(wilson(int(hits.sum()), 9))


@pytest.mark.parametrize("seed", range(5))
def test_rate_interval_is_wilsons_of_the_effective_rows(seed: int) -> None:
    hits, cluster = rows(seed)
    groups = np.unique(cluster, return_inverse=True)[1]
    fitted = sm.OLS(hits.astype(float), np.ones(len(hits))).fit(
        cov_type="cluster", cov_kwds={"groups": groups, "df_correction": True}
    )
    alone = sm.OLS(hits.astype(float), np.ones(len(hits))).fit()
    effective = len(hits) * min(1.0, (alone.bse[0] / fitted.bse[0]) ** 2)
    assert effective < len(hits)
    expected = proportion_confint(hits.mean() * effective, effective, method="wilson")
    assert rate_interval(hits, cluster) == pytest.approx(expected)


def test_rows_that_all_agree_count_as_their_clusters() -> None:
    assert rate_interval(np.zeros(40, bool), [n % 5 for n in range(40)]) == wilson(0, 5)
    assert rate_interval(np.ones(40, bool), [n % 5 for n in range(40)]) == wilson(5, 5)


def test_several_means_at_once_have_the_intervals_of_each_alone() -> None:
    random = np.random.default_rng(4)
    clusters = random.integers(60, size=400)
    values = random.normal(size=(400, 3)) + random.normal(size=60)[clusters, None]
    values[random.random((400, 3)) < 0.3] = np.nan
    low, high = bootstrap_means(values, clusters, np.random.default_rng(0), draws=4_000, block_numbers=1_000)
    for mean, ends in enumerate(zip(low, high, strict=True)):
        known = ~np.isnan(values[:, mean])
        alone = clustered(values[known, mean], clusters[known], np.random.default_rng(1), draws=4_000)
        assert ends == pytest.approx(alone, abs=0.03)


def test_several_means_without_two_clusters_have_no_interval() -> None:
    values = np.array([[1.0, np.nan, 2.0], [2.0, np.nan, np.nan], [4.0, 3.0, np.nan]])
    low, high = bootstrap_means(values, ["a", "a", "b"], np.random.default_rng(0))
    assert (low[1:], high[1:]) == ([None, None], [None, None])
    assert (low[0], high[0]) == pytest.approx((1.5, 4))
    assert bootstrap_means(np.zeros((0, 2)), [], np.random.default_rng(0)) == ([None, None], [None, None])


def test_what_is_one_more_placebo_is_told_from_the_others_as_often_as_the_level_says() -> None:
    """Rows of facts in several languages, placebos that differ from one another by more than facts tell."""
    random = np.random.default_rng(3)
    facts = np.repeat(np.arange(40), 3)
    told = {"placebos": 0, "facts alone": 0}
    for _ in range(400):
        levels = random.normal(0, 0.5, 6)  # the value's, then the placebos'
        shared = random.normal(size=(40, 6))[facts]
        values = levels + shared + random.normal(size=(120, 6))
        differences = values[:, :1] - values[:, 1:]
        low, high = placebo_interval(differences, facts)
        told["placebos"] += not low <= 0 <= high
        low, high = mean_interval(differences[:, 0], facts)
        told["facts alone"] += not low <= 0 <= high
    assert 0.01 <= told["placebos"] / 400 <= 0.08
    assert told["facts alone"] / 400 > 0.3


def test_equal_placebos_leave_the_interval_of_the_mean() -> None:
    random = np.random.default_rng(4)
    values, clusters = random.normal(size=30), np.arange(30) // 2
    interval = placebo_interval(np.stack([values] * 4, axis=1), clusters)
    assert interval == pytest.approx(mean_interval(values, clusters))
    assert placebo_interval(np.zeros((5, 2)), range(5)) == (0.0, 0.0)


def test_one_placebo_or_one_cluster_has_no_interval() -> None:
    values = np.random.default_rng(5).normal(size=(6, 3))
    assert placebo_interval(values[:, :1], range(6)) == (None, None)
    assert placebo_interval(values, ["one"] * 6) == (None, None)
