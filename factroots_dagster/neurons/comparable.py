"""What the statistics compare: one relation's facts in one language, and in a pair of languages.

One relation at a time, so that memory is bounded. The statistics themselves are in `statistics`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from factroots_dagster.models.activations import read_index, read_neurons, read_relation, select_neurons
from factroots_dagster.neurons.nulls import mismatched_moments
from factroots_dagster.neurons.rankings import COLUMNS, PROBELESS, SIZES
from factroots_dagster.neurons.whitening import unit_rows, whitened
from factroots_dagster.tables import zip_columns

CACHE_BYTES = 2 << 30
"""Activations of one relation that stay in memory while its pairs of languages are compared."""

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class RelationFacts:
    """The facts of one relation that have active neurons in one language, sorted by uuid.

    uuids, objects (URIs), prompts (subject filled in, [Y] kept), rows (in the relation's activations):
    by fact. k: number of neurons that count as active. ranked: ranking to its best neurons, [facts, k or
    more], best first; [facts, 0] where the relation is too small for the ranking.
    """

    uuids: list[str]
    objects: npt.NDArray[Any]
    prompts: list[str]
    rows: npt.NDArray[np.int64]
    k: int
    ranked: Mapping[str, npt.NDArray[np.int64]]


def comparable_facts(active: pa.Table, folder: Path, split: pa.Table) -> dict[str, RelationFacts]:
    """Relation to the facts of one language that can be compared.

    active: ACTIVE_NEURONS; folder: of the language's activations; split: MLAMA_SPLIT.
    """
    row_of = dict(zip_columns(read_index(folder), "uuid", "row"))
    object_and_prompt = {
        uuid: (uri, template.replace("[X]", subject))
        for uuid, uri, template, subject in zip_columns(split, "uuid", "object_uri", "template", "subject")
    }
    by_relation: dict[str, list[tuple[Any, ...]]] = {}
    for relation, *columns in zip_columns(active, "relation", "uuid", "k", *COLUMNS.values()):
        by_relation.setdefault(relation, []).append(tuple(columns))
    facts = {}
    for relation, rows in by_relation.items():
        rows.sort()
        uuids, sizes, *rankings = zip(*rows, strict=True)
        facts[relation] = RelationFacts(
            uuids=list(uuids),
            objects=np.array([object_and_prompt[uuid][0] for uuid in uuids]),
            prompts=[object_and_prompt[uuid][1] for uuid in uuids],
            rows=np.array([row_of[uuid] for uuid in uuids]),
            k=sizes[0],
            ranked={
                name: np.array(neurons, np.int64) for name, neurons in zip(COLUMNS, rankings, strict=True)
            },
        )
    return facts


@dataclass(frozen=True)
class Representations:
    """A relation's facts in one language as vectors and as sets of neurons.

    directions: float32 [facts, neurons], activations centred on the relation's mean, rows of unit length (NaN
    where a fact does not differ from the mean). whitened: the same after `whitening.whitened`.
    sets: by ranking and size, indicators [facts, neurons] of the first neurons, sparse.
    """

    directions: Floats
    whitened: Floats
    sets: Mapping[tuple[str, int], sparse.csr_matrix]

    @property
    def nbytes(self) -> int:
        """Bytes of the dense matrices."""
        return self.directions.nbytes + self.whitened.nbytes


class RepresentationCache:
    """One relation's representations by language, read when they are needed.

    Made for pairs in sorted order, where one language is compared with all later ones. Beyond `limit` bytes
    the most recently added one is dropped, except those of the current pair: dropping the oldest would mean
    reading every language again for each first language.
    """

    def __init__(
        self,
        folders: Mapping[str, Path],
        relation: str,
        facts: Mapping[str, RelationFacts],
        *,
        limit: int = CACHE_BYTES,
    ) -> None:
        self.folders, self.relation, self.facts, self.limit = folders, relation, facts, limit
        width = min(each.ranked[PROBELESS].shape[1] for each in facts.values())
        k = next(iter(facts.values())).k
        self.sizes = sorted({k, *(size for size in SIZES if size <= width)})
        self.cached: dict[str, Representations] = {}

    def get(self, language: str) -> Representations:
        """The language's representations; may drop those of another language."""
        representations = self.cached.pop(language, None) or self._read(language)
        self.cached[language] = representations
        while len(self.cached) > 2 and sum(r.nbytes for r in self.cached.values()) > self.limit:
            del self.cached[list(self.cached)[-3]]
        return representations

    def release(self, language: str) -> None:
        """Drop a language that no later pair has."""
        self.cached.pop(language, None)

    def _read(self, language: str) -> Representations:
        facts = self.facts[language]
        values = read_relation(self.folders[language], self.relation)
        neurons = values[0].size
        values = select_neurons(
            values.reshape(len(values), -1), read_neurons(self.folders[language], self.relation)
        )
        # Centred on all of the relation's correct facts, whether another language predicts them or not.
        centred = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
        # Of the other rankings only the k best are stored.
        sizes: Mapping[str, Sequence[int]] = {PROBELESS: self.sizes}
        return Representations(
            directions=unit_rows(centred[facts.rows]),
            whitened=whitened(centred)[facts.rows],
            sets={
                (ranking, size): indicators(ranked[:, :size], neurons)
                for ranking, ranked in facts.ranked.items()
                for size in sizes.get(ranking, (facts.k,))
            },
        )


