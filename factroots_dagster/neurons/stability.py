"""Would other facts, or another k, have given the same result? How stable neurons and similarities are.

Three aspects; the first two on a bounded sample drawn with the seed:

- facts_halved: the relation's facts are split into two random halves, and a fact's neurons are identified
  from either half alone. `overlap` is the mean Jaccard index of the two top-k sets, `random_overlap` that of
  random neurons; `correlation` is Pearson's, over all neurons, of the scores from the two halves (the same
  at every k), mean over facts. A Probeless score is a mean over facts, so halving the facts is halving a
  test, and the Spearman-Brown formula (1910) predicts the reliability of the scores from all facts:
  `spearman_brown` = 2 r / (1 + r).
- over_k: `overlap` is the mean Jaccard index of the pairs of languages at other k; `correlation` is
  Spearman's, over the pairs, with their Jaccard index at the k in use: does the order of the pairs depend on
  k?
- pairs_halved: the facts of every pair of languages (all, not a sample) are split at random, and the pair's
  mean similarity is computed from either half; `correlation` is Pearson's over the pairs, mean over SPLITS
  splits, and `spearman_brown` the reliability of the pair's mean over all its facts.

Pairs that share a language are not independent: correlations over pairs are descriptive and have no p-value.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.models.activations import read_index, read_neurons, read_relation, select_neurons
from factroots_dagster.neurons.probeless import top_k
from factroots_dagster.neurons.rankings import PROBELESS, RANKINGS, SIGNED, SIZES, STANDARDISED
from factroots_dagster.neurons.schema import NEURON_STABILITY
from factroots_dagster.neurons.similarity import PairComparison
from factroots_dagster.neurons.statistics import BY_PAIR, OF_SETS
from factroots_dagster.stats.expected_jaccard import expected_jaccard
from factroots_dagster.tables import zip_columns

SAMPLED_RELATIONS = 10
SAMPLED_FACTS = 8
"""Of a relation."""

SMALLEST_RELATION = 6
"""Facts of a relation in a language below which it is not halved."""

SMALLEST_PAIR = 4
"""Facts of a pair of languages below which it is not halved: either half must have two."""

SPLITS = 20
"""Random halvings of the facts of the pairs."""

_UNRANKED = np.iinfo(np.int16).max  # the rank of a neuron that is not among the best

Floats = npt.NDArray[np.float64]


def neuron_stability(
    activations: Mapping[str, Path],
    compared: Sequence[PairComparison],
    *,
    k: int,
    seed: int,
    sampled_relations: int = SAMPLED_RELATIONS,
    sampled_facts: int = SAMPLED_FACTS,
    smallest_relation: int = SMALLEST_RELATION,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """NEURON_STABILITY of one checkpoint.

    activations: by language, the folder that the prober wrote. compared: of the same languages, as
    `similarity.compare_languages` returns them. k: size of the sets in use. sampled_relations, sampled_facts
    (of each), smallest_relation: the sample for facts_halved and over_k. Memory: one relation's activations
    in one language, and the sampled facts' ranks in all languages. What is not defined for so few facts or
    languages is null, or has no row.
    """
    rows_of = {language: _activation_rows(activations[language]) for language in sorted(activations)}
    identical = {
        (pair.language_a, pair.language_b): set(pair.uuids[pair.identical_input]) for pair in compared
    }
    random = np.random.default_rng([seed, 8])
    sample = _sample(rows_of, random, sampled_relations, sampled_facts, smallest_relation)
    rankings = _Rankings(k)
    for number, (relation, sampled) in enumerate(sample.items(), start=1):
        by_language = {}
        for language, relations in rows_of.items():
            rows = relations.get(relation, {})
            uuids = [uuid for uuid in sampled if uuid in rows]
            if uuids and len(rows) >= smallest_relation:
                values = read_relation(activations[language], relation)
                values = select_neurons(
                    values.reshape(len(values), -1), read_neurons(activations[language], relation)
                )
                by_language[language] = rankings.add_facts(
                    language, values, {uuid: rows[uuid] for uuid in uuids}, random
                )
        for a, b in combinations(by_language, 2):
            rankings.add_pair((a, b), by_language[a], by_language[b], identical.get((a, b), set()))
        if progress is not None:
            progress(f"stability: {number} of {len(sample)} relations")
    rows_made = [*rankings.facts_halved(), *rankings.over_k(), *_pairs_halved(compared, k, random)]
    return pa.Table.from_pylist(rows_made, schema=NEURON_STABILITY)


def _activation_rows(folder: Path) -> dict[str, dict[str, int]]:
    """Relation to fact to its row in the relation's activations."""
    rows: dict[str, dict[str, int]] = {}
    for relation, uuid, row in zip_columns(read_index(folder), "relation", "uuid", "row"):
        rows.setdefault(relation, {})[uuid] = row
    return rows


