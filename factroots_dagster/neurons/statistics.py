"""The statistics that say how similar a fact's neurons are in two languages: the only list of them.

To add one, write its function of a `comparable.RelationPair` in a module of its own and add a row to
STATISTICS. The tables hold a row per statistic, so no schema changes; `similarity`, `nearest`, `stability`,
the checks and the report go through the rows of this module. Statistics of sets of neurons need a ranking of
neurons: a new ranking is computed in `probeless`, named in `rankings` and has a column of its own in
ACTIVE_NEURONS.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.neurons import cosines, overlaps
from factroots_dagster.neurons.rankings import PROBELESS, SIGNED, STANDARDISED

if TYPE_CHECKING:
    from factroots_dagster.neurons.comparable import RelationPair

Floats = npt.NDArray[np.float64]

OBSERVED = "observed"
SAME_OBJECT = "same_object"
MISMATCHED = "mismatched"
RANDOM = "random"
SAME_OBJECT_Q90 = "same_object_q90"
BEYOND = "beyond"
"""In the names of measures (see `twin_values`): what is left when a control of the figure is subtracted."""
MEAN_BASELINES = (SAME_OBJECT, MISMATCHED, RANDOM)
"""Null means of a single fact: over other facts with its object, over facts with other objects, and the value
expected of random neurons."""
BASELINES = (OBSERVED, *MEAN_BASELINES, SAME_OBJECT_Q90)
"""What SIMILARITY_PAIRS holds of a statistic: the value, its null means, and the 90th percentile of all
pairings of different facts with the same object."""


@dataclass(frozen=True)
class Statistic:
    """A measure of how similar a fact's neurons are in two languages.

    name: in every table.
    label: in figures and tables for readers.
    description: what it measures, in one line.
    computed_from: the data it compares.
    baselines: its nulls, of BASELINES in their order; none for statistics of NEAREST_LANGUAGE alone.
    compare: from a pair and k, the values [facts of A, facts of B] of every pairing of a relation's facts;
        None for a statistic that is not a maximum over pairs of languages (see `nearest`).
    expected: the RANDOM baseline, [facts that both languages predict].
    ranking: of `rankings.RANKINGS`, whose first k neurons are compared by their Jaccard index; None where
        there is no k.
    bounds: smallest and largest possible value; None where there is no bound.
    by_pair: has rows in NEURON_SIMILARITY and SIMILARITY_PAIRS.
    by_language: has rows in NEAREST_LANGUAGE.
    tested: has p-values against the SAME_OBJECT null in NEURON_SIMILARITY and SIMILARITY_PAIRS; needs
        SAME_OBJECT_Q90, for which that null is kept.
    """

    name: str
    label: str
    description: str
    computed_from: str
    baselines: tuple[str, ...] = ()
    compare: Callable[[RelationPair, int | None], Floats] | None = None
    expected: Callable[[RelationPair], Floats] | None = None
    ranking: str | None = None
    bounds: tuple[float | None, float | None] = (None, None)
    by_pair: bool = True
    by_language: bool = True
    tested: bool = False

    @property
    def has_k(self) -> bool:
        """Whether it compares sets of k neurons."""
        return self.ranking is not None


STATISTICS: tuple[Statistic, ...] = (
    Statistic(
        name="jaccard",
        label="Jaccard of top neurons",
        description="Jaccard index of the two sets of top neurons, as in the paper.",
        computed_from="the k neurons with the highest Probeless scores",
        baselines=(*MEAN_BASELINES, SAME_OBJECT_Q90),
        compare=overlaps.jaccard(PROBELESS),
        expected=overlaps.expected_of_random_neurons,
        ranking=PROBELESS,
        bounds=(0.0, 1.0),
    ),
    Statistic(
        name="signed_jaccard",
        label="Jaccard, signed",
        description="Jaccard index of the two sets of most activated neurons.",
        computed_from="the k neurons whose activation is highest above the relation's mean",
        baselines=MEAN_BASELINES,
        compare=overlaps.jaccard(SIGNED),
        expected=overlaps.expected_of_random_neurons,
        ranking=SIGNED,
        bounds=(0.0, 1.0),
    ),
    Statistic(
        name="standardised_jaccard",
        label="Jaccard, standardised",
        description="Jaccard index of the two sets of top neurons, each neuron measured on its own scale.",
        computed_from="the k neurons with the highest Probeless scores over the neuron's standard deviation",
        baselines=MEAN_BASELINES,
        compare=overlaps.jaccard(STANDARDISED),
        expected=overlaps.expected_of_random_neurons,
        ranking=STANDARDISED,
        bounds=(0.0, 1.0),
    ),
    Statistic(
        name="cosine",
        label="cosine, centred",
        description="Cosine of the two vectors of activations.",
        computed_from="the activations of all neurons, centred on the relation's mean",
        baselines=(*MEAN_BASELINES, SAME_OBJECT_Q90),
        compare=cosines.cosine,
        expected=cosines.expected_cosine,
        bounds=(-1.0, 1.0),
        tested=True,
    ),
    Statistic(
        name="cosine_z",
        label="cosine, z-score",
        description="The cosine as z-score among the two facts' cosines with facts of other objects.",
        computed_from="the cosines of the relation's facts",
        baselines=MEAN_BASELINES,
        compare=cosines.cosine_z,
        expected=cosines.expected_cosine_z,
        by_language=False,
    ),
    Statistic(
        name="evidence",
        label="evidence of sharing",
        description="-log P(no other language shares the fact), in nats, summed over the other languages.",
        computed_from="z-scores of whitened activations' cosines, and a two-groups model per language pair",
        bounds=(0.0, None),
        by_pair=False,
    ),
)

BY_PAIR = tuple(statistic for statistic in STATISTICS if statistic.by_pair)
"""Statistics of NEURON_SIMILARITY and SIMILARITY_PAIRS, in the order of their rows."""

OF_SETS = tuple(statistic for statistic in BY_PAIR if statistic.has_k)
"""Statistics that compare sets of k neurons."""

EVIDENCE = "evidence"
"""The statistic of NEAREST_LANGUAGE that adds up over languages where the others take the largest value."""


def pair_means(pairs: pa.Table, statistic: str, baseline: str = OBSERVED) -> pa.Table:
    """Rows of SIMILARITY_PAIRS with one statistic and baseline: one row per pair of languages."""
    wanted = pc.and_(pc.equal(pairs["statistic"], statistic), pc.equal(pairs["baseline"], baseline))
    return pairs.filter(wanted)


def names(statistics: tuple[Statistic, ...]) -> str:
    """Their names, for descriptions of columns."""
    return ", ".join(statistic.name for statistic in statistics)
