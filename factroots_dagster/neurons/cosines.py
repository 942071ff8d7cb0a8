"""Statistics of whole vectors of activations: cosines, plain and as z-scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from factroots_dagster.neurons.nulls import mismatched_moments

if TYPE_CHECKING:
    from factroots_dagster.neurons.comparable import RelationPair

Floats = npt.NDArray[np.float64]


def cosine(pair: RelationPair, k: int | None = None) -> Floats:
    """Cosine of the centred activations, [facts of A, facts of B]."""
    return pair.cosine


def cosine_z(pair: RelationPair, k: int | None = None) -> Floats:
    """The cosine as z-score among the cosines of the two facts with facts of other objects."""
    mean, deviation = pair.mismatched_cosine_moments
    return (pair.cosine - mean) / deviation


def expected_cosine(pair: RelationPair) -> Floats:
    """Cosine expected with B's neurons in random order, [shared facts].

    (sum of A's direction) x (sum of B's) / neurons.
    """
    sums = [
        side.directions.sum(axis=1)[rows] for side, rows in zip((pair.a, pair.b), pair.shared, strict=True)
    ]
    expected: Floats = np.prod(sums, axis=0) / pair.neurons
    return expected


def expected_cosine_z(pair: RelationPair) -> Floats:
    """The z-score of `expected_cosine`, [shared facts]."""
    mean, deviation = pair.mismatched_cosine_moments
    return (expected_cosine(pair) - mean[pair.shared]) / deviation[pair.shared]


def whitened_cosine_z(pair: RelationPair) -> Floats:
    """As `cosine_z`, of the whitened activations: what the evidence of sharing is computed from."""
    whitened = (pair.a.whitened @ pair.b.whitened.T).astype(np.float64)
    mean, deviation = mismatched_moments(whitened, ~pair.same_object)
    return (whitened - mean) / deviation
