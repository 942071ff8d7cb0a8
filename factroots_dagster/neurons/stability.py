"""Would other facts, or another k, have said the same? How stable active neurons and similarities are.

Three aspects; the first two on a bounded sample drawn with the seed (at most RELATIONS relations, FACTS facts
of each):

- facts_halved: the relation's facts are split into two random halves, and a fact's neurons are found from
  either half alone. `overlap` is the mean Jaccard of the two top-k sets, `random_overlap` what random
  neurons reach; `correlation` is Pearson's, over all neurons, of the scores from the two halves (the same at
  every k), mean over facts. A Probeless score is a mean over facts, so with all of them it is Spearman's and
  Brown's lengthened test (1910): `spearman_brown` = 2 r / (1 + r) is the reliability of the scores in use.
- over_k: `overlap` is the mean Jaccard of the pairs of languages at other k; `correlation` is Spearman's,
  over the pairs, with their Jaccard at the k in use: does the order of the pairs hang on k?
- pairs_halved: the facts of every pair of languages (all, not a sample) are split at random, and the pair's
  mean similarity is taken from either half; `correlation` is Pearson's over the pairs, mean over SPLITS
  splits, and `spearman_brown` the reliability of the pair's mean over all its facts.

Pairs that share a language are not independent: correlations over pairs describe, and have no p-value.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.models.activations import read_index, read_relation
from factroots_dagster.neurons.nulls import expected_jaccard
from factroots_dagster.neurons.probeless import SIZES, top_k
from factroots_dagster.neurons.schema import NEURON_STABILITY

RELATIONS = 10
FACTS = 8  # of a relation
SMALLEST_RELATION = 6  # facts of a relation in a language: a half must hold a few
SMALLEST_PAIR = 4  # facts of a pair of languages: either half must hold two
SPLITS = 20
RANKINGS = ("jaccard", "signed_jaccard", "standardised_jaccard")
COSINES = ("cosine", "cosine_z")
_FAR = np.iinfo(np.int16).max  # the rank of a neuron that is not among the best

Floats = npt.NDArray[np.float64]


def neuron_stability(
    activations: Mapping[str, Path],
    facts: pa.Table,
    *,
    k: int,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """NEURON_STABILITY of one checkpoint.

    activations: by language, the folder that the prober wrote. facts: NEURON_SIMILARITY of these languages.
    k: size of the sets in use. Memory: one relation's activations in one language, and the sampled facts'
    ranks in all languages. What cannot be said of so few facts or languages is null, or has no row.
    """
    rows_of = {language: _rows_of(activations[language]) for language in sorted(activations)}
    identical = _identical(facts)
    random = np.random.default_rng([seed, 8])
    sample = _sample(rows_of, random)
    halved: dict[str, list[_Halved]] = {}
    paired: dict[tuple[str, str], list[Floats]] = {}
    sizes: list[int] = []
    neurons = 0
    for number, (relation, wanted) in enumerate(sample.items(), start=1):
        found: dict[str, _Found] = {}
        for language, of in rows_of.items():
            known = [uuid for uuid in wanted if uuid in of.get(relation, {})]
            if not known or len(of[relation]) < SMALLEST_RELATION:
                continue
            values = read_relation(activations[language], relation)
            values = values.reshape(len(values), -1)
            neurons = values.shape[1]
            sizes = [size for size in sorted({*SIZES, k}) if size <= neurons]
            halves = np.array_split(random.permutation(len(values)), 2)
            rows = np.array([of[relation][uuid] for uuid in known])
            first, second, whole = _scores(values, rows, halves)
            one, other = (_Found.of(known, scores, sizes) for scores in (first, second))
            halved.setdefault(language, []).append(
                _Halved(_overlaps(one, other, sizes), _correlations(first, second))
            )
            found[language] = _Found.of(known, whole, sizes)
        for a, b in combinations(found, 2):
            left_out = identical.get((a, b), set())
            both = [u for u in found[a].uuids if u in found[b].uuids and u not in left_out]
            if both:
                overlaps = _overlaps(found[a].only(both), found[b].only(both), sizes)
                paired.setdefault((a, b), []).append(overlaps)
        if progress is not None:
            progress(f"stability: {number} of {len(sample)} relations")
    rows_made = [
        *_halved_rows(halved, sizes, neurons),
        *_over_k_rows(paired, sizes, neurons, k),
        *_pairs_halved_rows(facts, k, random),
    ]
    return pa.Table.from_pylist(rows_made, schema=NEURON_STABILITY)


@dataclass(frozen=True)
class _Found:
    """The best neurons of some facts, by each of RANKINGS."""

    uuids: list[str]
    best: npt.NDArray[np.int64]  # [rankings, facts, largest size], best first
    ranks: npt.NDArray[np.int16]  # [rankings, facts, neurons], _FAR beyond the largest size

    @staticmethod
    def of(uuids: list[str], scores: Floats, sizes: list[int]) -> _Found:
        """From scores [rankings, facts, neurons]."""
        best = top_k(scores.reshape(-1, scores.shape[2]), sizes[-1]).reshape(*scores.shape[:2], -1)
        ranks = np.full(scores.shape, _FAR, np.int16)
        places = np.broadcast_to(np.arange(sizes[-1], dtype=np.int16), best.shape)
        np.put_along_axis(ranks, best, places, axis=2)
        return _Found(uuids, best, ranks)

    def only(self, uuids: list[str]) -> _Found:
        at = [self.uuids.index(uuid) for uuid in uuids]
        return _Found(uuids, self.best[:, at], self.ranks[:, at])


@dataclass(frozen=True)
class _Halved:
    """One relation's facts in one language: how far the two halves agree."""

    overlaps: Floats  # [rankings, facts, sizes], Jaccard
    correlations: Floats  # [rankings, facts]