def _sample(
    rows_of: Mapping[str, Mapping[str, Mapping[str, int]]],
    random: np.random.Generator,
    relations: int,
    facts: int,
    smallest_relation: int,
) -> dict[str, list[str]]:
    """Relation to sampled facts: those that several languages predict, where there are any."""
    languages_of: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for by_relation in rows_of.values():
        for relation, rows in by_relation.items():
            if len(rows) >= smallest_relation:
                languages_of[relation].update(rows.keys())
    sample = {}
    for relation in _draw(sorted(languages_of), relations, random):
        counts = languages_of[relation]
        several = sorted(uuid for uuid, languages in counts.items() if languages > 1)
        sample[relation] = _draw(several or sorted(counts), facts, random)
    return sample


def _draw(items: list[str], most: int, random: np.random.Generator) -> list[str]:
    if len(items) <= most:
        return items
    return [items[index] for index in sorted(random.choice(len(items), most, replace=False))]


@dataclass(frozen=True)
class _TopNeurons:
    """The best neurons of some facts, by each of RANKINGS.

    best: [rankings, facts, largest size], best first; ranks: [rankings, facts, neurons], _UNRANKED beyond the
    largest size.
    """

    uuids: list[str]
    best: npt.NDArray[np.int64]
    ranks: npt.NDArray[np.int16]

    @classmethod
    def from_scores(cls, uuids: list[str], scores: Floats, largest: int) -> _TopNeurons:
        """From scores [rankings, facts, neurons]."""
        best = top_k(scores.reshape(-1, scores.shape[2]), largest).reshape(*scores.shape[:2], -1)
        ranks = np.full(scores.shape, _UNRANKED, np.int16)
        np.put_along_axis(
            ranks, best, np.broadcast_to(np.arange(largest, dtype=np.int16), best.shape), axis=2
        )
        return cls(uuids, best, ranks)

    def select(self, uuids: list[str]) -> _TopNeurons:
        indices = [self.uuids.index(uuid) for uuid in uuids]
        return _TopNeurons(uuids, self.best[:, indices], self.ranks[:, indices])


