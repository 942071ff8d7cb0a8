"""How alike two languages' neurons are for one fact, beside the nulls without which the number means nothing.

For every pair of languages and every fact that both predict:

- Jaccard of the two top-k sets (the paper's), of the two signed top-k sets, and the cosine of the activations
  centred on the mean of the (language, relation)'s correct facts.
- Nulls, from *other* facts of the same relation across the same two languages: the same object, another
  object, and random neurons (analytic). For fact f they are taken over (f in A, g in B) and (g in A, f in B),
  g != f, g being any correctly predicted fact of that language.
- cosine_z: the cosine of any pairing (f, g), less the mean and over the standard deviation of the cosines of
  f's row and g's column with facts of other objects. So each pairing is compared with what its two facts
  score by chance, and pairings of different facts become comparable.
- p_value, one-sided. If the model represents "a fact with this object" rather than the fact, the pairing
  (f, f) is exchangeable with the same-object pairings (f, g). The statistic is cosine_z, for its being
  comparable between facts; its null is the z of all same-object pairings of the relation and language pair
  (a fact has too few of its own for a small p), p = (1 + number >= observed) / (1 + number). With fewer than
  199 such pairings (p could not go below 0.005, and hardly any would survive the correction) the null is that
  of all relations of the language pair, and if that is smaller still, of all language pairs; with fewer than
  19 in all there is no p-value. Assumed: z has the same null distribution for all facts pooled. Pairings that
  share a fact depend on each other, positively.
- q_value: Benjamini-Hochberg over all facts and language pairs of the checkpoint.

Facts whose prompt is the same text in both languages would be alike in any model: flagged, kept out of the
tests and of the pair means.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse, stats

from factroots_dagster.neurons.activations import read_index, read_relation
from factroots_dagster.neurons.schema import NEURON_SIMILARITY, SIMILARITY_PAIRS

SUFFICIENT_NULL = 199  # same-object pairings from which a null is used without pooling more
SMALLEST_NULL = 19  # same-object pairings below which a p-value could not reach 0.05
SMALLEST_MISMATCHED = 8  # pairings with other objects below which a z-score is noise
KEPT_PAIRINGS = 256  # same-object pairings of one relation and language pair that the pooled nulls keep
MATRIX_BYTES = 2 << 30  # activations of one relation that stay in memory while its pairs are compared

Floats = npt.NDArray[np.floating]


def neuron_similarity(
    active: Mapping[str, pa.Table],
    activations: Mapping[str, Path],
    splits: Mapping[str, pa.Table],
    *,
    seed: int,
    progress: Callable[[str], None] | None = None,
) -> tuple[pa.Table, pa.Table]:
    """Compares every two languages of one checkpoint.

    By language: active (ACTIVE_NEURONS), activations (the folder `probing.engine.probe` wrote), splits
    (MLAMA_SPLIT, for objects and prompts). Returns NEURON_SIMILARITY and SIMILARITY_PAIRS, sorted by language
    pair, relation, uuid; language pairs that share no correctly predicted fact have no row.
    seed: draws the pairings kept for the pooled nulls where there are more than KEPT_PAIRINGS.
    """
    languages = sorted(active)
    facts = {name: _facts(active[name], activations[name], splits[name]) for name in languages}
    pairs = {pair: _Pair(*pair) for pair in combinations(languages, 2)}
    relations = sorted({relation for of in facts.values() for relation in of})
    for number, relation in enumerate(relations, start=1):
        here = {name: of[relation] for name, of in facts.items() if relation in of}
        matrices = _Matrices(activations, relation, here)
        for a, b in combinations(sorted(here), 2):
            if set(here[a].uuids) & set(here[b].uuids):
                random = np.random.default_rng([seed, zlib.crc32(f"{a}|{b}|{relation}".encode())])
                pairs[a, b].add(relation, here[a], here[b], matrices[a], matrices[b], random)
        if progress is not None:
            progress(f"{number} of {len(relations)} relations compared")
    return _tables([pair for pair in pairs.values() if pair.columns])


def expected_jaccard(neurons: int, k: int) -> float:
    """Mean Jaccard of two independent uniform k-subsets of `neurons`: E[x / (2k - x)], x hypergeometric."""
    overlap = np.arange(k + 1)
    return float((stats.hypergeom.pmf(overlap, neurons, k, k) * overlap / (2 * k - overlap)).sum())


@dataclass(frozen=True)
class _Facts:
    """The comparable facts of one language and relation: those with active neurons, sorted by uuid."""

    uuids: list[str]
    objects: npt.NDArray[Any]  # object uris
    prompts: list[str]  # subject filled in, [Y] left
    rows: npt.NDArray[np.int64]  # in the relation's activations
    top: npt.NDArray[np.int64]  # [facts, k]
    signed: npt.NDArray[np.int64]


def _facts(active: pa.Table, folder: Path, split: pa.Table) -> dict[str, _Facts]:
    row_of = dict(_columns(read_index(folder), "uuid", "row"))
    told = {
        uuid: (uri, template.replace("[X]", subject))
        for uuid, uri, template, subject in _columns(split, "uuid", "object_uri", "template", "subject")
    }
    grouped: dict[str, list[tuple[str, list[int], list[int]]]] = {}
    for uuid, relation, top, signed in _columns(active, "uuid", "relation", "neurons", "signed_neurons"):
        grouped.setdefault(relation, []).append((uuid, top, signed))
    made = {}
    for relation, listed in grouped.items():
        listed.sort()
        uuids = [uuid for uuid, _, _ in listed]
        made[relation] = _Facts(
            uuids=uuids,
            objects=np.array([told[uuid][0] for uuid in uuids]),
            prompts=[told[uuid][1] for uuid in uuids],
            rows=np.array([row_of[uuid] for uuid in uuids]),
            top=np.array([top for _, top, _ in listed]),
            signed=np.array([signed for _, _, signed in listed]),
        )
    return made


def _columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


@dataclass(frozen=True)
class _Matrix:
    """Three matrices [facts, neurons].

    directions: float32, centred, unit length (NaN where a fact does not differ from the mean); top, signed:
    indicators, sparse.
    """

    directions: Floats
    top: sparse.csr_matrix
    signed: sparse.csr_matrix


class _Matrices:
    """One relation's matrices by language; beyond the limit the least recently used are dropped."""

    def __init__(self, folders: Mapping[str, Path], relation: str, facts: Mapping[str, _Facts]):
        self.folders, self.relation, self.facts = folders, relation, facts
        self.kept: dict[str, _Matrix] = {}

    def __getitem__(self, language: str) -> _Matrix:
        matrix = self.kept.pop(language, None) or self._read(language)
        self.kept[language] = matrix
        while len(self.kept) > 2 and sum(m.directions.nbytes for m in self.kept.values()) > MATRIX_BYTES:
            del self.kept[next(iter(self.kept))]
        return matrix

    def _read(self, language: str) -> _Matrix:
        facts = self.facts[language]
        values = read_relation(self.folders[language], self.relation)
        values = values.reshape(len(values), -1)
        # Centred on all of the relation's correct facts, whether another language has them or not.
        centred = values[facts.rows] - values.mean(axis=0, dtype=np.float64).astype(np.float32)
        with np.errstate(invalid="ignore", divide="ignore"):
            directions = centred / np.linalg.norm(centred, axis=1, keepdims=True)
        neurons = values.shape[1]
        return _Matrix(directions, _indicator(facts.top, neurons), _indicator(facts.signed, neurons))