def _rows_of(folder: Path) -> dict[str, dict[str, int]]:
    """Relation to fact to its row in the relation's activations."""
    index = read_index(folder)
    found: dict[str, dict[str, int]] = {}
    columns = (index.column(name).to_pylist() for name in ("relation", "uuid", "row"))
    for relation, uuid, row in zip(*columns, strict=True):
        found.setdefault(relation, {})[uuid] = row
    return found


def _identical(facts: pa.Table) -> dict[tuple[str, str], set[str]]:
    """By language pair, the facts whose prompt is the same text in both."""
    same = facts.filter(facts["identical_input"])
    found: dict[tuple[str, str], set[str]] = {}
    for a, b, uuid in zip(
        *(same[name].to_pylist() for name in ("language_a", "language_b", "uuid")), strict=True
    ):
        found.setdefault((a, b), set()).add(uuid)
    return found


def _sample(
    rows_of: Mapping[str, Mapping[str, Mapping[str, int]]], random: np.random.Generator
) -> dict[str, list[str]]:
    """Relation to facts: those that several languages predict, where there are any."""
    languages_of: dict[str, dict[str, int]] = {}
    for of in rows_of.values():
        for relation, facts in of.items():
            if len(facts) >= SMALLEST_RELATION:
                counted = languages_of.setdefault(relation, {})
                for uuid in facts:
                    counted[uuid] = counted.get(uuid, 0) + 1
    drawn = {}
    for relation in _draw(sorted(languages_of), RELATIONS, random):
        counted = languages_of[relation]
        several = sorted(uuid for uuid, languages in counted.items() if languages > 1)
        drawn[relation] = _draw(several or sorted(counted), FACTS, random)
    return drawn


def _draw(among: list[str], most: int, random: np.random.Generator) -> list[str]:
    if len(among) <= most:
        return among
    return [among[index] for index in sorted(random.choice(len(among), most, replace=False))]


