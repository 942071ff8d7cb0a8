"""Stability compared with sets, loops and full recomputation."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from assets_tests.neurons.activations import write_activations
from assets_tests.neurons.brute_force import probeless_by_double_loop
from assets_tests.neurons.planted import LANGUAGES, RELATIONS, World
from factroots_dagster.neurons.probeless import active_neurons, probeless_scores, standardised
from factroots_dagster.neurons.rankings import COLUMNS, RANKINGS, SIGNED, STANDARDISED
from factroots_dagster.neurons.schema import NEURON_STABILITY
from factroots_dagster.neurons.similarity import PairComparison, compare_languages
from factroots_dagster.neurons.stability import (
    _correlations,
    _half_correlation,
    _halve,
    _overlaps,
    _TopNeurons,
    half_scores,
    neuron_stability,
)
from factroots_dagster.neurons.statistics import BY_PAIR, OF_SETS
from factroots_dagster.stats.expected_jaccard import expected_jaccard

K = 6
COLUMN = {statistic.name: COLUMNS[statistic.ranking] for statistic in OF_SETS if statistic.ranking}
"""Statistic of sets to the column of ACTIVE_NEURONS that holds them."""
STATISTICS = [statistic.name for statistic in BY_PAIR]


class FullyKnown(World):
    """All facts are predicted in all languages, as the folders of activations say."""

    @staticmethod
    def known(language: str, active: pa.Table) -> pa.Table:
        return active


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return FullyKnown(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def compared(world: World) -> list[PairComparison]:
    return compare_languages(world.active, world.folders, world.splits, seed=0).language_pairs


@pytest.fixture(scope="module")
def whole(world: World, compared: list[PairComparison]) -> pa.Table:
    """From all facts, not a sample."""
    return neuron_stability(world.folders, compared, k=K, seed=0, sampled_facts=10**6, smallest_relation=4)


def select(table: pa.Table, **wanted: object) -> list[dict]:
    return [row for row in table.to_pylist() if all(row[name] == value for name, value in wanted.items())]


def test_the_table_is_complete(whole: pa.Table) -> None:
    assert whole.schema.equals(NEURON_STABILITY)
    sizes = [K, 10, 25, 50]  # 100 and 200 are more than the 60 neurons
    for statistic in COLUMN:
        for language in ("*", *LANGUAGES):
            rows = select(whole, aspect="facts_halved", statistic=statistic, language=language)
            assert [row["k"] for row in rows] == sizes
            assert {row["n"] for row in rows} == {sum(RELATIONS.values()) * (3 if language == "*" else 1)}
        rows = select(whole, aspect="over_k", statistic=statistic)
        assert [(row["k"], row["n"]) for row in rows] == [(size, 3) for size in sizes]
    halved = select(whole, aspect="pairs_halved")
    assert [row["statistic"] for row in halved] == STATISTICS
    assert len(whole) == 3 * 4 * 4 + 3 * 4 + len(STATISTICS)


def test_over_k_equals_comparing_again_at_every_k(
    world: World, compared: list[PairComparison], whole: pa.Table
) -> None:
    excluded = {
        (pair.language_a, pair.language_b, uuid)
        for pair in compared
        for uuid in pair.uuids[pair.identical_input]
    }
    assert excluded
    means: dict[tuple[str, int], list[float]] = {}
    for k in (K, 10, 25, 50):
        active = {
            language: {row["uuid"]: row for row in active_neurons(folder, k=k).to_pylist()}
            for language, folder in world.folders.items()
        }
        for statistic, ranked_column in COLUMN.items():
            # The first k of the Probeless ranking have a column of their own.
            column = "neurons" if ranked_column == "ranked_neurons" else ranked_column
            means[statistic, k] = [
                np.mean(
                    [
                        len(x & y) / len(x | y)
                        for uuid in active[a]
                        if (a, b, uuid) not in excluded
                        for x, y in [(set(active[a][uuid][column]), set(active[b][uuid][column]))]
                    ]
                )
                for a, b in combinations(LANGUAGES, 2)
            ]
    for (statistic, k), at in means.items():
        (row,) = select(whole, aspect="over_k", statistic=statistic, k=k)
        assert row["overlap"] == pytest.approx(np.mean(at))
        assert row["random_overlap"] == pytest.approx(expected_jaccard(60, k, k))
        assert row["correlation"] == pytest.approx(stats.spearmanr(at, means[statistic, K]).statistic)
        assert row["spearman_brown"] is None
        if k == K:
            assert row["correlation"] == pytest.approx(1)


def test_scores_of_halves_equal_the_double_loop() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(11, 30)).astype(np.float32)
    values[:, 4] = 1  # does not vary
    rows = np.array([2, 7, 9])
    halves = np.array_split(random.permutation(11), 2)
    first, second, whole = half_scores(values, rows, halves)
    signed, standardised_index = RANKINGS.index(SIGNED), RANKINGS.index(STANDARDISED)
    for scores, facts in ((first, halves[0]), (second, halves[1]), (whole, np.arange(11))):
        for index, row in enumerate(rows):
            others = [f for f in facts if f != row]
            expected = np.mean([np.abs(values[row].astype(float) - values[f]) for f in others], axis=0)
            np.testing.assert_allclose(scores[0, index], expected, rtol=1e-5, atol=1e-7)
            above = values[row] - values[facts].astype(float).mean(axis=0)
            np.testing.assert_allclose(scores[signed, index], above, rtol=1e-5, atol=1e-7)
            deviation = values[facts].astype(float).std(axis=0)
            unusual = np.divide(expected, deviation, out=np.zeros(30), where=deviation > 1e-9)
            np.testing.assert_allclose(scores[standardised_index, index], unusual, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole[0], probeless_by_double_loop(values)[rows], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(whole[0], probeless_scores(values)[rows], rtol=1e-5, atol=1e-7)
    wide = values.astype(float)
    np.testing.assert_allclose(
        whole[standardised_index], standardised(probeless_scores(wide), wide)[rows], rtol=1e-5, atol=1e-6
    )


def test_overlaps_equal_sets() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 3, 4, 40))
    sizes = [1, 5, 25, 40]
    top_a, top_b = (_TopNeurons.from_scores(list("wxyz"), scores, sizes[-1]) for scores in (a, b))
    overlaps = _overlaps(top_a, top_b, sizes)
    for ranking in range(3):
        for fact in range(4):
            for index, size in enumerate(sizes):
                x, y = (set(np.argsort(-side[ranking, fact])[:size].tolist()) for side in (a, b))
                assert overlaps[ranking, fact, index] == len(x & y) / len(x | y)
    selected = _overlaps(top_a.select(["z", "x"]), top_b.select(["z", "x"]), sizes)
    np.testing.assert_array_equal(selected, overlaps[:, [3, 1]])


def test_halves_that_are_copies_agree_completely() -> None:
    """Facts in identical pairs, one of each in either half: both halves rate a fact by the same values."""
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=(6, 40)), 2, axis=0).astype(np.float32)
    first, second, _ = half_scores(values, np.arange(0, 12, 2), [np.arange(0, 12, 2), np.arange(1, 12, 2)])
    uuids, sizes = list("abcdef"), [5, 10, 25]
    top = [_TopNeurons.from_scores(uuids, scores, sizes[-1]) for scores in (first, second)]
    # A fact's own copy counts among the other half's facts, which divides all its scores alike.
    assert (_overlaps(*top, sizes) == 1).all()
    np.testing.assert_allclose(_correlations(first, second), 1)


def test_halves_of_noise_agree_in_the_fact_itself_and_more_so_with_more_facts(tmp_path: Path) -> None:
    """All neurons have the same scale, so no neuron is rated higher for every fact."""
    random = np.random.default_rng(1)
    rows = []
    for facts in (8, 80):
        values = random.normal(size=(facts, 1, 400))
        folder = write_activations(tmp_path / str(facts), {f"P{n}": values for n in range(3)})
        table = neuron_stability({"qaa": folder}, [], k=10, seed=0)
        rows += select(table, aspect="facts_halved", language="qaa", statistic="jaccard", k=10)
    few, many = rows
    assert many["overlap"] > few["overlap"] > few["random_overlap"]
    assert 0 < few["correlation"] < few["spearman_brown"] < 1
    for row in rows:
        r = row["correlation"]
        assert row["spearman_brown"] == pytest.approx(2 * r / (1 + r))


def test_spearman_brown_predicts_the_reliability_of_twice_the_facts() -> None:
    """From halves of 40 to two independent sets of 80 facts."""
    random = np.random.default_rng(0)
    values = random.normal(size=(160, 2000)) * random.gamma(2, size=2000)
    half, whole = [], []
    for fact in range(12):
        others = random.permutation(np.delete(np.arange(160), fact))
        scores = [
            np.abs(values[part] - values[fact]).mean(axis=0)
            for part in (others[:40], others[40:80], others[:80], others[79:159])
        ]
        half.append(np.corrcoef(scores[0], scores[1])[0, 1])
        whole.append(np.corrcoef(scores[2], scores[3])[0, 1])
    r = np.mean(half)
    assert 2 * r / (1 + r) == pytest.approx(np.mean(whole), abs=0.01)
    assert r < np.mean(whole) - 0.005


def test_pairs_halved_equals_grouping() -> None:
    random = np.random.default_rng(0)
    pair = np.repeat([0, 1, 2, 3], [7, 4, 9, 5])
    random.shuffle(pair)
    half = _halve(pair, random)
    counted = pd.crosstab(pair, half)
    assert (abs(counted[0] - counted[1]) <= 1).all()
    assert not np.array_equal(half, _halve(pair, random))
    values = random.normal(size=len(pair)) + pair
    means = pd.Series(values).groupby([pair, half]).mean().unstack()
    expected = stats.pearsonr(means[0], means[1]).statistic
    assert _half_correlation(values, pair, half) == pytest.approx(expected)
    assert np.isnan(_half_correlation(values[pair < 2], pair[pair < 2], half[pair < 2]))


def comparison(a: str, b: str, values: np.ndarray, identical: np.ndarray) -> PairComparison:
    """The facts of two languages, with the same values by every statistic."""
    return PairComparison(
        language_a=a,
        language_b=b,
        uuids=np.array([f"u{fact}" for fact in range(len(values))], object),
        relations=np.full(len(values), "P1", object),
        identical_input=identical,
        values=dict.fromkeys(STATISTICS, values),
        baselines={},
        p_values={},
        null_sizes={},
    )


def test_pairs_halved_distinguishes_pairs() -> None:
    """Pairs' true means vary by 1, facts by 2: with 8 facts in a half, r is 1 / (1 + 4 / 8)."""
    random = np.random.default_rng(0)
    names = [f"q{a}{b}" for a in "abcdefghij" for b in "abcdefghij"][:60]
    compared = []
    for a, b in combinations(names, 2):
        values = random.normal() + 2 * random.normal(size=17)
        values[16] += 1e6
        compared.append(comparison(a, b, values, identical=np.arange(17) == 16))
    table = neuron_stability({}, compared, k=5, seed=0)
    assert len(table) == len(STATISTICS)
    for row in table.to_pylist():
        assert row["n"] == 60 * 59 // 2
        assert row["correlation"] == pytest.approx(1 / 1.5, abs=0.03)
        assert row["spearman_brown"] == pytest.approx(1 / 1.25, abs=0.02)
        assert row["k"] == (5 if row["statistic"].endswith("jaccard") else None)


