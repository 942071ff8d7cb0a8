"""Similarity of languages compared with loops over facts, on activations with a planted structure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from assets_tests.neurons.activations import write_activations
from assets_tests.neurons.planted import LANGUAGES, RELATIONS, World
from factroots_dagster.neurons.comparable import indicators
from factroots_dagster.neurons.nulls import SMALLEST_MISMATCHED, SUFFICIENT_NULL
from factroots_dagster.neurons.overlaps import jaccard_matrix
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE, NEURON_SIMILARITY, SIMILARITY_PAIRS
from factroots_dagster.neurons.similarity import Similarity, compare_languages
from factroots_dagster.neurons.statistics import (
    BASELINES,
    BY_PAIR,
    MEAN_BASELINES,
    MISMATCHED,
    OBSERVED,
    RANDOM,
    SAME_OBJECT,
    SAME_OBJECT_Q90,
    STATISTICS,
)
from factroots_dagster.stats.expected_jaccard import expected_jaccard

ALL_PAIRINGS = 10**6
"""More pairings than there are: the loops below keep them all."""
NAMES = tuple(statistic.name for statistic in BY_PAIR)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


def compare(world: World, **options: Any) -> Similarity:
    options = {"seed": 0, "kept_pairings": ALL_PAIRINGS} | options
    return compare_languages(world.active, world.folders, world.splits, **options)


@pytest.fixture(scope="module")
def compared(world: World) -> Similarity:
    return compare(world)


@pytest.fixture(scope="module")
def rows(compared: Similarity) -> list[dict[str, Any]]:
    """NEURON_SIMILARITY."""
    return compared.facts().to_pylist()


def test_pooled_nulls_are_limited_by_drawing_with_the_seed(world: World, rows: list[dict[str, Any]]) -> None:
    first, second, other = (compare(world, seed=seed, kept_pairings=60).facts() for seed in (0, 0, 1))
    assert first.equals(second)
    assert not first.equals(other)
    p_values = [
        (row["p_value"], full["p_value"])
        for row, full in zip(first.to_pylist(), rows, strict=True)
        if row["p_value"] is not None
    ]
    assert np.abs(np.diff(p_values, axis=1)).max() < 0.2
    sizes = [[row["same_object_pairings"] or 0 for row in each] for each in (first.to_pylist(), rows)]
    assert max(sizes[0]) <= max(sizes[1])


def test_every_statistic_of_the_registry_is_complete() -> None:
    assert len({statistic.name for statistic in STATISTICS}) == len(STATISTICS)
    for statistic in STATISTICS:
        assert set(statistic.baselines) <= set(BASELINES) - {OBSERVED}
        assert (RANDOM in statistic.baselines) == (statistic.expected is not None)
        assert statistic.by_pair == bool(statistic.baselines)
        assert statistic.compare is not None or not statistic.by_pair
        assert SAME_OBJECT_Q90 in statistic.baselines or not statistic.tested
        assert statistic.by_pair or statistic.by_language


def test_the_tables_hold_every_statistic_with_its_baselines_and_no_other(
    compared: Similarity, rows: list[dict[str, Any]]
) -> None:
    for statistic in BY_PAIR:
        mine = [row for row in rows if row["statistic"] == statistic.name]
        assert len(mine) == len(rows) / len(BY_PAIR)
        for baseline in MEAN_BASELINES:
            known = any(row[f"{baseline}_mean"] is not None for row in mine)
            assert known == (baseline in statistic.baselines)
        for column in ("p_value", "q_value", "same_object_pairings"):
            assert any(row[column] is not None for row in mine) == statistic.tested
    pairs = compared.pairs.to_pylist()
    keys = [(row["language_a"], row["language_b"], row["statistic"], row["baseline"]) for row in pairs]
    assert keys == [
        (a, b, statistic.name, baseline)
        for a, b in (("qaa", "qab"), ("qaa", "qac"), ("qab", "qac"))
        for statistic in BY_PAIR
        for baseline in BASELINES
        if baseline in (OBSERVED, *statistic.baselines)
    ]
    for row in pairs:
        tested = row["baseline"] == OBSERVED and row["statistic"] == "cosine"
        assert (row["p_value"] is not None) == (row["q_value"] is not None) == tested
    assert b"not independent" in SIMILARITY_PAIRS.metadata[b"note"]


def brute_force(world: World, a: str, b: str, relation: str) -> tuple[dict, list[float]]:
    """By fact and statistic its numbers, and the cosines of all same-object pairings of pair and relation."""
    split = {lang: {row["uuid"]: row for row in world.splits[lang].to_pylist()} for lang in (a, b)}
    neurons = {
        lang: {row["uuid"]: row for row in world.active[lang].to_pylist() if row["relation"] == relation}
        for lang in (a, b)
    }
    centred = {}
    for lang in (a, b):
        flat = world.values[lang][relation].reshape(RELATIONS[relation], -1).astype(np.float64)
        centred[lang] = {f"{relation}-{row}": values for row, values in enumerate(flat - flat.mean(axis=0))}

    def cosine(f: str, g: str) -> float:
        x, y = centred[a][f], centred[b][g]
        return float(x @ y / np.linalg.norm(x) / np.linalg.norm(y))

    def jaccard(f: str, g: str, column: str = "neurons") -> float:
        x, y = set(neurons[a][f][column]), set(neurons[b][g][column])
        return len(x & y) / len(x | y)

    def same(f: str, g: str) -> bool:
        return split[a][f]["object_uri"] == split[b][g]["object_uri"]

    def z(f: str, g: str, value: float | None = None) -> float:
        other = [cosine(f, h) for h in neurons[b] if not same(f, h)]
        other += [cosine(h, g) for h in neurons[a] if not same(h, g)]
        value = cosine(f, g) if value is None else value
        return (value - np.mean(other)) / np.std(other) if len(other) >= SMALLEST_MISMATCHED else np.nan

    def mean(statistic: Any, pairings: list[tuple[str, str]]) -> float | None:
        values = np.array([statistic(*pairing) for pairing in pairings])
        values = values[~np.isnan(values)]
        return values.mean() if len(values) else None

    def known(value: float) -> float | None:
        return None if np.isnan(value) else value

    statistics = {
        "jaccard": jaccard,
        "signed_jaccard": lambda f, g: jaccard(f, g, "signed_neurons"),
        "standardised_jaccard": lambda f, g: jaccard(f, g, "standardised_neurons"),
        "cosine": cosine,
        "cosine_z": z,
    }
    facts = {}
    for f in sorted(neurons[a].keys() & neurons[b].keys()):
        pairings = [(f, g) for g in neurons[b] if g != f] + [(g, f) for g in neurons[a] if g != f]
        with_object = [pairing for pairing in pairings if same(*pairing)]
        others = [pairing for pairing in pairings if not same(*pairing)]
        x, y = (centred[lang][f] / np.linalg.norm(centred[lang][f]) for lang in (a, b))
        random_cosine = x.sum() * y.sum() / len(x)  # test_random_cosine_by_shuffling_neurons
        random = {"cosine": random_cosine, "cosine_z": known(z(f, f, random_cosine))}
        prompts = [split[lang][f]["template"].replace("[X]", split[lang][f]["subject"]) for lang in (a, b)]
        for name, statistic in statistics.items():
            facts[f, name] = {
                "value": known(statistic(f, f)),
                f"{SAME_OBJECT}_mean": mean(statistic, with_object),
                f"{MISMATCHED}_mean": mean(statistic, others),
                f"{RANDOM}_mean": random.get(name, expected_jaccard(60, 6, 6)),
                "identical_input": prompts[0] == prompts[1],
            }
    return facts, [cosine(f, g) for f, g in product(neurons[a], neurons[b]) if f != g and same(f, g)]


def test_facts_equal_loops(world: World, compared: Similarity, rows: list[dict[str, Any]]) -> None:
    assert compared.facts().schema.equals(NEURON_SIMILARITY)
    by_key = {(row["language_a"], row["language_b"], row["uuid"], row["statistic"]): row for row in rows}
    assert len(by_key) == len(rows)
    seen = undefined = 0
    nulls_used = set()
    for a, b in (("qaa", "qab"), ("qaa", "qac"), ("qab", "qac")):
        by_relation = {relation: brute_force(world, a, b, relation) for relation in RELATIONS}
        of_pair = [value for _, null in by_relation.values() for value in null]
        for facts, own in by_relation.values():
            null = own if len(own) >= SUFFICIENT_NULL else of_pair
            nulls_used.add(null is of_pair)
            for (uuid, statistic), expected in facts.items():
                row = by_key[a, b, uuid, statistic]
                seen += 1
                for column, value in expected.items():
                    assert row[column] == (value if value is None else pytest.approx(value, abs=1e-5)), column
                undefined += expected["value"] is None
                if statistic != "cosine" or expected["identical_input"]:
                    assert row["p_value"] is row["q_value"] is None
                    continue
                at_least = sum(value >= expected["value"] - 1e-6 for value in null)
                assert row["p_value"] == pytest.approx((1 + at_least) / (1 + len(null)), abs=1e-9)
                assert row["same_object_pairings"] == len(null)
    assert seen == len(rows)
    assert undefined > 0
    assert sum(row["identical_input"] for row in rows) == 3 * len(NAMES)
    assert nulls_used == {True, False}, "not both nulls were used"


def test_rows_are_sorted_by_pair_statistic_relation_and_uuid(rows: list[dict[str, Any]]) -> None:
    keys = [
        (row["language_a"], row["language_b"], NAMES.index(row["statistic"]), row["relation"], row["uuid"])
        for row in rows
    ]
    assert keys == sorted(keys)


def test_q_values_are_benjamini_hochberg(rows: list[dict[str, Any]]) -> None:
    tested = [row for row in rows if row["p_value"] is not None]
    p_values = np.array([row["p_value"] for row in tested])
    expected = multipletests(p_values, method="fdr_bh")[1]
    np.testing.assert_allclose([row["q_value"] for row in tested], expected)


def test_nearest_language_equals_loops(world: World, compared: Similarity) -> None:
    split = {
        language: {row["uuid"]: row for row in world.splits[language].to_pylist()} for language in LANGUAGES
    }
    known = {language: set(world.active[language].column("uuid").to_pylist()) for language in LANGUAGES}
    directions = {}
    for language in LANGUAGES:
        for relation, values in world.values[language].items():
            centred = values.reshape(len(values), -1).astype(np.float64)
            centred -= centred.mean(axis=0)
            for fact, row in enumerate(centred / np.linalg.norm(centred, axis=1, keepdims=True)):
                directions[language, f"{relation}-{fact}"] = row

    def largest(language: str, f: str, g: str, others: list[str]) -> tuple[float, str]:
        return max((float(directions[language, f] @ directions[other, g]), other) for other in others)

    nulls: dict[tuple[str, str], list[float]] = {}
    for language in LANGUAGES:
        for f in known[language]:
            for g in split[language]:
                if g != f and split[language][g]["object_uri"] == split[language][f]["object_uri"]:
                    others = [other for other in LANGUAGES if other != language and g in known[other]]
                    if others:
                        cell = nulls.setdefault((f.split("-")[0], language), [])
                        cell.append(largest(language, f, g, others)[0])
    assert compared.nearest.schema.equals(NEAREST_LANGUAGE)
    everything = compared.nearest.to_pylist()
    keys = [(row["language"], row["relation"], row["uuid"]) for row in everything]
    assert keys == sorted(keys)
    rows = [row for row in everything if row["statistic"] == "cosine"]
    used = set()
    for row in rows:
        language, uuid, relation = row["language"], row["uuid"], row["relation"]
        others = [
            other
            for other in LANGUAGES
            if other != language
            and uuid in known[other]
            and split[other][uuid]["template"] != split[language][uuid]["template"]
        ]
        cosine, other = largest(language, uuid, uuid, others)
        assert row["partners"] == len(others)
        assert row["nearest_language"] == other
        assert row["similarity"] == pytest.approx(cosine, abs=1e-5)
        sizes = [
            nulls.get((relation, language), []),
            [value for (name, _), null in nulls.items() if name == relation for value in null],
            [value for null in nulls.values() for value in null],
        ]
        level = next(i for i, pool in enumerate(sizes) if len(pool) >= SUFFICIENT_NULL or i == 2)
        used.add(level)
        pool = sizes[level]
        assert row["pairings"] == len(pool)
        assert row["null_q90"] == pytest.approx(np.quantile(pool, 0.9), abs=1e-5)
        assert row["null_q95"] == pytest.approx(np.quantile(pool, 0.95), abs=1e-5)
        at_least = sum(value >= cosine - 1e-6 for value in pool)
        assert row["p_value"] == pytest.approx((1 + at_least) / (1 + len(pool)), abs=1e-9)
    assert used == {0, 1, 2}, "not every null was used"
    tested = {(language, uuid) for language in LANGUAGES for uuid in known[language]}
    alone = {
        (language, uuid)
        for language, uuid in tested
        if not any(other != language and uuid in known[other] for other in LANGUAGES)
    }
    assert {(row["language"], row["uuid"]) for row in rows} == tested - alone


def test_planted_facts_are_significant_and_others_are_not(
    world: World, compared: Similarity, rows: list[dict[str, Any]]
) -> None:
    significant: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows:
        if row["q_value"] is not None:
            significant[row["uuid"] in world.linked].append(row["q_value"] <= 0.05)
    assert np.mean(significant[True]) > 0.7
    false = sum(significant[False]) / (sum(significant[False]) + sum(significant[True]))
    assert false < 0.1  # q promises 0.05 on average
    for statistic in ("cosine", "evidence"):
        nearest: dict[bool, list[bool]] = {True: [], False: []}
        for row in compared.nearest.to_pylist():
            if row["statistic"] == statistic and row["q_value"] is not None:
                nearest[row["uuid"] in world.linked].append(row["q_value"] <= 0.05)
        assert np.mean(nearest[True]) > 0.7
        # Of 87 significant facts of one small world; 0.05 on average.
        assert sum(nearest[False]) / (sum(nearest[False]) + sum(nearest[True])) < 0.15


def test_p_values_are_near_uniform_when_nothing_is_shared(tmp_path: Path) -> None:
    """Only the object is common to the languages: few small p, though every Jaccard beats random neurons.

    Slightly liberal: frequent objects have more pairings in the null, and are nearer to the relation's mean.
    """
    p, jaccard, of_pairs = [], [], []
    of_facts: dict[str, list[float]] = {"cosine": [], "evidence": []}
    for seed in range(6):
        sizes = {"P1": 60, "P2": 60, "P3": 60}
        world = World(tmp_path / str(seed), seed=seed, strength=0.0, relations=sizes)
        compared = compare_languages(world.active, world.folders, world.splits, seed=0)
        for row in compared.facts().to_pylist():
            if row["p_value"] is not None:
                p.append(row["p_value"])
            if row["statistic"] == "jaccard":
                jaccard.append(row["value"] / row["random_mean"])
        for row in compared.nearest.to_pylist():
            if row["statistic"] in of_facts:
                of_facts[row["statistic"]].append(row["p_value"])
        of_pairs += compared.pairs["p_value"].drop_null().to_pylist()
    assert np.mean(jaccard) > 3
    assert len(of_pairs) == 18
    assert stats.kstest(of_pairs, "uniform").pvalue > 0.01
    for values in (np.array(p), *(np.array(by_fact) for by_fact in of_facts.values())):
        assert 0.04 < np.mean(values <= 0.05) < 0.07
        assert 0.08 < np.mean(values <= 0.1) < 0.14
        assert stats.kstest(values, "uniform").statistic < 0.06


def test_pair_rows_are_means_over_the_facts(compared: Similarity, rows: list[dict[str, Any]]) -> None:
    assert compared.pairs.schema.equals(SIMILARITY_PAIRS)
    means: dict[tuple[str, str, str, str], float] = {}
    for pair in compared.pairs.to_pylist():
        key = (pair["language_a"], pair["language_b"], pair["statistic"])
        means[*key, pair["baseline"]] = pair["value"]
        facts = [
            row
            for row in rows
            if (row["language_a"], row["language_b"], row["statistic"]) == key and not row["identical_input"]
        ]
        assert pair["facts"] == len(facts)
        if pair["baseline"] != SAME_OBJECT_Q90:
            column = "value" if pair["baseline"] == OBSERVED else f"{pair['baseline']}_mean"
            known = [row[column] for row in facts if row[column] is not None]
            assert pair["value"] == pytest.approx(np.mean(known))
        if pair["baseline"] == RANDOM and "jaccard" in pair["statistic"]:
            assert pair["value"] == pytest.approx(expected_jaccard(60, 6, 6))
    for (a, b, statistic, baseline), value in means.items():
        if baseline == SAME_OBJECT:
            assert means[a, b, statistic, MISMATCHED] < value < means[a, b, statistic, OBSERVED]


def test_pairs_with_planted_facts_are_significant(compared: Similarity) -> None:
    tested = [pair for pair in compared.pairs.to_pylist() if pair["p_value"] is not None]
    p_values = [pair["p_value"] for pair in tested]
    assert p_values == [0.001] * 3  # half of the facts are planted
    expected = multipletests(p_values, method="fdr_bh")[1]
    np.testing.assert_allclose([pair["q_value"] for pair in tested], expected)


def test_percentiles_of_pairs_are_those_of_same_object_pairings(world: World, compared: Similarity) -> None:
    for pair in compared.pairs.to_pylist():
        if (pair["statistic"], pair["baseline"]) == ("cosine", SAME_OBJECT_Q90):
            a, b = pair["language_a"], pair["language_b"]
            null = [value for relation in RELATIONS for value in brute_force(world, a, b, relation)[1]]
            assert pair["value"] == pytest.approx(np.quantile(null, 0.9), abs=1e-5)


def test_a_small_cache_changes_nothing(world: World, compared: Similarity) -> None:
    again = compare(world, cache_bytes=1)
    assert again.facts().equals(compared.facts())
    assert again.pairs.equals(compared.pairs)
    assert again.nearest.equals(compared.nearest)


def test_order_of_languages_does_not_matter(world: World, compared: Similarity) -> None:
    def backwards(mapping: Mapping) -> dict:
        return dict(reversed(list(mapping.items())))

    again = compare_languages(
        *(backwards(by_language) for by_language in (world.active, world.folders, world.splits)),
        seed=0,
        kept_pairings=ALL_PAIRINGS,
    )
    assert again.facts().equals(compared.facts())


def test_languages_without_a_common_fact_have_no_rows(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 8))
    folders = {
        "qaa": write_activations(tmp_path / "a", {"P1": values}),
        "qab": write_activations(tmp_path / "b", {"P2": values}, "qab"),
    }
    active = {language: active_neurons(folder, k=2) for language, folder in folders.items()}
    splits = {
        language: pa.table(
            {
                "uuid": table["uuid"],
                "object_uri": table["uuid"],
                "template": ["[X] [Y]"] * 4,
                "subject": table["uuid"],
            }
        )
        for language, table in active.items()
    }
    compared = compare_languages(active, folders, splits, seed=0)
    for table, schema in (
        (compared.facts(), NEURON_SIMILARITY),
        (compared.pairs, SIMILARITY_PAIRS),
        (compared.nearest, NEAREST_LANGUAGE),
    ):
        assert len(table) == 0 and table.schema.equals(schema)


def test_facts_that_do_not_differ_have_no_cosine(tmp_path: Path) -> None:
    """Two facts with equal activations: their centred vectors are zero and point nowhere."""
    values = np.ones((3, 2, 8))
    folders = {name: write_activations(tmp_path / name, {"P1": values}, name) for name in ("qaa", "qab")}
    active = {name: active_neurons(folder, k=2) for name, folder in folders.items()}
    splits = {
        name: pa.table(
            {
                "uuid": ["P1-0", "P1-1", "P1-2"],
                "object_uri": ["a", "a", "b"],
                "template": [f"{name} [X] [Y]"] * 3,
                "subject": ["x", "y", "z"],
            }
        )
        for name in active
    }
    compared = compare_languages(active, folders, splits, seed=0)
    cosines = [row for row in compared.facts().to_pylist() if row["statistic"] == "cosine"]
    assert [row["value"] for row in cosines] == [row["p_value"] for row in cosines] == [None] * 3
    of_pairs = [row for row in compared.pairs.to_pylist() if row["statistic"] == "cosine"]
    assert all(row["value"] is None for row in of_pairs)
    nearest = compared.nearest.to_pylist()
    assert {row["statistic"] for row in nearest} == {s.name for s in STATISTICS if s.by_language}
    for row in nearest:
        assert row["p_value"] is None
        if row["statistic"] in ("cosine", "evidence"):
            assert row["similarity"] is None and row["nearest_language"] is None


def test_empty_sets_of_neurons_have_no_jaccard_index() -> None:
    """A relation of two facts has no standardised neurons: every neuron would be as far from both."""
    none, some = indicators(np.zeros((3, 0), np.int64), 10), indicators(np.array([[1, 2], [2, 3]]), 10)
    assert none.shape == (3, 10) and none.nnz == 0
    assert np.isnan(jaccard_matrix(none, some)).all() and jaccard_matrix(none, some).shape == (3, 2)
    assert jaccard_matrix(some, some).tolist() == [[1.0, 1 / 3], [1 / 3, 1.0]]
