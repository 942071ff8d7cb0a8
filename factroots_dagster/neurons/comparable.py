"""What is compared between languages: their facts with active neurons, and the activations as matrices.

One relation at a time, so that memory is bounded. No statistics here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from scipy import sparse

from factroots_dagster.models.activations import read_index, read_relation
from factroots_dagster.neurons.whitening import unit_rows, whitened

MATRIX_BYTES = 2 << 30  # activations of one relation that stay in memory while its pairs are compared

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True)
class Facts:
    """The comparable facts of one language and relation: those with active neurons, sorted by uuid."""

    uuids: list[str]
    objects: npt.NDArray[Any]  # object uris
    prompts: list[str]  # subject filled in, [Y] left
    rows: npt.NDArray[np.int64]  # in the relation's activations
    # Top neurons, [facts, k] each; standardised [facts, 0] in a relation too small for it.
    top: npt.NDArray[np.int64]
    signed: npt.NDArray[np.int64]
    standardised: npt.NDArray[np.int64]
    ranked: npt.NDArray[np.int64]  # [facts, k or more]: `top`, and on


def comparable_facts(active: pa.Table, folder: Path, split: pa.Table) -> dict[str, Facts]:
    row_of = dict(_columns(read_index(folder), "uuid", "row"))
    told = {
        uuid: (uri, template.replace("[X]", subject))
        for uuid, uri, template, subject in _columns(split, "uuid", "object_uri", "template", "subject")
    }
    grouped: dict[str, list[tuple[str, list[int], list[int], list[int], list[int]]]] = {}
    rankings = ("neurons", "signed_neurons", "standardised_neurons", "ranked_neurons")
    for uuid, relation, *listed in _columns(active, "uuid", "relation", *rankings):
        grouped.setdefault(relation, []).append((uuid, *listed))
    made = {}
    for relation, listed in grouped.items():
        listed.sort()
        uuids = [uuid for uuid, *_ in listed]
        top, signed, standardised, ranked = (
            np.array([row[place] for row in listed], np.int64) for place in (1, 2, 3, 4)
        )
        made[relation] = Facts(
            uuids=uuids,
            objects=np.array([told[uuid][0] for uuid in uuids]),
            prompts=[told[uuid][1] for uuid in uuids],
            rows=np.array([row_of[uuid] for uuid in uuids]),
            top=top,
            signed=signed,
            standardised=standardised,
            ranked=ranked,
        )
    return made


def _columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


@dataclass(frozen=True)
class Matrix:
    """Matrices [facts, neurons].

    directions: float32, centred, unit length (NaN where a fact does not differ from the mean); whitened: the
    same after `whitening.whitened`; top, signed, standardised: indicators, sparse; ranked: of the first k of
    the ranking, by k.
    """

    directions: Floats
    whitened: Floats
    top: sparse.csr_matrix
    signed: sparse.csr_matrix
    standardised: sparse.csr_matrix
    ranked: dict[int, sparse.csr_matrix]

    @property
    def nbytes(self) -> int:
        return self.directions.nbytes + self.whitened.nbytes


class Matrices:
    """One relation's matrices by language, of pairs in order: the first language goes through the others.

    Beyond the limit the newest goes, but for the pair in hand: of languages that come round in turn, those
    that stay are then met again, where dropping the oldest would read every one anew each time.
    """

    def __init__(
        self, folders: Mapping[str, Path], relation: str, facts: Mapping[str, Facts], sizes: Sequence[int]
    ):
        self.folders, self.relation, self.facts, self.sizes = folders, relation, facts, sizes
        self.kept: dict[str, Matrix] = {}

    def __getitem__(self, language: str) -> Matrix:
        matrix = self.kept.pop(language, None) or self._read(language)
        self.kept[language] = matrix
        while len(self.kept) > 2 and sum(m.nbytes for m in self.kept.values()) > MATRIX_BYTES:
            del self.kept[list(self.kept)[-3]]
        return matrix

    def done_with(self, language: str) -> None:
        """No later pair has this language."""
        self.kept.pop(language, None)

    def _read(self, language: str) -> Matrix:
        facts = self.facts[language]
        values = read_relation(self.folders[language], self.relation)
        values = values.reshape(len(values), -1)
        # Centred on all of the relation's correct facts, whether another language has them or not.
        centred = values - values.mean(axis=0, dtype=np.float64).astype(np.float32)
        neurons = values.shape[1]
        return Matrix(
            directions=unit_rows(centred[facts.rows]),
            whitened=whitened(centred)[facts.rows],
            top=_indicator(facts.top, neurons),
            signed=_indicator(facts.signed, neurons),
            standardised=_indicator(facts.standardised, neurons),
            ranked={k: _indicator(facts.ranked[:, :k], neurons) for k in self.sizes},
        )


def _indicator(chosen: npt.NDArray[np.int64], neurons: int) -> sparse.csr_matrix:
    facts, k = chosen.shape
    ones = np.ones(facts * k, np.float32)
    return sparse.csr_matrix((ones, chosen.ravel(), np.arange(facts + 1) * k), shape=(facts, neurons))


def jaccard_matrix(a: sparse.csr_matrix, b: sparse.csr_matrix) -> npt.NDArray[np.float64]:
    """Jaccard of every row of a with every row of b; all rows of one matrix have sets of one size.

    NaN where either matrix has empty sets.
    """
    k_a, k_b = (matrix.nnz // max(1, matrix.shape[0]) for matrix in (a, b))
    if not (k_a and k_b):
        return np.full((a.shape[0], b.shape[0]), np.nan)
    overlap = (a @ b.T).toarray().astype(np.float64)
    found: npt.NDArray[np.float64] = overlap / (k_a + k_b - overlap)
    return found
