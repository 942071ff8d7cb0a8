"""Similarity of languages against loops over facts, on activations with a planted structure."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import product
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests

from assets_tests.neurons.planted import LANGUAGES, RELATIONS, World
from assets_tests.neurons.test_probeless import write
from factroots_dagster.neurons import comparable, similarity
from factroots_dagster.neurons.nulls import SMALLEST_MISMATCHED, SUFFICIENT_NULL, expected_jaccard
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE, NEURON_SIMILARITY, SIMILARITY_PAIRS
from factroots_dagster.neurons.similarity import Similarity, compare_languages


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def compared(world: World) -> Similarity:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(similarity, "KEPT_PAIRINGS", 10**6)  # the loops below keep all
        return compare_languages(world.active, world.folders, world.splits, seed=0)


def test_pooled_nulls_are_capped_by_drawing_with_the_seed(
    world: World, compared: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similarity, "KEPT_PAIRINGS", 60)
    first, second, other = (
        compare_languages(world.active, world.folders, world.splits, seed=seed)[0] for seed in (0, 0, 1)
    )
    assert first.equals(second)
    assert not first.equals(other)
    assert max(first["same_object_pairings"].to_pylist()) <= max(
        compared.facts["same_object_pairings"].to_pylist()
    )
    p = [
        (row["p_value"], full["p_value"])
        for row, full in zip(first.to_pylist(), compared.facts.to_pylist(), strict=True)
        if row["p_value"] is not None
    ]
    assert np.abs(np.diff(p, axis=1)).max() < 0.2


def brute_force(world: World, a: str, b: str, relation: str) -> tuple[dict, list[float]]:
    """Per shared fact its numbers, and the cosines of all same-object pairings of the pair and relation."""
    told = {lang: {row["uuid"]: row for row in world.splits[lang].to_pylist()} for lang in (a, b)}
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
        return told[a][f]["object_uri"] == told[b][g]["object_uri"]

    def z(f: str, g: str, value: float | None = None) -> float:
        other = [cosine(f, h) for h in neurons[b] if not same(f, h)]
        other += [cosine(h, g) for h in neurons[a] if not same(h, g)]
        value = cosine(f, g) if value is None else value
        return (value - np.mean(other)) / np.std(other) if len(other) >= SMALLEST_MISMATCHED else np.nan

    def mean(statistic: object, pairings: list[tuple[str, str]]) -> float | None:
        values = np.array([statistic(*pairing) for pairing in pairings])
        values = values[~np.isnan(values)]
        return values.mean() if len(values) else None

    def known(value: float) -> float | None:
        return None if np.isnan(value) else value

    statistics = {
        "mean": jaccard,
        "signed_jaccard": lambda f, g: jaccard(f, g, "signed_neurons"),
        "standardised_jaccard": lambda f, g: jaccard(f, g, "standardised_neurons"),
        "cosine": cosine,
        "cosine_z": z,
    }

    facts = {}
    for f in sorted(neurons[a].keys() & neurons[b].keys()):
        row_null = [(f, g) for g in neurons[b] if g != f]
        pairings = row_null + [(g, f) for g in neurons[a] if g != f]
        alike = [pairing for pairing in pairings if same(*pairing)]
        others = [pairing for pairing in pairings if not same(*pairing)]
        x, y = (centred[lang][f] / np.linalg.norm(centred[lang][f]) for lang in (a, b))
        by_chance = x.sum() * y.sum() / len(x)  # test_random_cosine_by_shuffling_neurons
        facts[f] = {
            "jaccard": jaccard(f, f),
            "signed_jaccard": jaccard(f, f, "signed_neurons"),
            "standardised_jaccard": jaccard(f, f, "standardised_neurons"),
            "cosine": cosine(f, f),
            "cosine_z": known(z(f, f)),
            **{f"same_object_{name}": mean(of, alike) for name, of in statistics.items()},
            **{f"mismatched_{name}": mean(of, others) for name, of in statistics.items()},
            "random_mean": expected_jaccard(60, 6),
            "random_cosine": by_chance,
            "random_cosine_z": known(z(f, f, by_chance)),
            "identical_input": told[a][f]["template"].replace("[X]", told[a][f]["subject"])
            == told[b][f]["template"].replace("[X]", told[b][f]["subject"]),
        }
    return facts, [cosine(f, g) for f, g in product(neurons[a], neurons[b]) if f != g and same(f, g)]


def test_equals_loops_over_facts(world: World, compared: Similarity) -> None:
    table = compared.facts
    assert table.schema.equals(NEURON_SIMILARITY)
    got = {(row["language_a"], row["language_b"], row["uuid"]): row for row in table.to_pylist()}
    assert len(got) == len(table)
    seen = untested = 0
    used = set()
    pairs = (("qaa", "qab"), ("qaa", "qac"), ("qab", "qac"))
    looped = {
        (a, b, relation): brute_force(world, a, b, relation) for a, b in pairs for relation in RELATIONS
    }
    for a, b in pairs:
        pools = {}
        expected = {}
        for relation in RELATIONS:
            expected[relation], pools[relation] = looped[a, b, relation]
        of_pair = [value for pool in pools.values() for value in pool]
        for relation, facts in expected.items():
            pool = pools[relation] if len(pools[relation]) >= SUFFICIENT_NULL else of_pair
            used.add(pool is of_pair)
            for uuid, fact in facts.items():
                row = got[a, b, uuid]
                seen += 1
                for name, value in fact.items():
                    assert row[name] == (value if value is None else pytest.approx(value, abs=1e-5)), name
                untested += fact["cosine_z"] is None
                if fact["identical_input"]:
                    assert row["p_value"] is None
                    assert row["q_value"] is None
                    continue
                at_least = sum(value >= fact["cosine"] - 1e-6 for value in pool)
                assert row["p_value"] == pytest.approx((1 + at_least) / (1 + len(pool)), abs=1e-9)
                assert row["same_object_pairings"] == len(pool)
    assert seen == len(table)
    assert untested > 0
    assert sum(row["identical_input"] for row in got.values()) == 3
    assert used == {True, False}, "not both nulls were used"


def test_q_values_are_benjamini_hochberg(compared: Similarity) -> None:
    rows = [row for row in compared.facts.to_pylist() if row["p_value"] is not None]
    p = np.array([row["p_value"] for row in rows])
    order = np.argsort(p)
    steps = p[order] * len(p) / np.arange(1, len(p) + 1)
    expected = np.empty(len(p))
    expected[order] = np.minimum.accumulate(steps[::-1])[::-1].clip(max=1)
    np.testing.assert_allclose([row["q_value"] for row in rows], expected)
    np.testing.assert_allclose(multipletests(p, method="fdr_bh")[1], expected)


def test_every_statistic_stands_with_its_nulls(compared: Similarity) -> None:
    for table in (compared.facts, compared.pairs):
        for name in ("signed_jaccard", "standardised_jaccard", "cosine", "cosine_z"):
            at = table.schema.names.index(name)
            assert table.schema.names[at + 1 : at + 3] == [f"same_object_{name}", f"mismatched_{name}"]
        for name in ("cosine", "cosine_z"):
            assert table.schema.names[table.schema.names.index(name) + 3] == f"random_{name}"
    assert b"not independent" in SIMILARITY_PAIRS.metadata[b"note"]


def test_nearest_language_equals_loops(world: World, compared: Similarity) -> None:
    told = {
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
            for g in told[language]:
                if g != f and told[language][g]["object_uri"] == told[language][f]["object_uri"]:
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
            and told[other][uuid]["template"] != told[language][uuid]["template"]
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


def test_planted_facts_are_found_and_others_are_not(world: World, compared: Similarity) -> None:
    rows = [row for row in compared.facts.to_pylist() if row["q_value"] is not None]
    found: dict[bool, list[bool]] = {True: [], False: []}
    for row in rows:
        found[row["uuid"] in world.linked].append(row["q_value"] <= 0.05)
    assert np.mean(found[True]) > 0.7
    false = sum(found[False]) / (sum(found[False]) + sum(found[True]))
    assert false < 0.1  # q promises 0.05 on average
    for statistic in ("cosine", "evidence"):
        nearest: dict[bool, list[bool]] = {True: [], False: []}
        for row in compared.nearest.to_pylist():
            if row["statistic"] == statistic and row["q_value"] is not None:
                nearest[row["uuid"] in world.linked].append(row["q_value"] <= 0.05)
        assert np.mean(nearest[True]) > 0.7
        # 87 claims of one small world: 0.05 on average leaves room for this many
        assert sum(nearest[False]) / (sum(nearest[False]) + sum(nearest[True])) < 0.15


def test_p_values_are_near_uniform_when_nothing_is_shared(tmp_path: Path) -> None:
    """Only the object is common to the languages: few small p, though every Jaccard beats random neurons.

    Slightly liberal: frequent objects have more pairings in the null, and lie nearer to the relation's mean.
    """
    p, jaccard, of_pairs = [], [], []
    of_facts: dict[str, list[float]] = {"cosine": [], "evidence": []}
    for seed in range(6):
        sizes = {"P1": 60, "P2": 60, "P3": 60}
        world = World(tmp_path / str(seed), seed=seed, strength=0.0, relations=sizes)
        made = compare_languages(world.active, world.folders, world.splits, seed=0)
        rows = [row for row in made.facts.to_pylist() if row["p_value"] is not None]
        p += [row["p_value"] for row in rows]
        jaccard += [row["jaccard"] / row["random_mean"] for row in rows]
        for row in made.nearest.to_pylist():
            if row["statistic"] in of_facts:
                of_facts[row["statistic"]].append(row["p_value"])
        of_pairs += made.pairs["p_value"].to_pylist()
    assert np.mean(jaccard) > 3
    assert len(of_pairs) == 18
    assert stats.kstest(of_pairs, "uniform").pvalue > 0.01
    for values in (np.array(p), *(np.array(found) for found in of_facts.values())):
        assert 0.04 < np.mean(values <= 0.05) < 0.07
        assert 0.08 < np.mean(values <= 0.1) < 0.14
        assert stats.kstest(values, "uniform").statistic < 0.06


def test_pair_means(world: World, compared: Similarity) -> None:
    table, pairs = compared.facts, compared.pairs
    assert pairs.schema.equals(SIMILARITY_PAIRS)
    assert [(row["language_a"], row["language_b"]) for row in pairs.to_pylist()] == [
        ("qaa", "qab"),
        ("qaa", "qac"),
        ("qab", "qac"),
    ]
    for pair in pairs.to_pylist():
        rows = [
            row
            for row in table.to_pylist()
            if (row["language_a"], row["language_b"]) == (pair["language_a"], pair["language_b"])
            and not row["identical_input"]
        ]
        assert pair["facts"] == len(rows)
        short = {"same_object_jaccard": "same_object_mean", "mismatched_jaccard": "mismatched_mean"}
        short["random_jaccard"] = "random_mean"
        means = [name for name in pair if name not in ("facts", "p_value", "q_value")]
        means = [name for name in means if "language" not in name and "q90" not in name]
        assert len(means) == 18
        for mean in means:
            known = [row[short.get(mean, mean)] for row in rows]
            assert pair[mean] == pytest.approx(np.mean([value for value in known if value is not None]))
        assert pair["p_value"] == 0.001  # half of the facts are planted
        assert pair["random_jaccard"] == pytest.approx(expected_jaccard(60, 6))
        for name in ("jaccard", "signed_jaccard", "standardised_jaccard", "cosine", "cosine_z"):
            assert pair[f"mismatched_{name}"] < pair[f"same_object_{name}"] < pair[name]
    p = pairs["p_value"].to_pylist()
    np.testing.assert_allclose(pairs["q_value"].to_pylist(), multipletests(p, method="fdr_bh")[1])


def test_dropping_matrices_changes_nothing(
    world: World, compared: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comparable, "MATRIX_BYTES", 1)
    monkeypatch.setattr(similarity, "KEPT_PAIRINGS", 10**6)
    again = compare_languages(world.active, world.folders, world.splits, seed=0)
    assert again[0].equals(compared.facts)
    assert again[1].equals(compared.pairs)
    assert again[2].equals(compared.nearest)


def test_order_of_languages_does_not_matter(
    world: World, compared: Similarity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(similarity, "KEPT_PAIRINGS", 10**6)

    def backwards(mapping: Mapping) -> dict:
        return dict(reversed(list(mapping.items())))

    again = compare_languages(
        backwards(world.active), backwards(world.folders), backwards(world.splits), seed=0
    )
    assert again[0].equals(compared.facts)


def test_nothing_in_common(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 8))
    folders = {
        "qaa": write(tmp_path / "a", {"P1": values}),
        "qab": write(tmp_path / "b", {"P2": values}, "qab"),
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
    table, pairs, nearest = compare_languages(active, folders, splits, seed=0)
    assert len(table) == len(pairs) == len(nearest) == 0
    assert nearest.schema.equals(NEAREST_LANGUAGE)
    assert table.schema.equals(NEURON_SIMILARITY)


def test_facts_that_do_not_differ_have_no_cosine(tmp_path: Path) -> None:
    """Two facts with equal activations: their centred vectors are zero and point nowhere."""
    values = np.ones((3, 2, 8))
    folders = {name: write(tmp_path / name, {"P1": values}, name) for name in ("qaa", "qab")}
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
    table, pairs, nearest = compare_languages(active, folders, splits, seed=0)
    assert table["cosine"].to_pylist() == [None] * 3
    assert table["p_value"].to_pylist() == [None] * 3
    assert pairs["cosine"].to_pylist() == [None]
    assert set(nearest["statistic"].to_pylist()) == {
        "jaccard",
        "signed_jaccard",
        "standardised_jaccard",
        "cosine",
        "evidence",
    }
    for row in nearest.to_pylist():
        assert row["p_value"] is None
        if row["statistic"] in ("cosine", "evidence"):
            assert row["similarity"] is None and row["nearest_language"] is None


def test_facts_without_neurons_of_a_kind_have_no_overlap_to_tell() -> None:
    """A relation of two facts has no standardised neurons: every neuron would be as far from both."""
    from factroots_dagster.neurons.comparable import _indicator, jaccard_matrix

    none, some = _indicator(np.zeros((3, 0), np.int64), 10), _indicator(np.array([[1, 2], [2, 3]]), 10)
    assert none.shape == (3, 10) and none.nnz == 0
    assert np.isnan(jaccard_matrix(none, some)).all() and jaccard_matrix(none, some).shape == (3, 2)
    assert jaccard_matrix(some, some).tolist() == [[1.0, 1 / 3], [1 / 3, 1.0]]