def indicators(neurons_of_facts: npt.NDArray[np.int64], neurons: int) -> sparse.csr_matrix:
    """Sets of neurons, [facts, set size], as a sparse matrix of ones [facts, neurons]."""
    facts, size = neurons_of_facts.shape
    ones = np.ones(facts * size, np.float32)
    return sparse.csr_matrix(
        (ones, neurons_of_facts.ravel(), np.arange(facts + 1) * size), shape=(facts, neurons)
    )


@dataclass(frozen=True)
class RelationPair:
    """One relation in two languages A and B: the argument of every statistic."""

    facts_a: RelationFacts
    facts_b: RelationFacts
    a: Representations
    b: Representations

    @property
    def neurons(self) -> int:
        """Neurons of the model."""
        return int(self.a.directions.shape[1])

    @property
    def k(self) -> int:
        """Neurons that count as active."""
        return self.facts_a.k

    def sizes(self, ranking: str) -> list[int]:
        """Sizes of the sets that there are of a ranking."""
        return sorted(size for name, size in self.a.sets if name == ranking)

    @cached_property
    def same_object(self) -> npt.NDArray[np.bool_]:
        """Which pairings of facts have the same object: [facts of A, facts of B]."""
        same: npt.NDArray[np.bool_] = self.facts_a.objects[:, None] == self.facts_b.objects[None]
        return same

    @cached_property
    def shared(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
        """Indices, in A and in B, of the facts that both languages predict."""
        index_in_b = {uuid: index for index, uuid in enumerate(self.facts_b.uuids)}
        pairs = [(i, index_in_b[uuid]) for i, uuid in enumerate(self.facts_a.uuids) if uuid in index_in_b]
        in_a, in_b = np.array(pairs, np.int64).reshape(-1, 2).T
        return in_a, in_b

    @cached_property
    def identical_prompts(self) -> npt.NDArray[np.bool_]:
        """Which shared facts have the same input text in both languages: [shared facts]."""
        prompts_a, prompts_b = self.facts_a.prompts, self.facts_b.prompts
        return np.array([prompts_a[i] == prompts_b[j] for i, j in zip(*self.shared, strict=True)], bool)

    @cached_property
    def cosine(self) -> npt.NDArray[np.float64]:
        """Cosine of the directions: [facts of A, facts of B]."""
        cosine: npt.NDArray[np.float64] = (self.a.directions @ self.b.directions.T).astype(np.float64)
        return cosine

    @cached_property
    def mismatched_cosine_moments(self) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Mean and standard deviation of the cosines with facts of other objects, for every pairing."""
        return mismatched_moments(self.cosine, ~self.same_object)