@dataclass
class _Rankings:
    """Agreement of rankings between halves of the facts and between languages, relation by relation.

    overlaps, correlations: by language, of the two halves, [rankings, facts, sizes] and [rankings, facts]
    for each relation. pair_overlaps: by language pair, of the two languages, [rankings, facts, sizes] for
    each relation.
    """

    k: int
    neurons: int = 0
    sizes: list[int] = field(default_factory=list)
    overlaps: dict[str, list[Floats]] = field(default_factory=dict)
    correlations: dict[str, list[Floats]] = field(default_factory=dict)
    pair_overlaps: dict[tuple[str, str], list[Floats]] = field(default_factory=dict)

    def add_facts(
        self,
        language: str,
        values: npt.NDArray[np.float32],
        rows: Mapping[str, int],
        random: np.random.Generator,
    ) -> _TopNeurons:
        """Halves one relation's facts in one language; returns the top neurons from all of them.

        values: the relation's activations [facts, neurons]; rows: of the sampled facts in them.
        """
        self.neurons = values.shape[1]
        self.sizes = [size for size in sorted({*SIZES, self.k}) if size <= self.neurons]
        halves = np.array_split(random.permutation(len(values)), 2)
        first, second, whole = half_scores(values, np.array(list(rows.values())), halves)
        top = [
            _TopNeurons.from_scores(list(rows), scores, self.sizes[-1]) for scores in (first, second, whole)
        ]
        self.overlaps.setdefault(language, []).append(_overlaps(top[0], top[1], self.sizes))
        self.correlations.setdefault(language, []).append(_correlations(first, second))
        return top[2]

    def add_pair(
        self, languages: tuple[str, str], a: _TopNeurons, b: _TopNeurons, excluded: set[str]
    ) -> None:
        """Compares one relation's top neurons in two languages, without the excluded facts."""
        uuids = [uuid for uuid in a.uuids if uuid in b.uuids and uuid not in excluded]
        if uuids:
            overlaps = _overlaps(a.select(uuids), b.select(uuids), self.sizes)
            self.pair_overlaps.setdefault(languages, []).append(overlaps)

    def facts_halved(self) -> Iterator[dict[str, Any]]:
        """Rows of NEURON_STABILITY, first of all languages together."""
        languages = {"*": list(self.overlaps), **{language: [language] for language in self.overlaps}}
        for name, members in languages.items() if self.overlaps else ():
            overlaps = np.concatenate([part for one in members for part in self.overlaps[one]], axis=1)
            correlations = np.concatenate(
                [part for one in members for part in self.correlations[one]], axis=1
            )
            for statistic, ranking in _STATISTIC_RANKINGS:
                known = correlations[ranking][np.isfinite(correlations[ranking])]
                correlation = float(known.mean()) if len(known) else np.nan
                halves = {"correlation": correlation, "spearman_brown": _spearman_brown(correlation)}
                for index, size in enumerate(self.sizes):
                    overlap = self._overlap(overlaps[ranking, :, index], size)
                    yield _row("facts_halved", statistic, name, size, overlaps.shape[1], **overlap, **halves)

    def over_k(self) -> Iterator[dict[str, Any]]:
        """Rows of NEURON_STABILITY."""
        if not self.pair_overlaps:
            return
        means = np.stack(
            [np.concatenate(parts, axis=1).mean(axis=1) for parts in self.pair_overlaps.values()]
        )
        for statistic, ranking in _STATISTIC_RANKINGS:
            for index, size in enumerate(self.sizes):
                of_pairs = means[:, ranking, index]
                in_use = means[:, ranking, self.sizes.index(self.k)] if self.k in self.sizes else None
                correlation = _spearman(of_pairs, in_use) if in_use is not None else None
                overlap = self._overlap(of_pairs, size)
                yield _row("over_k", statistic, "*", size, len(means), **overlap, correlation=correlation)

    def _overlap(self, overlaps: Floats, size: int) -> dict[str, float | None]:
        """The columns overlap and random_overlap for sets of one size."""
        chance = expected_jaccard(self.neurons, size, size)
        return {"overlap": float(overlaps.mean()), "random_overlap": chance}


_STATISTIC_RANKINGS = tuple(
    (statistic.name, RANKINGS.index(statistic.ranking)) for statistic in OF_SETS if statistic.ranking
)


def half_scores(
    values: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], halves: Sequence[npt.NDArray[np.int64]]
) -> Iterator[Floats]:
    """Scores [rankings, rows, neurons] of facts `rows`, from the first half, the second, and all facts.

    A few facts against many: by differences, where `probeless.probeless_scores` sorts.
    """
    parts = [values[half] for half in halves]
    totals = [
        np.stack([np.abs(part - values[row]).sum(axis=0, dtype=np.float64) for row in rows]) for part in parts
    ]
    for total, part, facts in (
        (totals[0], parts[0], halves[0]),
        (totals[1], parts[1], halves[1]),
        (totals[0] + totals[1], values, np.arange(len(values))),
    ):
        others = len(facts) - np.isin(rows, facts)
        probeless = total / others[:, None]
        deviation = part.std(axis=0, dtype=np.float64)
        deviation[deviation == 0] = np.inf
        scores = {
            PROBELESS: probeless,
            SIGNED: values[rows] - part.mean(axis=0, dtype=np.float64),
            STANDARDISED: probeless / deviation,
        }
        yield np.stack([scores[ranking] for ranking in RANKINGS])


