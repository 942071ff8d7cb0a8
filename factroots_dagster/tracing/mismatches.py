"""Mismatched pairs: what stands together by chance, since nobody holds it to be a fact.

The subjects of a relation are paired with the objects of other facts of the relation. Such pairs have names
of the same kinds, as frequent as those of the facts, so that a text mentions both sides of a fact more often
than those of a mismatched pair only as far as it has something to do with the fact.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.tables import is_among, number_values

PERMUTATIONS = 2
"""Mismatched pairs per fact: a relation's chance is measured on twice as many pairs as it has facts."""

ATTEMPTS = 10
"""How often objects are permuted again among the pairs that happen to be facts."""

PAIR_COLUMNS = ("relation", "template", "subject_uri", "subject", "object_uri", "object")
"""Columns of MLAMA_SPLIT that make a pair."""


def add_mismatches(split: pa.Table) -> pa.Table:
    """PAIR_COLUMNS of the facts of a split, and of mismatched pairs after them.

    The objects of a relation's facts are permuted; a pair that is a fact of the relation in either direction
    is permuted again, and left out if it still is one after ATTEMPTS. Relations with one object have none.
    The pairs follow from the order of the split alone.
    """
    relations, numbers = number_values(split["relation"])
    subjects, objects = _number_entities(split)
    size = int(max(subjects.max(initial=0), objects.max(initial=0))) + 1
    subject_rows, object_rows = [np.arange(split.num_rows)], [np.arange(split.num_rows)]
    for number in range(len(relations)):
        rows = np.flatnonzero(numbers == number)
        known = np.concatenate([subjects[rows] * size + objects[rows], objects[rows] * size + subjects[rows]])
        for permutation in range(PERMUTATIONS):
            random = np.random.default_rng([permutation, len(rows)])
            other = _permute(random, subjects[rows] * size, objects[rows], known)
            subject_rows.append(rows[other >= 0])
            object_rows.append(rows[other[other >= 0]])
    subject_row, object_row = np.concatenate(subject_rows), np.concatenate(object_rows)
    taken = {
        name: split[name].combine_chunks().take(pa.array(object_row if "object" in name else subject_row))
        for name in PAIR_COLUMNS
    }
    return pa.table(taken)


def _number_entities(split: pa.Table) -> tuple[NDArray[np.int64], ...]:
    """The uris of both sides as numbers."""
    both = pa.chunked_array([*split["subject_uri"].chunks, *split["object_uri"].chunks], pa.string())
    numbers = number_values(both)[1]
    return numbers[: split.num_rows], numbers[split.num_rows :]


def _permute(
    random: np.random.Generator,
    subject_keys: NDArray[np.int64],
    objects: NDArray[np.int64],
    known: NDArray[np.int64],
) -> NDArray[np.int64]:
    """For each of a relation's facts the fact whose object it is paired with; -1 for none. [facts]"""
    other = random.permutation(len(objects))
    known = np.sort(known)
    for _ in range(ATTEMPTS):
        wrong = np.flatnonzero(is_among(subject_keys + objects[other], known))
        if not len(wrong):
            return other
        # Exchanged with any others, since the wrong ones may all have the same object.
        partners = random.permutation(len(objects))[: len(wrong)]
        mixed = np.unique(np.concatenate([wrong, partners]))
        other[mixed] = other[random.permutation(mixed)]
    other[is_among(subject_keys + objects[other], known)] = -1
    return other
