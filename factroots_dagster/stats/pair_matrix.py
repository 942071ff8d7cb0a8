"""Tables of language pairs as matrices."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa


def pair_matrix(table: pa.Table, column: str, order: Sequence[str]) -> np.ndarray:
    """A column of a table of language pairs as a symmetric matrix.

    table: columns language_a, language_b and `column`. Returns float64 [languages, languages] in `order`, NaN
    on the diagonal and where there is no value; pairs with a language that is not in `order` are ignored.
    """
    index_of = {language: i for i, language in enumerate(order)}
    matrix = np.full((len(order), len(order)), np.nan)
    for a, b, value in zip(
        *(table[name].to_pylist() for name in ("language_a", "language_b", column)), strict=True
    ):
        if value is not None and a in index_of and b in index_of:
            i, j = index_of[a], index_of[b]
            matrix[i, j] = matrix[j, i] = value
    return matrix