def _indicator(chosen: npt.NDArray[np.int64], neurons: int) -> sparse.csr_matrix:
    facts, k = chosen.shape
    ones = np.ones(facts * k, np.float32)
    return sparse.csr_matrix((ones, chosen.ravel(), np.arange(0, facts * k + 1, k)), shape=(facts, neurons))


def _jaccard(a: sparse.csr_matrix, b: sparse.csr_matrix, sizes: int) -> npt.NDArray[np.float64]:
    """Jaccard of every row of a with every row of b; sizes: the two set sizes together."""
    overlap = (a @ b.T).toarray().astype(np.float64)
    return overlap / (sizes - overlap)


@dataclass
class _Pair:
    """What two languages have in common, relation by relation: columns of NEURON_SIMILARITY, nulls."""

    a: str
    b: str
    columns: list[dict[str, Any]] = field(default_factory=list)
    nulls: list[npt.NDArray[np.float64]] = field(default_factory=list)  # [pairings, (z, jaccard, cosine)]

    def add(
        self,
        relation: str,
        facts_a: _Facts,
        facts_b: _Facts,
        matrix_a: _Matrix,
        matrix_b: _Matrix,
        random: np.random.Generator,
    ) -> None:
        k_a, k_b = facts_a.top.shape[1], facts_b.top.shape[1]
        cosine = (matrix_a.directions @ matrix_b.directions.T).astype(np.float64)
        jaccard = _jaccard(matrix_a.top, matrix_b.top, k_a + k_b)
        signed = _jaccard(matrix_a.signed, matrix_b.signed, k_a + k_b)
        same = facts_a.objects[:, None] == facts_b.objects[None]
        place = {uuid: index for index, uuid in enumerate(facts_b.uuids)}
        shared = [(i, place[uuid]) for i, uuid in enumerate(facts_a.uuids) if uuid in place]
        own = tuple(np.array(shared).T)
        z = standardised(cosine, ~same)
        null = same.copy()
        null[own] = False
        identical = np.array([facts_a.prompts[i] == facts_b.prompts[j] for i, j in shared])
        pool = np.stack([z[null], jaccard[null], cosine[null]], axis=1)
        pool = pool[np.isfinite(pool).all(axis=1)]
        observed = np.where(identical, np.nan, z[own])
        # With too few pairings of its own the relation waits for the pooled nulls of `_tables`.
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
                "p_value": upper_p(observed, pool[:, 0]) if enough else np.full(len(shared), np.nan),
                "identical_input": identical,
            }
        )
        if len(pool) > KEPT_PAIRINGS:
            pool = pool[np.sort(random.choice(len(pool), KEPT_PAIRINGS, replace=False))]
        self.nulls.append(pool)


