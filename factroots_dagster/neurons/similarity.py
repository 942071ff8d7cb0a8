"""How alike two languages' neurons are for one fact, beside the nulls without which the number means nothing.

For every pair of languages and every fact that both predict:

- Jaccard of the two top-k sets (the paper's), of the two signed and of the two standardised ones (`probeless`
  says what they are), and the cosine of the activations centred on the mean of the (language, relation)'s
  correct facts.
- Beside each of them, and beside cosine_z, three nulls. Two are means over *other* facts of the same relation
  across the same two languages: the same object, and another object. For fact f they are taken over
  (f in A, g in B) and (g in A, f in B), g != f, g being any correctly predicted fact of that language. The
  third is random neurons, as expected value: of random k-subsets, and of the cosine with B's neurons in
  random order, (sum of A's direction) x (sum of B's) / neurons.
- cosine_z: the cosine of any pairing (f, g), less the mean and over the standard deviation of the cosines of
  f's row and g's column with facts of other objects. So each pairing is compared with what its two facts
  score by chance.
- p_value, one-sided. If the model represents "a fact with this object" rather than the fact, the pairing
  (f, f) is exchangeable with the same-object pairings (f, g). The statistic is the cosine. Its null are all
  same-object pairings of the relation and language pair (a fact has too few of its own for a small p), and
  p = (1 + number >= observed) / (1 + number). With fewer than 199 of them (p could not go below 0.005) those
  of all relations of the language pair are taken; fewer than 19: no p-value. Nulls of other language pairs
  are never borrowed: languages of one script are alike in everything. Pairings that share a fact depend on
  each other, positively; in simulations without any sharing 5.5% to 9% of the p-values are <= 0.05, the more
  the smaller the relations are.
- q_value: Benjamini-Hochberg over all facts and language pairs of the checkpoint.
- A language pair has a p_value of its own: of its mean cosine, by exchanging facts of one object
  (`nulls.Exchange`), with Benjamini-Hochberg over the pairs.

Facts whose prompt is the same text in both languages would be alike in any model: flagged, kept out of the
tests and of the pair means. Whether a fact is shared with *any* other language is asked in `nearest`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.comparable import Facts, Matrices, Matrix, comparable_facts, jaccard_matrix
from factroots_dagster.neurons.nearest import Nearest, NearestInRelation, Statistic
from factroots_dagster.neurons.nulls import (
    SMALLEST_NULL,
    SUFFICIENT_NULL,
    Exchange,
    benjamini_hochberg,
    expected_jaccard,
    mismatched_moments,
    upper_p,
)
from factroots_dagster.neurons.probeless import SIZES
from factroots_dagster.neurons.schema import NEURON_SIMILARITY, SIMILARITY_PAIRS

STATISTICS = ("jaccard", "signed_jaccard", "standardised_jaccard", "cosine", "cosine_z")
KEPT_PAIRINGS = 256  # same-object pairings of one relation and language pair that the pooled nulls keep


class Similarity(NamedTuple):
    """The three tables of one checkpoint."""

    facts: pa.Table  # NEURON_SIMILARITY
    pairs: pa.Table  # SIMILARITY_PAIRS
    nearest: pa.Table  # NEAREST_LANGUAGE


def compare_languages(
    active: Mapping[str, pa.Table],
    activations: Mapping[str, Path],
    splits: Mapping[str, pa.Table],
    *,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> Similarity:
    """Compares every two languages of one checkpoint.

    By language: active (ACTIVE_NEURONS), activations (the folder `probing.engine.probe` wrote), splits
    (MLAMA_SPLIT, for objects and prompts). Returns NEURON_SIMILARITY and SIMILARITY_PAIRS, by language pair,
    relation, uuid, and NEAREST_LANGUAGE. Facts that no other language predicts have no row.
    seed: draws the pairings kept for the pooled nulls where there are more than KEPT_PAIRINGS.
    """
    languages = sorted(active)
    facts = {name: comparable_facts(active[name], activations[name], splits[name]) for name in languages}
    pairs = {pair: _Pair(*pair) for pair in combinations(languages, 2)}
    nearest = Nearest()
    relations = sorted({relation for of in facts.values() for relation in of})
    for number, relation in enumerate(relations, start=1):
        here = {name: of[relation] for name, of in facts.items() if relation in of}
        matrices = Matrices(activations, relation, here, _sizes(here.values()))
        maxima = NearestInRelation(
            relation, here, np.random.default_rng([seed, zlib.crc32(relation.encode())])
        )
        for a in sorted(here):
            for b in sorted(other for other in here if other > a):
                if set(here[a].uuids) & set(here[b].uuids):
                    random = np.random.default_rng([seed, zlib.crc32(f"{a}|{b}|{relation}".encode())])
                    compared = pairs[a, b].add(relation, here[a], here[b], matrices[a], matrices[b], random)
                    maxima.add(a, b, *compared)
            matrices.done_with(a)
        nearest.take(maxima)
        if progress is not None:
            progress(f"{number} of {len(relations)} relations compared")
    return Similarity(*_tables([pair for pair in pairs.values() if pair.columns]), nearest.table())


@dataclass
class _Pair:
    """What two languages have in common, relation by relation: columns of NEURON_SIMILARITY, nulls."""

    a: str
    b: str
    columns: list[dict[str, Any]] = field(default_factory=list)
    nulls: list[npt.NDArray[np.float64]] = field(default_factory=list)  # [pairings, (jaccard, cosine)]
    exchange: Exchange = field(default_factory=Exchange)

    def add(
        self,
        relation: str,
        facts_a: Facts,
        facts_b: Facts,
        matrix_a: Matrix,
        matrix_b: Matrix,
        random: np.random.Generator,
    ) -> tuple[
        dict[Statistic, npt.NDArray[np.float64]],
        npt.NDArray[np.float64],
        tuple[npt.NDArray[np.int64], ...],
        npt.NDArray[np.bool_],
    ]:
        """Compares one relation.

        Returns what `nearest` needs: statistics and the z of the whitened cosine [facts of a, facts of b],
        the indices of the facts that both have, and which of these have the same input text in both.
        """
        cosine = (matrix_a.directions @ matrix_b.directions.T).astype(np.float64)
        same = facts_a.objects[:, None] == facts_b.objects[None]
        mean, deviation = mismatched_moments(cosine, ~same)
        jaccard = jaccard_matrix(matrix_a.top, matrix_b.top)
        statistics = np.stack(
            [
                jaccard,
                jaccard_matrix(matrix_a.signed, matrix_b.signed),
                jaccard_matrix(matrix_a.standardised, matrix_b.standardised),
                cosine,
                (cosine - mean) / deviation,
            ]
        )
        place = {uuid: index for index, uuid in enumerate(facts_b.uuids)}
        shared = [(i, place[uuid]) for i, uuid in enumerate(facts_a.uuids) if uuid in place]
        own = tuple(np.array(shared).T)
        null = same.copy()
        null[own] = False
        identical = np.array([facts_a.prompts[i] == facts_b.prompts[j] for i, j in shared])
        pool = np.stack([jaccard[null], cosine[null]], axis=1)
        pool = pool[np.isfinite(pool).all(axis=1)]
        observed = np.where(identical, np.nan, cosine[own])
        # With too few pairings of its own the relation waits for the pooled null of `_tables`.
        enough = len(pool) >= SUFFICIENT_NULL
        neurons = matrix_a.directions.shape[1]
        by_chance = (
            np.prod(
                [m.directions.sum(axis=1)[at] for m, at in zip((matrix_a, matrix_b), own, strict=True)],
                axis=0,
            )
            / neurons
        )
        self.columns.append(
            {
                "uuid": np.array(facts_a.uuids)[own[0]],
                "relation": np.full(len(shared), relation),
                **dict(zip(STATISTICS, statistics[:, own[0], own[1]], strict=True)),
                **_named("same_object", _cross_means(statistics, null, own)),
                **_named("mismatched", _cross_means(statistics, ~same, own)),
                "random_mean": np.full(len(shared), expected_jaccard(neurons, facts_a.top.shape[1])),
                "random_cosine": by_chance,
                "random_cosine_z": (by_chance - mean[own]) / deviation[own],
                "same_object_pairings": np.full(len(shared), len(pool) if enough else 0),
                "p_value": upper_p(observed, pool[:, 1]) if enough else np.full(len(shared), np.nan),
                "identical_input": identical,
            }
        )
        tested = np.isfinite(observed)
        if tested.any():
            rows, columns = own[0][tested], own[1][tested]
            self.exchange.add(cosine[np.ix_(rows, columns)], facts_a.objects[rows], random)
        if len(pool) > KEPT_PAIRINGS:
            pool = pool[np.sort(random.choice(len(pool), KEPT_PAIRINGS, replace=False))]
        self.nulls.append(pool)
        over_all: dict[Statistic, npt.NDArray[np.float64]] = {
            ("jaccard", k): jaccard_matrix(matrix_a.ranked[k], matrix_b.ranked[k]) for k in matrix_a.ranked
        }
        k = facts_a.top.shape[1]
        over_all |= {("signed_jaccard", k): statistics[1], ("standardised_jaccard", k): statistics[2]}
        over_all["cosine", None] = cosine
        whitened = (matrix_a.whitened @ matrix_b.whitened.T).astype(np.float64)
        mean, deviation = mismatched_moments(whitened, ~same)
        return over_all, (whitened - mean) / deviation, own, identical


def _sizes(facts: Iterable[Facts]) -> list[int]:
    """The k in use, and those of SIZES that all languages' rankings reach."""
    widest, used = zip(*((of.ranked.shape[1], of.top.shape[1]) for of in facts), strict=True)
    return sorted({used[0], *(k for k in SIZES if k <= min(widest))})


