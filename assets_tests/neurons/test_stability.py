"""Stability against sets, loops and full recomputation."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from assets_tests.neurons.planted import LANGUAGES, RELATIONS, World
from assets_tests.neurons.test_probeless import double_loop, write
from factroots_dagster.neurons import stability
from factroots_dagster.neurons.nulls import expected_jaccard
from factroots_dagster.neurons.probeless import active_neurons, probeless_scores, standardised
from factroots_dagster.neurons.schema import NEURON_SIMILARITY, NEURON_STABILITY
from factroots_dagster.neurons.similarity import STATISTICS, compare_languages
from factroots_dagster.neurons.stability import (
    _correlations,
    _Found,
    _half_correlation,
    _halve,
    _overlaps,
    _scores,
    neuron_stability,
)

K = 6
COLUMN = {
    "jaccard": "neurons",
    "signed_jaccard": "signed_neurons",
    "standardised_jaccard": "standardised_neurons",
}


class Known(World):
    """All facts of all languages are known, as the folders of activations say."""

    @staticmethod
    def known(language: str, active: pa.Table) -> pa.Table:
        return active


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return Known(tmp_path_factory.mktemp("known"))


@pytest.fixture(scope="module")
def facts(world: World) -> pa.Table:
    return compare_languages(world.active, world.folders, world.splits, seed=0).facts


@pytest.fixture(scope="module")
def whole(world: World, facts: pa.Table) -> pa.Table:
    """From all facts: no sample."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stability, "FACTS", 10**6)
        patch.setattr(stability, "SMALLEST_RELATION", 4)
        return neuron_stability(world.folders, facts, k=K, seed=0)


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
    assert [row["statistic"] for row in halved] == list(STATISTICS)
    assert len(whole) == 3 * 4 * 4 + 3 * 4 + 5


