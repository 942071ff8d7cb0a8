"""The null that a fact's evidence of sharing is tested against: facts like it, each counted once.

The null values come from pairings of different facts with the same object (`nearest`). Pooled without
weights, they give p-values that are too small. An object of many facts has many more pairings than facts, so
the pool is dominated by frequent objects, whose facts are less similar across languages than those of rare
ones. And evidence is a sum over languages: a fact that many languages predict is tested in each of them,
while the facts it is paired with are predicted by fewer on average. In control worlds, where nothing is
shared, 8% of the facts then pass a level of 5%. Three rules correct this:

- All null pairings of a fact in a language together have weight 1, however many there are.
- A fact is compared with pairings that as many languages answer.
- It is compared with pairings of facts whose object is as common: 0 or 1, 2, 3 to 4, 5 to 8, ... other facts.
  A fact alone with its object has no pairing; those with one other fact stand in for it.

These are class-conditional ("Mondrian") p-values: valid in each class in which the fact is exchangeable with
the null, not only over all classes together (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random
World, 2005, section 4.5). A class of fewer than SUFFICIENT_NULL pairings is joined by its neighbours in both
respects, one step at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from factroots_dagster.neurons.nulls import SMALLEST_NULL, SUFFICIENT_NULL, WeightedNull

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]
Class = tuple[int, int]
"""Number of languages that answer, and the rounded-up binary logarithm of the object's other facts."""


class MatchedNulls:
    """Null values by how many languages answer and how common the object is.

    Arrays over the null values: the values, their weights, the number of languages, the number of other facts
    with the object.
    """

    def __init__(self, values: Floats, weights: Floats, languages: Integers, others: Integers) -> None:
        self.classes = {
            key: (values[members], weights[members]) for key, members in _by_class(languages, others)
        }
        self._nulls: dict[Class, WeightedNull] = {}

    def test(self, observed: Floats, languages: Integers, others: Integers) -> dict[str, npt.NDArray[Any]]:
        """The columns null_q90, null_q95, pairings and p_value of NEAREST_LANGUAGE for observed values."""
        q90, q95, p_values = (np.full(len(observed), np.nan) for _ in range(3))
        pairings = np.zeros(len(observed), np.int64)
        for key, members in _by_class(languages, others):
            null = self._null(key)
            pairings[members] = len(null)
            if len(null):
                q90[members], q95[members] = null.quantile(0.9), null.quantile(0.95)
            if len(null) >= SMALLEST_NULL:
                p_values[members] = null.upper_p(observed[members])
        return {"null_q90": q90, "null_q95": q95, "pairings": pairings, "p_value": p_values}

    def _null(self, key: Class) -> WeightedNull:
        """The class, with as many of its neighbours as make it large enough."""
        if key not in self._nulls:
            steps_to = {
                other: max(abs(mine - theirs) for mine, theirs in zip(key, other, strict=True))
                for other in self.classes
            }
            joined: list[tuple[Floats, Floats]] = []
            for reach in sorted(set(steps_to.values())):
                joined += [self.classes[other] for other, steps in steps_to.items() if steps == reach]
                if sum(len(values) for values, _ in joined) >= SUFFICIENT_NULL:
                    break
            values, weights = zip(*joined, strict=True) if joined else ((), ())
            self._nulls[key] = WeightedNull(
                np.concatenate([np.empty(0), *values]), np.concatenate([np.empty(0), *weights])
            )
        return self._nulls[key]


def _by_class(languages: Integers, others: Integers) -> Iterator[tuple[Class, npt.NDArray[np.intp]]]:
    """Every class that occurs, and the indices of its members."""
    common = np.ceil(np.log2(np.maximum(others, 1))).astype(np.int64)
    classes, class_of = np.unique(np.stack([languages, common], axis=1), axis=0, return_inverse=True)
    order = np.argsort(class_of, kind="stable")
    ends = np.cumsum(np.bincount(class_of, minlength=len(classes)))
    for (count, rank), start, end in zip(classes.tolist(), [0, *ends], ends, strict=False):
        yield (count, rank), order[start:end]