def _overlaps(a: _TopNeurons, b: _TopNeurons, sizes: list[int]) -> Floats:
    """Jaccard index [rankings, facts, sizes] of the two sets of every fact, for every size at once."""
    # A neuron is in both sets of a size when the worse of its two ranks is below the size.
    worse = np.maximum(np.take_along_axis(b.ranks, a.best, axis=2), np.arange(sizes[-1], dtype=np.int16))
    common = np.stack([(worse < size).sum(axis=2) for size in sizes], axis=2)
    overlaps: Floats = common / (2 * np.array(sizes) - common)
    return overlaps


def _correlations(a: Floats, b: Floats) -> Floats:
    """Pearson correlation over the last axis; NaN where a side does not vary."""
    a, b = (side - side.mean(axis=-1, keepdims=True) for side in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlations: Floats = (a * b).sum(axis=-1) / np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return correlations


def _spearman_brown(correlation: float) -> float | None:
    """Reliability of the whole from the correlation of its halves; None where that is not positive."""
    return 2 * correlation / (1 + correlation) if correlation > 0 else None


def _spearman(a: Floats, b: Floats) -> float | None:
    from scipy import stats

    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(stats.spearmanr(a, b).statistic)


def _row(aspect: str, statistic: str, language: str, k: int | None, n: int, **more: Any) -> dict[str, Any]:
    known = {name: None if value is None or np.isnan(value) else float(value) for name, value in more.items()}
    return {"aspect": aspect, "statistic": statistic, "language": language, "k": k, "n": n, **known}


def _pairs_halved(
    compared: Sequence[PairComparison], k: int, random: np.random.Generator
) -> Iterator[dict[str, Any]]:
    """Rows of NEURON_STABILITY."""
    kept = [~pair.identical_input for pair in compared]
    pair_of = np.repeat(np.arange(len(compared)), [int(facts.sum()) for facts in kept])
    halves = [_halve(pair_of, random) for _ in range(SPLITS)]
    for statistic in BY_PAIR:
        of_pairs = (pair.values[statistic.name][facts] for pair, facts in zip(compared, kept, strict=True))
        values = np.concatenate([np.empty(0), *of_pairs])
        known = np.isfinite(values)
        enough = np.bincount(pair_of[known], minlength=len(compared)) >= SMALLEST_PAIR
        used = known & enough[pair_of] if len(pair_of) else known
        by_split = [_half_correlation(values[used], pair_of[used], half[used]) for half in halves]
        correlations = [value for value in by_split if np.isfinite(value)]
        correlation = float(np.mean(correlations)) if correlations else np.nan
        key = ("pairs_halved", statistic.name, "*", k if statistic.has_k else None, int(enough.sum()))
        yield _row(*key, correlation=correlation, spearman_brown=_spearman_brown(correlation))


def _halve(pair_of: npt.NDArray[np.int64], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each row 0 or 1, at random, as many of either within a pair (or one more)."""
    order = np.lexsort((random.random(len(pair_of)), pair_of))
    half = np.empty(len(pair_of), np.int64)
    starts = np.searchsorted(pair_of[order], pair_of[order])
    half[order] = (np.arange(len(pair_of)) - starts) % 2
    return half


def _half_correlation(values: Floats, pair_of: npt.NDArray[np.int64], half: npt.NDArray[np.int64]) -> float:
    """Pearson correlation, over the pairs, of the means of their two halves; NaN for fewer than three."""
    cells = 2 * pair_of + half
    counts = np.bincount(cells)
    counts = np.append(counts, np.zeros(len(counts) % 2, np.int64)).reshape(-1, 2)
    sums = np.bincount(cells, weights=values, minlength=counts.size).reshape(-1, 2)
    filled = (counts > 0).all(axis=1)
    if filled.sum() < 3:
        return np.nan
    means = sums[filled] / counts[filled]
    return float(_correlations(means[:, 0], means[:, 1]))