def _scores(
    values: npt.NDArray[np.float32], rows: npt.NDArray[np.int64], halves: list[npt.NDArray[np.int64]]
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
        spread = part.std(axis=0, dtype=np.float64)
        spread[spread == 0] = np.inf
        above = values[rows] - part.mean(axis=0, dtype=np.float64)
        yield np.stack([probeless, above, probeless / spread])


def _overlaps(a: _Found, b: _Found, sizes: list[int]) -> Floats:
    """Jaccard [rankings, facts, sizes] of the two sets of every fact, for every size at once."""
    # A neuron is in both sets of a size when the worse of its two ranks is.
    worse = np.maximum(np.take_along_axis(b.ranks, a.best, axis=2), np.arange(sizes[-1], dtype=np.int16))
    common = np.stack([(worse < size).sum(axis=2) for size in sizes], axis=2)
    overlaps: Floats = common / (2 * np.array(sizes) - common)
    return overlaps


def _correlations(a: Floats, b: Floats) -> Floats:
    """Pearson correlation over the last axis; NaN where a side does not vary."""
    a, b = (side - side.mean(axis=-1, keepdims=True) for side in (a, b))
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Floats = (a * b).sum(axis=-1) / np.sqrt((a * a).sum(axis=-1) * (b * b).sum(axis=-1))
    return found


def _lengthened(correlation: float) -> float | None:
    """Spearman-Brown; null for halves that disagree, of which it cannot be said."""
    return 2 * correlation / (1 + correlation) if correlation > 0 else None


def _row(aspect: str, statistic: str, language: str, k: int | None, n: int, **more: Any) -> dict[str, Any]:
    known = {name: None if value is None or np.isnan(value) else float(value) for name, value in more.items()}
    return {"aspect": aspect, "statistic": statistic, "language": language, "k": k, "n": n, **known}


def _halved_rows(
    halved: Mapping[str, list[_Halved]], sizes: list[int], neurons: int
) -> Iterator[dict[str, Any]]:
    everything = [part for parts in halved.values() for part in parts]
    for language, parts in {"*": everything, **halved}.items() if everything else ():
        overlaps = np.concatenate([part.overlaps for part in parts], axis=1)
        correlations = np.concatenate([part.correlations for part in parts], axis=1)
        for ranking, statistic in enumerate(RANKINGS):
            known = correlations[ranking][np.isfinite(correlations[ranking])]
            correlation = float(known.mean()) if len(known) else np.nan
            for place, size in enumerate(sizes):
                yield _row(
                    "facts_halved",
                    statistic,
                    language,
                    size,
                    overlaps.shape[1],
                    overlap=overlaps[ranking, :, place].mean(),
                    random_overlap=expected_jaccard(neurons, size),
                    correlation=correlation,
                    spearman_brown=_lengthened(correlation),
                )


def _over_k_rows(
    paired: Mapping[tuple[str, str], list[Floats]], sizes: list[int], neurons: int, k: int
) -> Iterator[dict[str, Any]]:
    if not paired:
        return
    means = np.stack([np.concatenate(parts, axis=1).mean(axis=1) for parts in paired.values()])
    for ranking, statistic in enumerate(RANKINGS):
        for place, size in enumerate(sizes):
            at = means[:, ranking, place]
            yield _row(
                "over_k",
                statistic,
                "*",
                size,
                len(means),
                overlap=at.mean(),
                random_overlap=expected_jaccard(neurons, size),
                correlation=_spearman(at, means[:, ranking, sizes.index(k)]) if k in sizes else None,
            )


def _spearman(a: Floats, b: Floats) -> float | None:
    from scipy import stats

    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(stats.spearmanr(a, b).statistic)


def _pairs_halved_rows(facts: pa.Table, k: int, random: np.random.Generator) -> Iterator[dict[str, Any]]:
    kept = facts.filter(pc.invert(facts["identical_input"]))
    names = zip(kept["language_a"].to_pylist(), kept["language_b"].to_pylist(), strict=True)
    number: dict[tuple[str, str], int] = {}
    pair = np.array([number.setdefault(name, len(number)) for name in names], np.int64)
    halves = [_halve(pair, random) for _ in range(SPLITS)]
    for statistic in (*RANKINGS, *COSINES):
        values = pc.fill_null(kept[statistic], np.nan).to_numpy().astype(np.float64)
        known = np.isfinite(values)
        enough = np.bincount(pair[known], minlength=len(number)) >= SMALLEST_PAIR
        used = known & enough[pair] if len(pair) else known
        found = [_half_correlation(values[used], pair[used], half[used]) for half in halves]
        correlations = [value for value in found if np.isfinite(value)]
        correlation = float(np.mean(correlations)) if correlations else np.nan
        yield _row(
            "pairs_halved",
            statistic,
            "*",
            k if statistic in RANKINGS else None,
            int(enough.sum()),
            correlation=correlation,
            spearman_brown=_lengthened(correlation),
        )


def _halve(pair: npt.NDArray[np.int64], random: np.random.Generator) -> npt.NDArray[np.int64]:
    """For each row 0 or 1, at random, as many of either within a pair (or one more)."""
    order = np.lexsort((random.random(len(pair)), pair))
    half = np.empty(len(pair), np.int64)
    starts = np.searchsorted(pair[order], pair[order])
    half[order] = (np.arange(len(pair)) - starts) % 2
    return half


def _half_correlation(values: Floats, pair: npt.NDArray[np.int64], half: npt.NDArray[np.int64]) -> float:
    """Pearson correlation, over the pairs, of the means of their two halves; NaN for fewer than three."""
    cells = 2 * pair + half
    counts = np.bincount(cells)
    counts = np.append(counts, np.zeros(len(counts) % 2, np.int64)).reshape(-1, 2)
    sums = np.bincount(cells, weights=values, minlength=counts.size).reshape(-1, 2)
    filled = (counts > 0).all(axis=1)
    if filled.sum() < 3:
        return np.nan
    means = sums[filled] / counts[filled]
    return float(_correlations(means[:, 0], means[:, 1]))
