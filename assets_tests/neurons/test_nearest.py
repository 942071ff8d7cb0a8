"""Evidence of sharing over all languages and its null, compared with loops and libraries."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from assets_tests.neurons.brute_force import whitened_by_components
from assets_tests.neurons.planted import LANGUAGES, RELATIONS, World
from factroots_dagster.neurons.comparable import RepresentationCache, comparable_facts
from factroots_dagster.neurons.nearest import Nearest, NearestInRelation, Pairings
from factroots_dagster.neurons.nulls import SMALLEST_MISMATCHED, SMALLEST_NULL, SUFFICIENT_NULL, upper_p
from factroots_dagster.neurons.rankings import SIZES
from factroots_dagster.neurons.similarity import Similarity, compare_languages
from factroots_dagster.neurons.two_groups import PRIOR_FACTS
from factroots_dagster.neurons.whitening import SHRINKAGE


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World(tmp_path_factory.mktemp("activations"), strength=1.5)


@pytest.fixture(scope="module")
def compared(world: World) -> Similarity:
    return compare_languages(world.active, world.folders, world.splits, seed=0)


class Loops:
    """Evidence by its definition, fact by fact."""

    def __init__(self, world: World):
        self.split = {
            lang: {row["uuid"]: row for row in world.splits[lang].to_pylist()} for lang in LANGUAGES
        }
        self.known = {
            lang: sorted(
                zip(*(world.active[lang][name].to_pylist() for name in ("relation", "uuid")), strict=True)
            )
            for lang in LANGUAGES
        }
        self.white = {
            (lang, f"{relation}-{row}"): direction
            for lang in LANGUAGES
            for relation, values in world.values[lang].items()
            for row, direction in enumerate(
                whitened_by_components(values.reshape(len(values), -1), SHRINKAGE)
            )
        }

    def facts(self, language: str, relation: str) -> list[str]:
        return [uuid for name, uuid in self.known[language] if name == relation]

    def same_object(self, f: str, g: str) -> bool:
        return self.split["qaa"][f]["object_uri"] == self.split["qaa"][g]["object_uri"]

    def z(self, a: str, b: str, f: str, g: str) -> float:
        relation = f.split("-")[0]
        others = [
            self.white[a, f] @ self.white[b, h] for h in self.facts(b, relation) if not self.same_object(f, h)
        ]
        others += [
            self.white[a, h] @ self.white[b, g] for h in self.facts(a, relation) if not self.same_object(h, g)
        ]
        if len(others) < SMALLEST_MISMATCHED:
            return np.nan
        return float((self.white[a, f] @ self.white[b, g] - np.mean(others)) / np.std(others))

    def pairings(self, a: str, b: str) -> Iterator[tuple[str, str, float]]:
        """Same-object pairings of two languages and their z, without facts that have the same prompt."""
        for relation, f in self.known[a]:
            for g in self.facts(b, relation):
                differs = self.split[a][f]["template"] != self.split[b][g]["template"]
                if differs if f == g else self.same_object(f, g):
                    yield f, g, self.z(a, b, f, g)


def fitted(own: np.ndarray, null: np.ndarray) -> tuple[float, ...]:
    """Expectation-maximisation of the two groups, written out with scipy's densities."""
    m, s = null.mean(), null.std()
    share, mean, width = 0.5, m + 3 * s, s
    for _ in range(300):
        above = share * stats.norm.pdf(own, mean, width)
        r = above / (above + (1 - share) * stats.norm.pdf(own, m, s))
        weight = r.sum() + PRIOR_FACTS
        mean = max((r @ own + PRIOR_FACTS * (m + 3 * s)) / weight, m + s)
        width = max(np.sqrt((r @ (own - mean) ** 2 + PRIOR_FACTS * s**2) / weight), s)
        share = (r.sum() + 0.5) / (len(own) + 1)
    return m, s, share, mean, width


def rank(others: int) -> int:
    """How common an object is: 0 or 1, 2, 3 to 4, 5 to 8, ... other facts."""
    return next(r for r in range(9) if others <= 2**r)