def test_correlations_equal_numpy() -> None:
    a, b = np.random.default_rng(0).normal(size=(2, 3, 9))
    expected = [np.corrcoef(x, y)[0, 1] for x, y in zip(a, b, strict=True)]
    np.testing.assert_allclose(_correlations(a, b), expected)
    assert np.isnan(_correlations(np.ones(4), np.arange(4.0)))


def test_the_sample_is_bounded_and_drawn_with_the_seed(
    world: World, compared: list[PairComparison], whole: pa.Table
) -> None:
    first, second, other = (
        neuron_stability(world.folders, compared, k=K, seed=seed, sampled_facts=3, sampled_relations=2)
        for seed in (0, 0, 1)
    )
    assert first.equals(second)
    assert not first.equals(other)
    assert select(first, aspect="facts_halved", language="qaa")[0]["n"] == 6
    # A sample's means are near those of all.
    for row in select(first, aspect="over_k"):
        (every,) = select(whole, aspect="over_k", statistic=row["statistic"], k=row["k"])
        assert row["overlap"] == pytest.approx(every["overlap"], abs=0.15)


def test_languages_with_too_few_facts_have_null_correlations_alone(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folders = {
        "qaa": write_activations(tmp_path / "a", {"P1": random.normal(size=(3, 1, 8))}),
        "qab": write_activations(tmp_path / "b", {}),
    }
    table = neuron_stability(folders, [], k=2, seed=0)
    assert table.schema.equals(NEURON_STABILITY)
    assert {row["aspect"] for row in table.to_pylist()} == {"pairs_halved"}
    assert table["correlation"].to_pylist() == [None] * len(STATISTICS)