def _cross_means(
    values: npt.NDArray[np.float64], of: npt.NDArray[np.bool_], own: tuple[npt.NDArray[np.int64], ...]
) -> npt.NDArray[np.float64]:
    """Means of `values` [statistics, i, j] over the entries `of` in row i and column j, for each own (i, j).

    Entries that are NaN stay out. Returns [statistics, own]; NaN without any entry.
    """
    known = of & np.isfinite(values)
    kept = np.where(known, values, 0.0)
    total, count = (part.sum(axis=2)[:, own[0]] + part.sum(axis=1)[:, own[1]] for part in (kept, known))
    with np.errstate(invalid="ignore", divide="ignore"):
        means: npt.NDArray[np.float64] = total / count
    return means


def _named(null: str, means: npt.NDArray[np.float64]) -> dict[str, npt.NDArray[np.float64]]:
    """Columns of NEURON_SIMILARITY; the paper's Jaccard has the short names."""
    return {
        f"{null}_mean" if name == "jaccard" else f"{null}_{name}": values
        for name, values in zip(STATISTICS, means, strict=True)
    }


def _tables(pairs: list[_Pair]) -> tuple[pa.Table, pa.Table]:
    """Fills in what needs more than one relation (pooled p-values, q-values) and makes the two tables."""
    if not pairs:
        return NEURON_SIMILARITY.empty_table(), SIMILARITY_PAIRS.empty_table()
    merged = []
    for pair in pairs:
        columns = {name: np.concatenate([part[name] for part in pair.columns]) for name in pair.columns[0]}
        pool = np.concatenate(pair.nulls)[:, 1]
        waiting = columns["same_object_pairings"] == 0
        if len(pool) >= SMALLEST_NULL:
            testable = waiting & ~columns["identical_input"]
            columns["p_value"][testable] = upper_p(columns["cosine"][testable], pool)
            columns["same_object_pairings"][waiting] = len(pool)
        columns["language_a"] = np.full(len(waiting), pair.a)
        columns["language_b"] = np.full(len(waiting), pair.b)
        merged.append(columns)
    facts = {name: np.concatenate([columns[name] for columns in merged]) for name in merged[0]}
    facts["q_value"] = benjamini_hochberg(facts["p_value"])
    table = pa.table(
        [pa.array(facts[field.name], field.type, from_pandas=True) for field in NEURON_SIMILARITY],
        schema=NEURON_SIMILARITY,
    )
    rows = [_pair_row(pair, columns) for pair, columns in zip(pairs, merged, strict=True)]
    p = [row["p_value"] if row["p_value"] is not None else np.nan for row in rows]
    for row, q in zip(rows, benjamini_hochberg(np.array(p)), strict=True):
        row["q_value"] = None if np.isnan(q) else float(q)
    return table, pa.Table.from_pylist(rows, schema=SIMILARITY_PAIRS)


_SHORT = ("same_object_jaccard", "mismatched_jaccard", "random_jaccard")
_OF_PAIR = ("same_object_q90_jaccard", "same_object_q90_cosine", "p_value", "q_value")


def _pair_row(pair: _Pair, columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    kept = ~columns["identical_input"]
    nulls = np.concatenate(pair.nulls)
    row: dict[str, Any] = {"language_a": pair.a, "language_b": pair.b, "facts": int(kept.sum())}
    for name in (column for column in SIMILARITY_PAIRS.names if column not in (*row, *_OF_PAIR)):
        # The paper's Jaccard has short names in the facts' table.
        source = name.replace("_jaccard", "_mean") if name in _SHORT else name
        values = columns[source][kept]
        values = values[~np.isnan(values)]
        row[name] = float(values.mean()) if len(values) else None
    row["p_value"] = pair.exchange.p_value()
    row["same_object_q90_jaccard"] = float(np.quantile(nulls[:, 0], 0.9)) if len(nulls) else None
    row["same_object_q90_cosine"] = float(np.quantile(nulls[:, 1], 0.9)) if len(nulls) else None
    return row