def test_evidence_equals_loops(world: World, compared: Similarity) -> None:
    loops = Loops(world)
    half = {}
    for relation in RELATIONS:
        uuids = sorted({f for language in LANGUAGES for f in loops.facts(language, relation)})
        half |= {f: index % 2 for index, f in enumerate(uuids)}
    odds: dict[tuple[str, str, str, str], float] = {}  # language, fact, other language, its fact
    for a, b in (("qaa", "qab"), ("qaa", "qac"), ("qab", "qac")):
        known = [pairing for pairing in loops.pairings(a, b) if not np.isnan(pairing[2])]
        null = np.array([z for f, g, z in known if f != g])
        assert len(null) >= SMALLEST_NULL
        by_half = [
            fitted(np.array([z for f, g, z in known if f == g and half[f] != part]), null) for part in (0, 1)
        ]
        # The pairing of f in a and g in b is also that of g in b and f in a, which goes by the half of g.
        for (language, other), (f, g, z) in product(((a, b), (b, a)), known):
            f, g = (f, g) if language == a else (g, f)
            m, s, share, mean, width = by_half[half[f]]
            turn = (m * width**2 - mean * s**2) / (width**2 - s**2) if width > s else -np.inf
            z = max(z, turn)
            value = np.log(share / (1 - share))
            value += stats.norm.logpdf(z, mean, width) - stats.norm.logpdf(z, m, s)
            odds[language, f, other, g] = value
    sums: dict[tuple[str, str, str], list[tuple[float, str]]] = {}
    for (language, f, other, g), value in odds.items():
        sums.setdefault((language, f, g), []).append((value, other))
    others = {
        f: -1 + sum(loops.same_object(f, g) for g in loops.split["qaa"] if g[:2] == f[:2])
        for f in loops.split["qaa"]
    }
    pairs = Counter((language, f) for language, f, g in sums if f != g)
    # Of every null pairing: its evidence, its weight, how many languages answer, how common the object is.
    null = np.array(
        [
            (np.logaddexp(0, [v for v, _ in odds]).sum(), 1 / pairs[language, f], len(odds), rank(others[f]))
            for (language, f, g), odds in sums.items()
            if f != g
        ]
    )
    rows = [row for row in compared.nearest.to_pylist() if row["statistic"] == "evidence"]
    tested, reaches = 0, set()
    for row in rows:
        terms = sums.get((row["language"], row["uuid"], row["uuid"]))
        if terms is None:
            assert row["similarity"] is None and row["p_value"] is None
            continue
        tested += 1
        evidence = np.logaddexp(0, [value for value, _ in terms]).sum()
        assert row["similarity"] == pytest.approx(evidence, rel=2e-3, abs=2e-3)
        assert row["nearest_language"] == max(terms)[1]
        steps = np.maximum(abs(null[:, 2] - len(terms)), abs(null[:, 3] - rank(others[row["uuid"]])))
        reach = next(r for r in range(9) if (steps <= r).sum() >= SUFFICIENT_NULL)
        values, weights = null[steps <= reach, 0], null[steps <= reach, 1]
        reaches.add(reach)
        assert row["pairings"] == len(values)
        q95 = np.quantile(values, 0.95, weights=weights, method="inverted_cdf")
        assert row["null_q95"] == pytest.approx(q95, rel=5e-3)
        at_least = weights.mean() + weights[values >= evidence].sum()
        p = at_least / (weights.mean() + weights.sum())
        assert row["p_value"] == pytest.approx(p, abs=3 * weights.max() / weights.sum())
    assert len(reaches) > 1
    assert tested > 100 and tested < len(rows)


