"""Statistics of sets of neurons: the Jaccard index of the first k of a ranking."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from factroots_dagster.stats.expected_jaccard import expected_jaccard

if TYPE_CHECKING:
    from scipy import sparse

    from factroots_dagster.neurons.comparable import RelationPair

Floats = npt.NDArray[np.float64]


def jaccard(ranking: str) -> Callable[[RelationPair, int | None], Floats]:
    """The statistic that compares the first k neurons of a ranking in two languages."""

    def compare(pair: RelationPair, k: int | None) -> Floats:
        assert k is not None, "sets of neurons have a size"
        return jaccard_matrix(pair.a.sets[ranking, k], pair.b.sets[ranking, k])

    return compare


def jaccard_matrix(a: sparse.csr_matrix, b: sparse.csr_matrix) -> Floats:
    """Jaccard index of every row of a with every row of b, [rows of a, rows of b].

    a, b: indicators [facts, neurons]; all rows of one matrix have sets of one size. NaN where either has
    empty sets.
    """
    k_a, k_b = (matrix.nnz // max(1, matrix.shape[0]) for matrix in (a, b))
    if not (k_a and k_b):
        return np.full((a.shape[0], b.shape[0]), np.nan)
    overlap = (a @ b.T).toarray().astype(np.float64)
    index: Floats = overlap / (k_a + k_b - overlap)
    return index


def expected_of_random_neurons(pair: RelationPair) -> Floats:
    """Jaccard index expected of two random sets of k neurons, the same for every fact: [shared facts]."""
    return np.full(len(pair.shared[0]), expected_jaccard(pair.neurons, pair.k, pair.k), np.float64)