def standardised(
    cosine: npt.NDArray[np.float64], mismatched: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    """z of every entry [i, j] against the mismatched entries of row i and column j together.

    NaN where these are fewer than SMALLEST_MISMATCHED or do not vary.
    """
    known = mismatched & np.isfinite(cosine)
    values = np.where(known, cosine, 0.0)
    count, total, squares = (
        part.sum(axis=1)[:, None] + part.sum(axis=0)[None]
        for part in (known.astype(np.float64), values, values**2)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        variance = squares / count - mean**2
        z = (cosine - mean) / np.sqrt(variance)
    return np.where((count >= SMALLEST_MISMATCHED) & (variance > 1e-12), z, np.nan)


def upper_p(observed: npt.NDArray[np.float64], null: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """One-sided p of each observed value: (1 + null values >= it) / (1 + null values); NaN stays."""
    ordered = np.sort(null)
    p = (1 + len(ordered) - np.searchsorted(ordered, observed, side="left")) / (1 + len(ordered))
    return np.where(np.isnan(observed), np.nan, p)


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
    everywhere = np.concatenate([null[:, 0] for pair in pairs for null in pair.nulls])
    merged = []
    for pair in pairs:
        columns = {name: np.concatenate([part[name] for part in pair.columns]) for name in pair.columns[0]}
        pool = np.concatenate([null[:, 0] for null in pair.nulls])
        pool = pool if len(pool) >= SUFFICIENT_NULL else everywhere
        waiting = columns["same_object_pairings"] == 0
        if len(pool) >= SMALLEST_NULL:
            testable = waiting & ~columns["identical_input"]
            columns["p_value"][testable] = upper_p(columns["cosine_z"][testable], pool)
            columns["same_object_pairings"][waiting] = len(pool)
        columns["language_a"] = np.full(len(waiting), pair.a)
        columns["language_b"] = np.full(len(waiting), pair.b)
        merged.append(columns)
    facts = {name: np.concatenate([columns[name] for columns in merged]) for name in merged[0]}
    tested = ~np.isnan(facts["p_value"])
    facts["q_value"] = np.full(len(tested), np.nan)
    if tested.any():
        facts["q_value"][tested] = stats.false_discovery_control(facts["p_value"][tested], method="bh")
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
    row["same_object_q90_jaccard"] = float(np.quantile(nulls[:, 1], 0.9)) if len(nulls) else None
    row["same_object_q90_cosine"] = float(np.quantile(nulls[:, 2], 0.9)) if len(nulls) else None
    return row
