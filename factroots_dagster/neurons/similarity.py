"""How similar two languages' neurons are for one fact, beside the nulls that give the number a meaning.

For every pair of languages, every fact that both predict and every statistic of `statistics.BY_PAIR`:

- value: the statistic of the fact in one language and the same fact in the other.
- Baselines. Two are means over *other* facts of the same relation across the same two languages: facts with
  the same object, and facts with another object. For fact f they are taken over (f in A, g in B) and (g in
  A, f in B), g != f, where g is any correctly predicted fact of that language. The third is the value
  expected of random neurons: of random k-subsets, or of the cosine with B's neurons in random order.
- p_value, one-sided, of the tested statistic (the cosine). If the model represents "a fact with this object"
  rather than the fact, the pairing (f, f) is exchangeable with the same-object pairings (f, g). The null are
  all same-object pairings of the relation and language pair (a fact has too few of its own for a small p),
  and p = (1 + number >= observed) / (1 + number). With fewer than 199 of them (p could not go below 0.005)
  those of all relations of the language pair are taken; fewer than 19: no p-value. Nulls of other language
  pairs are never borrowed: languages of one script are similar in everything. Pairings that share a fact
  depend on each other, positively; in simulations without any sharing 5.5% to 9% of the p-values are <=
  0.05, the more the smaller the relations are.
- q_value: Benjamini-Hochberg over all facts and language pairs of the checkpoint.

A language pair has the means of all these over its facts, and a p_value of its own: of its mean, by
exchanging facts with the same object (`nulls.ExchangeTest`), with Benjamini-Hochberg over the pairs.

Facts whose prompt is the same text in both languages would be similar in any model: flagged, excluded from
the tests and from the pair means. Whether a fact is shared with *any* other language is decided in
`nearest`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.comparable import (
    CACHE_BYTES,
    RelationPair,
    RepresentationCache,
    comparable_facts,
)
from factroots_dagster.neurons.cosines import whitened_cosine_z
from factroots_dagster.neurons.nearest import NULL_FACTS, Nearest, NearestInRelation, StatisticAtK
from factroots_dagster.neurons.nulls import SMALLEST_NULL, SUFFICIENT_NULL, ExchangeTest, upper_p
from factroots_dagster.neurons.schema import NEURON_SIMILARITY, SIMILARITY_PAIRS
from factroots_dagster.neurons.statistics import (
    BY_PAIR,
    MEAN_BASELINES,
    MISMATCHED,
    OBSERVED,
    RANDOM,
    SAME_OBJECT,
    SAME_OBJECT_Q90,
    STATISTICS,
    Statistic,
)
from factroots_dagster.stats.multiple_testing import benjamini_hochberg

KEPT_PAIRINGS = 256
"""Same-object pairings of one relation and language pair that the pooled nulls keep."""

Floats = npt.NDArray[np.float64]

_TESTED = tuple(statistic.name for statistic in BY_PAIR if statistic.tested)
# Statistics whose single same-object pairings are kept, for percentiles and tests.
_SAMPLED = tuple(statistic.name for statistic in BY_PAIR if SAME_OBJECT_Q90 in statistic.baselines)
_BY_LANGUAGE = tuple(statistic.name for statistic in STATISTICS if statistic.by_language)


@dataclass
class PairComparison:
    """Two languages, fact by fact: NEURON_SIMILARITY in arrays over the facts that both predict.

    Facts are sorted by relation and uuid. values: by statistic. baselines: by statistic and baseline.
    p_values, null_sizes, q_values: by tested statistic. NaN where there is no value.
    """

    language_a: str
    language_b: str
    uuids: npt.NDArray[Any]
    relations: npt.NDArray[Any]
    identical_input: npt.NDArray[np.bool_]
    values: dict[str, Floats]
    baselines: dict[tuple[str, str], Floats]
    p_values: dict[str, Floats]
    null_sizes: dict[str, npt.NDArray[np.int64]]
    q_values: dict[str, Floats] = field(default_factory=dict)

    def table(self) -> pa.Table:
        """NEURON_SIMILARITY of the pair, by statistic, relation and uuid."""
        return pa.concat_tables(self._statistic_table(statistic.name) for statistic in BY_PAIR)

    def _statistic_table(self, statistic: str) -> pa.Table:
        facts = len(self.uuids)
        columns: dict[str, Any] = {
            "uuid": self.uuids,
            "relation": self.relations,
            "language_a": pa.repeat(self.language_a, facts),
            "language_b": pa.repeat(self.language_b, facts),
            "statistic": pa.repeat(statistic, facts),
            "value": self.values[statistic],
            "identical_input": self.identical_input,
        }
        for baseline in MEAN_BASELINES:
            columns[f"{baseline}_mean"] = self.baselines.get((statistic, baseline))
        if statistic in _TESTED:
            columns["same_object_pairings"] = self.null_sizes[statistic]
            columns["p_value"] = self.p_values[statistic]
            columns["q_value"] = self.q_values[statistic]
        arrays = [
            pa.nulls(facts, column.type)
            if values is None
            else pa.array(values, column.type, from_pandas=True)
            for column in NEURON_SIMILARITY
            for values in [columns.get(column.name)]
        ]
        return pa.table(arrays, schema=NEURON_SIMILARITY)


class Similarity(NamedTuple):
    """The comparison of all languages of one checkpoint.

    language_pairs: every two languages that predict a common fact, sorted by their codes.
    pairs: SIMILARITY_PAIRS. nearest: NEAREST_LANGUAGE.
    """

    language_pairs: list[PairComparison]
    pairs: pa.Table
    nearest: pa.Table

    def fact_tables(self) -> Iterator[pa.Table]:
        """NEURON_SIMILARITY in parts, one per language pair: the whole need not fit into memory."""
        return (pair.table() for pair in self.language_pairs)

    def facts(self) -> pa.Table:
        """NEURON_SIMILARITY as a whole."""
        return pa.concat_tables([NEURON_SIMILARITY.empty_table(), *self.fact_tables()])


def compare_languages(
    active: Mapping[str, pa.Table],
    activations: Mapping[str, Path],
    splits: Mapping[str, pa.Table],
    *,
    seed: int,
    kept_pairings: int = KEPT_PAIRINGS,
    null_facts: int = NULL_FACTS,
    cache_bytes: int = CACHE_BYTES,
    progress: Callable[[str], None] | None = None,
) -> Similarity:
    """Compares every two languages of one checkpoint; facts that no other language predicts have no row.

    By language: active (ACTIVE_NEURONS), activations (the folder `probing.probe.probe` wrote), splits
    (MLAMA_SPLIT, for objects and prompts).
    seed: draws the pairings of the nulls where there are more than kept_pairings (of a relation and language
    pair) or null_facts (of a fact, see `nearest`). cache_bytes: of activations held at once.
    """
    languages = sorted(active)
    facts = {name: comparable_facts(active[name], activations[name], splits[name]) for name in languages}
    builders = {pair: _PairBuilder(*pair, kept_pairings) for pair in combinations(languages, 2)}
    nearest: list[NearestInRelation] = []
    relations = sorted({relation for by_relation in facts.values() for relation in by_relation})
    for number, relation in enumerate(relations, start=1):
        present = {name: facts[name][relation] for name in languages if relation in facts[name]}
        cache = RepresentationCache(activations, relation, present, limit=cache_bytes)
        in_relation = NearestInRelation(relation, present, _generator(seed, relation), null_facts=null_facts)
        for a in present:
            for b in (name for name in present if name > a):
                if set(present[a].uuids).isdisjoint(present[b].uuids):
                    continue
                pair = RelationPair(present[a], present[b], cache.get(a), cache.get(b))
                values = _statistic_values(pair)
                builders[a, b].add(relation, pair, values, _generator(seed, f"{a}|{b}|{relation}"))
                of_languages = {key: matrix for key, matrix in values.items() if key[0] in _BY_LANGUAGE}
                in_relation.add(
                    a, b, of_languages, whitened_cosine_z(pair), pair.shared, pair.identical_prompts
                )
            cache.release(a)
        nearest.append(in_relation)
        if progress is not None:
            progress(f"{number} of {len(relations)} relations compared")
    finished = [builder for builder in builders.values() if builder.parts]
    return Similarity(*_finish(finished), Nearest(nearest).table())


def _generator(seed: int, name: str) -> np.random.Generator:
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def _statistic_values(pair: RelationPair) -> dict[StatisticAtK, Floats]:
    """Every pairwise statistic at every k there is, [facts of A, facts of B] each."""
    return {
        (statistic.name, k): statistic.compare(pair, k)
        for statistic in STATISTICS
        if statistic.compare is not None
        for k in (pair.sizes(statistic.ranking) if statistic.ranking is not None else [None])
    }


class _PairBuilder:
    """Collects what two languages have in common, relation by relation."""

    def __init__(self, language_a: str, language_b: str, kept_pairings: int) -> None:
        self.language_a, self.language_b, self.kept_pairings = language_a, language_b, kept_pairings
        self.parts: list[PairComparison] = []
        # By relation, kept same-object pairings: [pairings, statistics of _SAMPLED].
        self.null_samples: list[Floats] = []
        self.exchange_tests = {name: ExchangeTest() for name in _TESTED}

    def add(
        self,
        relation: str,
        pair: RelationPair,
        values_by_k: Mapping[StatisticAtK, Floats],
        random: np.random.Generator,
    ) -> None:
        """Adds one relation's facts, with the p-values for which its own null is large enough."""
        values = {
            statistic.name: values_by_k[statistic.name, pair.k if statistic.has_k else None]
            for statistic in BY_PAIR
        }
        same_object_others = pair.same_object.copy()
        same_object_others[pair.shared] = False
        sample = np.stack([values[name][same_object_others] for name in _SAMPLED], axis=1)
        sample = sample[np.isfinite(sample).all(axis=1)]
        p_values, null_sizes = {}, {}
        for name in _TESTED:
            observed = np.where(pair.identical_prompts, np.nan, values[name][pair.shared])
            p_values[name], null_sizes[name] = _relation_p_values(observed, sample[:, _SAMPLED.index(name)])
            known = np.isfinite(observed)
            if known.any():
                rows, columns = (indices[known] for indices in pair.shared)
                self.exchange_tests[name].add(
                    values[name][np.ix_(rows, columns)], pair.facts_a.objects[rows], random
                )
        self.parts.append(
            PairComparison(
                language_a=self.language_a,
                language_b=self.language_b,
                uuids=np.array(pair.facts_a.uuids, object)[pair.shared[0]],
                relations=np.full(len(pair.shared[0]), relation, object),
                identical_input=pair.identical_prompts,
                values={name: matrix[pair.shared] for name, matrix in values.items()},
                baselines=_baselines(pair, values, same_object_others),
                p_values=p_values,
                null_sizes=null_sizes,
            )
        )
        if len(sample) > self.kept_pairings:
            sample = sample[np.sort(random.choice(len(sample), self.kept_pairings, replace=False))]
        self.null_samples.append(sample)

    def finish(self) -> PairComparison:
        """All relations in one, with the p-values that need the null of all of them; without q-values."""
        comparison = _concatenated(self.parts)
        samples = np.concatenate(self.null_samples)
        for name in _TESTED:
            null = samples[:, _SAMPLED.index(name)]
            untested = comparison.null_sizes[name] == 0
            if len(null) >= SMALLEST_NULL:
                testable = untested & ~comparison.identical_input
                comparison.p_values[name][testable] = upper_p(comparison.values[name][testable], null)
                comparison.null_sizes[name][untested] = len(null)
        return comparison

    def baseline(self, comparison: PairComparison, statistic: Statistic, baseline: str) -> float | None:
        """A value of SIMILARITY_PAIRS: a mean over facts, or a percentile over kept pairings."""
        if baseline == SAME_OBJECT_Q90:
            null = np.concatenate(self.null_samples)[:, _SAMPLED.index(statistic.name)]
            return float(np.quantile(null, 0.9)) if len(null) else None
        by_fact = (
            comparison.values[statistic.name]
            if baseline == OBSERVED
            else comparison.baselines[statistic.name, baseline]
        )
        known = by_fact[~comparison.identical_input & ~np.isnan(by_fact)]
        return float(known.mean()) if len(known) else None