def test_over_k_equals_comparing_anew_at_every_k(world: World, facts: pa.Table, whole: pa.Table) -> None:
    left_out = {
        (row["language_a"], row["language_b"], row["uuid"])
        for row in facts.to_pylist()
        if row["identical_input"]
    }
    assert left_out
    means: dict[tuple[str, int], list[float]] = {}
    for k in (K, 10, 25, 50):
        active = {
            language: {row["uuid"]: row for row in active_neurons(folder, k=k).to_pylist()}
            for language, folder in world.folders.items()
        }
        for statistic, column in COLUMN.items():
            means[statistic, k] = [
                np.mean(
                    [
                        len(x & y) / len(x | y)
                        for uuid in active[a]
                        if (a, b, uuid) not in left_out
                        for x, y in [(set(active[a][uuid][column]), set(active[b][uuid][column]))]
                    ]
                )
                for a, b in combinations(LANGUAGES, 2)
            ]
    for (statistic, k), at in means.items():
        (row,) = select(whole, aspect="over_k", statistic=statistic, k=k)
        assert row["overlap"] == pytest.approx(np.mean(at))
        assert row["random_overlap"] == pytest.approx(expected_jaccard(60, k))
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
    first, second, whole = _scores(values, rows, halves)
    for made, of in ((first, halves[0]), (second, halves[1]), (whole, np.arange(11))):
        for place, row in enumerate(rows):
            others = [f for f in of if f != row]
            expected = np.mean([np.abs(values[row].astype(float) - values[f]) for f in others], axis=0)
            np.testing.assert_allclose(made[0, place], expected, rtol=1e-5, atol=1e-7)
            above = values[row] - values[of].astype(float).mean(axis=0)
            np.testing.assert_allclose(made[1, place], above, rtol=1e-5, atol=1e-7)
            spread = values[of].astype(float).std(axis=0)
            unusual = np.divide(expected, spread, out=np.zeros(30), where=spread > 1e-9)
            np.testing.assert_allclose(made[2, place], unusual, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(whole[0], double_loop(values)[rows], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(whole[0], probeless_scores(values)[rows], rtol=1e-5, atol=1e-7)
    wide = values.astype(float)
    np.testing.assert_allclose(
        whole[2], standardised(probeless_scores(wide), wide)[rows], rtol=1e-5, atol=1e-6
    )


def test_overlaps_equal_sets() -> None:
    random = np.random.default_rng(0)
    a, b = random.normal(size=(2, 3, 4, 40))
    sizes = [1, 5, 25, 40]
    found = _overlaps(_Found.of(list("wxyz"), a, sizes), _Found.of(list("wxyz"), b, sizes), sizes)
    for ranking in range(3):
        for fact in range(4):
            for place, size in enumerate(sizes):
                x, y = (set(np.argsort(-side[ranking, fact])[:size].tolist()) for side in (a, b))
                assert found[ranking, fact, place] == len(x & y) / len(x | y)
    only = _overlaps(
        _Found.of(list("wxyz"), a, sizes).only(["z", "x"]), _Found.of(["z", "x"], b[:, [3, 1]], sizes), sizes
    )
    np.testing.assert_array_equal(only, found[:, [3, 1]])


def test_halves_that_are_copies_agree_wholly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Facts in identical twins: whichever half the first of them is in, it is rated by the same values."""
    random = np.random.default_rng(0)
    values = np.repeat(random.normal(size=(6, 1, 40)), 2, axis=0)
    monkeypatch.setattr(np, "array_split", lambda order, parts: [np.arange(0, 12, 2), np.arange(1, 12, 2)])
    made = neuron_stability(
        {"qaa": write(tmp_path, {"P1": values})}, NEURON_SIMILARITY.empty_table(), k=5, seed=0
    )
    rows = select(made, aspect="facts_halved", language="*")
    assert rows
    for row in rows:
        assert row["overlap"] == 1
        assert row["correlation"] == pytest.approx(1)
        assert row["spearman_brown"] == pytest.approx(1)


def test_noise_has_no_more_overlap_between_halves_than_its_scale_gives(tmp_path: Path) -> None:
    """Neurons of one scale: what the halves agree in is the fact itself, and more so with more facts."""
    random = np.random.default_rng(1)
    found = []
    for facts in (8, 80):
        values = random.normal(size=(facts, 1, 400))
        folder = write(tmp_path / str(facts), {f"P{n}": values for n in range(3)})
        made = neuron_stability({"qaa": folder}, NEURON_SIMILARITY.empty_table(), k=10, seed=0)
        found.append(select(made, aspect="facts_halved", language="qaa", statistic="jaccard", k=10)[0])
    few, many = found
    assert many["overlap"] > few["overlap"] > few["random_overlap"]
    assert 0 < few["correlation"] < few["spearman_brown"] < 1
    for row in found:
        r = row["correlation"]
        assert row["spearman_brown"] == pytest.approx(2 * r / (1 + r))


def test_spearman_brown_foretells_the_reliability_of_twice_the_facts() -> None:
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


def test_pairs_halved_equals_grouping(facts: pa.Table) -> None:
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


def test_pairs_halved_finds_pairs_that_differ() -> None:
    """Pairs' true means vary by 1, facts by 2: with 8 facts in a half, r is 1 / (1 + 4 / 8)."""
    random = np.random.default_rng(0)
    names = [f"q{a}{b}" for a in "abcdefghij" for b in "abcdefghij"][:60]
    rows = [
        {"language_a": a, "language_b": b, "uuid": f"u{fact}", "identical_input": fact == 16}
        | dict.fromkeys(STATISTICS, mean + 2 * random.normal() + (1e6 if fact == 16 else 0))
        for a, b in combinations(names, 2)
        for mean in [random.normal()]
        for fact in range(17)
    ]
    table = pa.Table.from_pylist(rows, schema=NEURON_SIMILARITY)
    made = neuron_stability({}, table, k=5, seed=0)
    assert len(made) == len(STATISTICS)
    for row in made.to_pylist():
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
    world: World, facts: pa.Table, whole: pa.Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stability, "FACTS", 3)
    monkeypatch.setattr(stability, "RELATIONS", 2)
    first, second, other = (neuron_stability(world.folders, facts, k=K, seed=seed) for seed in (0, 0, 1))
    assert first.equals(second)
    assert not first.equals(other)
    assert select(first, aspect="facts_halved", language="qaa")[0]["n"] == 6
    # A sample's means are near those of all.
    for row in select(first, aspect="over_k"):
        (every,) = select(whole, aspect="over_k", statistic=row["statistic"], k=row["k"])
        assert row["overlap"] == pytest.approx(every["overlap"], abs=0.15)


def test_nothing_to_say(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folders = {
        "qaa": write(tmp_path / "a", {"P1": random.normal(size=(3, 1, 8))}),
        "qab": write(tmp_path / "b", {}),
    }
    made = neuron_stability(folders, NEURON_SIMILARITY.empty_table(), k=2, seed=0)
    assert made.schema.equals(NEURON_STABILITY)
    assert {row["aspect"] for row in made.to_pylist()} == {"pairs_halved"}
    assert made["correlation"].to_pylist() == [None] * 5