def test_jaccards_at_every_k_come_from_one_ranking(world: World, compared: Similarity) -> None:
    ranked = {
        language: dict(
            zip(
                *(world.active[language][name].to_pylist() for name in ("uuid", "ranked_neurons")),
                strict=True,
            )
        )
        for language in LANGUAGES
    }
    rows = [row for row in compared.nearest.to_pylist() if row["statistic"] == "jaccard"]
    assert {row["k"] for row in rows} == {6, *(k for k in SIZES if k <= 60)}
    for row in rows[::7]:
        mine, k = set(ranked[row["language"]][row["uuid"]][: row["k"]]), row["k"]
        by_language = {}
        for other in LANGUAGES:
            same_text = row["uuid"] in ("P2-0", "P2-1", "P2-2") and "qac" not in (other, row["language"])
            if other != row["language"] and row["uuid"] in ranked[other] and not same_text:
                theirs = set(ranked[other][row["uuid"]][:k])
                by_language[other] = len(mine & theirs) / len(mine | theirs)
        assert row["similarity"] == pytest.approx(max(by_language.values()), abs=1e-6)
        assert by_language[row["nearest_language"]] == max(by_language.values())


def test_p_values_and_percentiles_agree(compared: Similarity) -> None:
    decided = 0
    for row in compared.nearest.to_pylist():
        if row["p_value"] is None or row["statistic"] not in ("cosine", "evidence"):
            continue  # sets of neurons are alike in few steps: ties at the percentile
        if abs(row["p_value"] - 0.05) > 3 / row["pairings"]:
            decided += 1
            assert (row["p_value"] <= 0.05) == (row["similarity"] > row["null_q95"])
    assert decided > 200


class FewFacts:
    """Facts of one language, as far as pairings need them."""

    def __init__(self, uuids: list[str], objects: list[str]):
        self.uuids, self.objects = uuids, np.array(objects)


def table_of(cosine: np.ndarray, objects: list[str]) -> list[dict[str, Any]]:
    """Rows of two languages that share all facts; [facts, facts] similarities."""
    facts = len(cosine)
    own: Any = FewFacts([f"f{i:02}" for i in range(facts)], objects)
    relation = NearestInRelation("P1", {"qaa": own, "qab": own}, np.random.default_rng(0))
    itself = np.arange(facts)
    relation.add("qaa", "qab", {("cosine", None): cosine}, cosine, (itself, itself), np.zeros(facts, bool))
    return Nearest([relation]).table().to_pylist()


def test_thresholds_come_from_other_facts_of_the_object_alone() -> None:
    """Neither a fact's similarity to itself nor to facts of other objects changes its threshold."""
    objects = [f"o{i // 3}" for i in range(60)]
    cosine = np.random.default_rng(3).uniform(-0.2, 0.5, size=(60, 60))
    same_object = np.array(objects)[:, None] == np.array(objects)[None]
    changed = np.where(same_object, cosine, 0.99)
    np.fill_diagonal(changed, 0.8)
    moved = np.where(same_object & ~np.eye(60, dtype=bool), cosine + 0.3, cosine)
    first, second, third = (
        [row for row in table_of(values, objects) if row["statistic"] == "cosine"]
        for values in (cosine, changed, moved)
    )
    null = cosine[same_object & ~np.eye(60, dtype=bool)]
    assert {row["pairings"] for row in first} == {2 * 60 * 2}  # both languages, either with two others
    for before, after, higher in zip(first, second, third, strict=True):
        assert before["null_q95"] == after["null_q95"] == pytest.approx(np.quantile(np.tile(null, 2), 0.95))
        assert higher["null_q95"] == pytest.approx(before["null_q95"] + 0.3, abs=1e-6)
        assert after["p_value"] == pytest.approx(1 / 241)


def test_null_pairings_are_limited_and_drawn_with_the_seed(world: World) -> None:
    first, again, other = (
        compare_languages(world.active, world.folders, world.splits, seed=seed, null_facts=2).nearest
        for seed in (0, 0, 1)
    )
    assert first.equals(again) and not first.equals(other)


def test_a_fact_is_paired_with_others_of_its_object_only() -> None:
    facts: Any = FewFacts(["a", "b", "c"], ["x", "y", "x"])
    index_of = {"a": 0, "b": 1, "c": 2, "d": 3}
    pairings = Pairings(facts, index_of, np.array(["x", "y", "x", "x"]), np.random.default_rng(0))
    pairs = list(zip(pairings.first.tolist(), pairings.second.tolist(), strict=True))
    assert pairs == [(0, 0), (1, 1), (2, 2), (0, 2), (0, 3), (2, 0), (2, 3)]