def _relation_p_values(observed: Floats, null: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """p-values against a relation's own null, and its size; NaN and 0 where it must be pooled."""
    if len(null) < SUFFICIENT_NULL:
        return np.full(len(observed), np.nan), np.zeros(len(observed), np.int64)
    return upper_p(observed, null), np.full(len(observed), len(null))


def _baselines(
    pair: RelationPair, values: Mapping[str, Floats], same_object_others: npt.NDArray[np.bool_]
) -> dict[tuple[str, str], Floats]:
    """The null means of every shared fact, by statistic and baseline."""
    pairings = {SAME_OBJECT: same_object_others, MISMATCHED: ~pair.same_object}
    means = {
        (statistic.name, baseline): _cross_means(values[statistic.name], pairings[baseline], pair.shared)
        for statistic in BY_PAIR
        for baseline in pairings
        if baseline in statistic.baselines
    }
    expected = {
        (statistic.name, RANDOM): statistic.expected(pair)
        for statistic in BY_PAIR
        if statistic.expected is not None
    }
    return means | expected


def _cross_means(
    values: Floats, selected: npt.NDArray[np.bool_], shared: tuple[npt.NDArray[np.int64], ...]
) -> Floats:
    """Means of the selected `values` [i, j] of row i and column j together, for each shared (i, j).

    Entries that are NaN do not count; NaN without any entry.
    """
    known = selected & np.isfinite(values)
    kept = np.where(known, values, 0.0)
    total, count = (part.sum(axis=1)[shared[0]] + part.sum(axis=0)[shared[1]] for part in (kept, known))
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = total / count
    return means


def _concatenated(parts: list[PairComparison]) -> PairComparison:
    """The relations of one pair of languages in one."""

    def joined(arrays: Iterable[Mapping[Any, npt.NDArray[Any]]]) -> dict[Any, npt.NDArray[Any]]:
        listed = list(arrays)
        return {key: np.concatenate([each[key] for each in listed]) for key in listed[0]}

    return PairComparison(
        language_a=parts[0].language_a,
        language_b=parts[0].language_b,
        uuids=np.concatenate([part.uuids for part in parts]),
        relations=np.concatenate([part.relations for part in parts]),
        identical_input=np.concatenate([part.identical_input for part in parts]),
        values=joined(part.values for part in parts),
        baselines=joined(part.baselines for part in parts),
        p_values=joined(part.p_values for part in parts),
        null_sizes=joined(part.null_sizes for part in parts),
    )


def _finish(builders: list[_PairBuilder]) -> tuple[list[PairComparison], pa.Table]:
    """Every pair's facts, with q-values over all pairs, and SIMILARITY_PAIRS."""
    compared = [builder.finish() for builder in builders]
    ends = np.cumsum([len(pair.uuids) for pair in compared])
    for name in _TESTED if compared else ():
        q_values = benjamini_hochberg(np.concatenate([pair.p_values[name] for pair in compared]))
        for pair, of_pair in zip(compared, np.split(q_values, ends[:-1]), strict=True):
            pair.q_values[name] = of_pair
    return compared, _pairs_table(builders, compared)


def _pairs_table(builders: list[_PairBuilder], compared: list[PairComparison]) -> pa.Table:
    """SIMILARITY_PAIRS, by language pair, statistic and baseline."""
    p_values = {
        name: np.array([builder.exchange_tests[name].p_value() for builder in builders], np.float64)
        for name in _TESTED
    }
    q_values = {name: benjamini_hochberg(of_pairs) for name, of_pairs in p_values.items()}
    rows = []
    for number, (builder, pair) in enumerate(zip(builders, compared, strict=True)):
        for statistic in BY_PAIR:
            for baseline in (OBSERVED, *statistic.baselines):
                tested = statistic.tested and baseline == OBSERVED
                rows.append(
                    {
                        "language_a": pair.language_a,
                        "language_b": pair.language_b,
                        "facts": int((~pair.identical_input).sum()),
                        "statistic": statistic.name,
                        "baseline": baseline,
                        "value": builder.baseline(pair, statistic, baseline),
                        "p_value": _known(p_values[statistic.name][number]) if tested else None,
                        "q_value": _known(q_values[statistic.name][number]) if tested else None,
                    }
                )
    return pa.Table.from_pylist(rows, schema=SIMILARITY_PAIRS)


def _known(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
