"""How alike two languages' neurons are for one fact, beside the nulls without which the number means nothing.

For every pair of languages and every fact that both predict:

- Jaccard of the two top-k sets (the paper's), of the two signed top-k sets, and the cosine of the activations
  centred on the mean of the (language, relation)'s correct facts.
- Nulls, from *other* facts of the same relation across the same two languages: the same object, another
  object, and random neurons (analytic). For fact f they are taken over (f in A, g in B) and (g in A, f in B),
  g != f, g being any correctly predicted fact of that language.
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

Facts whose prompt is the same text in both languages would be alike in any model: flagged, kept out of the
tests and of the pair means. Whether a fact is shared with *any* other language is asked in `nearest`.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.neurons.comparable import Facts, Matrices, Matrix, comparable_facts, jaccard_matrix
from factroots_dagster.neurons.nearest import Nearest, NearestInRelation
from factroots_dagster.neurons.nulls import (
    SMALLEST_NULL,
    SUFFICIENT_NULL,
    benjamini_hochberg,
    expected_jaccard,
    standardised,
    upper_p,
)
from factroots_dagster.neurons.schema import NEURON_SIMILARITY, SIMILARITY_PAIRS

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
        matrices = Matrices(activations, relation, here)
        maxima = NearestInRelation(relation, here)
        for a, b in combinations(sorted(here), 2):
            if set(here[a].uuids) & set(here[b].uuids):
                random = np.random.default_rng([seed, zlib.crc32(f"{a}|{b}|{relation}".encode())])
                cosine, own, identical = pairs[a, b].add(
                    relation, here[a], here[b], matrices[a], matrices[b], random
                )
                maxima.add(a, b, cosine, own, identical)
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

    def add(
        self,
        relation: str,
        facts_a: Facts,
        facts_b: Facts,
        matrix_a: Matrix,
        matrix_b: Matrix,
        random: np.random.Generator,
    ) -> tuple[npt.NDArray[np.float64], tuple[npt.NDArray[np.int64], ...], npt.NDArray[np.bool_]]:
        """Compares one relation.

        Returns the cosines [facts of a, facts of b], the indices of the facts that both have, and which of
        these have the same input text in both.
        """
        k_a, k_b = facts_a.top.shape[1], facts_b.top.shape[1]
        cosine = (matrix_a.directions @ matrix_b.directions.T).astype(np.float64)
        jaccard = jaccard_matrix(matrix_a.top, matrix_b.top, k_a + k_b)
        signed = jaccard_matrix(matrix_a.signed, matrix_b.signed, k_a + k_b)
        same = facts_a.objects[:, None] == facts_b.objects[None]
        place = {uuid: index for index, uuid in enumerate(facts_b.uuids)}
        shared = [(i, place[uuid]) for i, uuid in enumerate(facts_a.uuids) if uuid in place]
        own = tuple(np.array(shared).T)
        z = standardised(cosine, ~same)
        null = same.copy()
        null[own] = False
        identical = np.array([facts_a.prompts[i] == facts_b.prompts[j] for i, j in shared])
        pool = np.stack([jaccard[null], cosine[null]], axis=1)
        pool = pool[np.isfinite(pool).all(axis=1)]
        observed = np.where(identical, np.nan, cosine[own])
        # With too few pairings of its own the relation waits for the pooled null of `_tables`.
        enough = len(pool) >= SUFFICIENT_NULL
        self.columns.append(
            {
                "uuid": np.array(facts_a.uuids)[own[0]],
                "relation": np.full(len(shared), relation),
                "jaccard": jaccard[own],
                "signed_jaccard": signed[own],
                "cosine": cosine[own],
                "same_object_mean": _cross_mean(jaccard, null, own),
                "mismatched_mean": _cross_mean(jaccard, ~same, own),
                "random_mean": np.full(len(shared), expected_jaccard(matrix_a.directions.shape[1], k_a)),
                "cosine_z": z[own],
                "same_object_pairings": np.full(len(shared), len(pool) if enough else 0),
                "p_value": upper_p(observed, pool[:, 1]) if enough else np.full(len(shared), np.nan),
                "identical_input": identical,
            }
        )
        if len(pool) > KEPT_PAIRINGS:
            pool = pool[np.sort(random.choice(len(pool), KEPT_PAIRINGS, replace=False))]
        self.nulls.append(pool)
        return cosine, own, identical


def _cross_mean(
    values: npt.NDArray[np.float64], of: npt.NDArray[np.bool_], own: tuple[npt.NDArray[np.int64], ...]
) -> npt.NDArray[np.float64]:
    """Mean of `values` over the entries `of` in row i and column j, for each own (i, j); NaN without any."""
    kept = np.where(of, values, 0.0)
    total = kept.sum(axis=1)[own[0]] + kept.sum(axis=0)[own[1]]
    count = of.sum(axis=1)[own[0]] + of.sum(axis=0)[own[1]]
    with np.errstate(invalid="ignore", divide="ignore"):
        return total / count


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
    return table, pa.Table.from_pylist(rows, schema=SIMILARITY_PAIRS)


def _pair_row(pair: _Pair, columns: Mapping[str, npt.NDArray[Any]]) -> dict[str, Any]:
    kept = ~columns["identical_input"]
    nulls = np.concatenate(pair.nulls)
    row: dict[str, Any] = {"language_a": pair.a, "language_b": pair.b, "facts": int(kept.sum())}
    for name, source in (
        ("jaccard", "jaccard"),
        ("signed_jaccard", "signed_jaccard"),
        ("cosine", "cosine"),
        ("same_object_jaccard", "same_object_mean"),
        ("mismatched_jaccard", "mismatched_mean"),
        ("random_jaccard", "random_mean"),
    ):
        values = columns[source][kept]
        values = values[~np.isnan(values)]
        row[name] = float(values.mean()) if len(values) else None
    row["same_object_q90_jaccard"] = float(np.quantile(nulls[:, 0], 0.9)) if len(nulls) else None
    row["same_object_q90_cosine"] = float(np.quantile(nulls[:, 1], 0.9)) if len(nulls) else None
    return row