def test_languages_that_do_not_fit_into_the_cache_are_read_again_as_rarely_as_possible(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Six languages and space for three: dropping the oldest would read one for nearly every pair."""
    names = [f"q{i}" for i in range(6)]
    folders = dict.fromkeys(names, world.folders["qaa"])
    facts = dict.fromkeys(
        names, comparable_facts(world.active["qaa"], world.folders["qaa"], world.splits["qaa"])["P1"]
    )
    size = RepresentationCache(folders, "P1", facts).get("q0").nbytes
    cache = RepresentationCache(folders, "P1", facts, limit=3 * size)
    read: list[str] = []
    original = RepresentationCache._read
    monkeypatch.setattr(
        RepresentationCache, "_read", lambda self, language: read.append(language) or original(self, language)
    )
    for index, a in enumerate(names):
        for b in names[index + 1 :]:
            cache.get(a), cache.get(b)
            assert len(cache.cached) <= 3
        cache.release(a)
    assert len(read) == 13  # 17 when the oldest goes; of 53 languages with room for 20 half as many


def by_chance(seed: int) -> Nearest:
    """Six languages in which nothing is shared but objects: facts of rare ones are more similar.

    Three objects of sixteen facts, thirty of two, twenty of one, some between; a fact is predicted in none to
    all of the languages, as it is easy or hard.
    """
    random = np.random.default_rng(seed)
    sizes = np.repeat([16, 8, 4, 2, 1], [3, 4, 8, 30, 20])
    objects = [f"o{i:02}" for i, size in enumerate(sizes) for _ in range(size)]
    similarity = np.repeat(np.select([sizes <= 2, sizes <= 4], [0.5, 0.25], 0.0), sizes)
    nearest = Nearest([])
    for name in ("P1", "P2", "P3"):
        ease = random.uniform(size=len(objects))
        known = {f"qa{letter}": np.flatnonzero(random.uniform(size=len(ease)) < ease) for letter in "abcdef"}
        facts: Any = {
            language: FewFacts([f"{name}-{i:03}" for i in rows], [objects[i] for i in rows])
            for language, rows in known.items()
        }
        relation = NearestInRelation(name, facts, random)
        for a, b in combinations(known, 2):
            z = random.normal(size=(len(ease), len(ease))) + similarity[:, None]
            both = np.intersect1d(known[a], known[b])
            shared = tuple(np.searchsorted(known[language], both) for language in (a, b))
            relation.add(a, b, {}, z[np.ix_(known[a], known[b])], shared, np.zeros(len(both), bool))
        nearest.relations.append(relation)
    return nearest


def test_where_nothing_is_shared_the_level_holds_for_rare_and_frequent_objects() -> None:
    """Each fact counts once and is compared with facts like it; a pool of all pairings passes far more."""
    passed: dict[str, list[np.ndarray]] = {"matched": [], "pooled": [], "rare": [], "frequent": []}
    for seed in range(8):
        nearest = by_chance(seed)
        p = {(row["language"], row["uuid"]): row["p_value"] for row in nearest.table().to_pylist()}
        cells = [cell for relation in nearest.relations for cell in relation.pairings.items()]
        null = np.concatenate([pairings.evidence[pairings.facts :] for _, pairings in cells])
        for language, pairings in cells:
            known = np.flatnonzero(pairings.partners)
            matched = np.array([p[language, pairings.uuids[i]] for i in known])
            pooled = upper_p(pairings.evidence[known], null[np.isfinite(null)])
            passed["matched"].append(matched <= 0.05)
            passed["pooled"].append(pooled <= 0.05)
            passed["rare"].append(matched[pairings.others[known] <= 1] <= 0.05)
            passed["frequent"].append(matched[pairings.others[known] > 4] <= 0.05)
    rate = {name: np.concatenate(parts).mean() for name, parts in passed.items()}
    assert rate["pooled"] > 0.08
    assert rate["matched"] < 0.06
    assert 0.03 < rate["rare"] < 0.07 and 0.03 < rate["frequent"] < 0.07


def test_a_table_of_nothing_has_no_rows() -> None:
    assert Nearest([]).table().num_rows == 0
