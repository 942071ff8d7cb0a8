"""What the facts alone tell about each fact: its languages, its correct answers, and simple baselines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.facts.objects import count_objects
from factroots_dagster.facts.schema import FACT_COVERAGE
from factroots_dagster.tables import zip_columns

Codes = NDArray[np.int64]
"""A number for every row, equal where its value is; [rows]."""


def count_coverage(splits: Iterable[tuple[pa.Table, pa.Table | None]]) -> pa.Table:
    """Coverage and baselines of every fact in every language: FACT_COVERAGE, a row per row of the splits.

    splits: for each language MLAMA_SPLIT, and MLAMA_OBJECTS where that is a sample (None: it has all facts);
    consumed one by one.
    """
    parts = [_language_coverage(split, objects) for split, objects in splits]
    if not parts:
        return FACT_COVERAGE.empty_table()
    table = pa.concat_tables(parts)
    fact = _codes(table["uuid"])
    languages = np.bincount(fact)[fact] if len(fact) else fact
    table = table.append_column("languages", pa.array(languages, pa.int64()))
    return table.select(FACT_COVERAGE.names).cast(FACT_COVERAGE)


def _language_coverage(split: pa.Table, objects: pa.Table | None) -> pa.Table:
    """FACT_COVERAGE of one language, but for `languages`."""
    prompt = _combine(_codes(split["relation"]), _codes(split["subject"]))
    answers = _count_distinct(prompt, _codes(split["object"]))
    of_relation = _describe_objects(count_objects(split) if objects is None else objects)
    of_rows = [of_relation[name] for name in split["relation"].to_pylist()]
    majority = pa.array([most_frequent for _, most_frequent in of_rows], pa.string())
    return pa.table(
        {
            **{name: split[name] for name in ("uuid", "language", "relation", "object_in_subject")},
            "answers": pa.array(answers, pa.int64()),
            "multi_answer": pa.array(answers > 1),
            "candidates": pa.array([number for number, _ in of_rows], pa.int64()),
            "majority_object": majority,
            "majority_correct": pc.equal(majority, split["object"].combine_chunks()),
        }
    )


def _describe_objects(objects: pa.Table) -> dict[str, tuple[int, str]]:
    """The number of a relation's objects, and the most frequent one; the first by code points if several are.

    objects: MLAMA_OBJECTS of one language.
    """
    by_relation: dict[str, dict[str, int]] = {}
    for relation, label, facts in zip_columns(objects, "relation", "object", "facts"):
        by_relation.setdefault(relation, {})[label] = facts
    return {
        relation: (len(counts), min(counts, key=lambda label: (-counts[label], label)))
        for relation, counts in by_relation.items()
    }


def _codes(column: pa.ChunkedArray) -> Codes:
    """Numbers from 0 for the distinct values of a column."""
    encoded = column.combine_chunks().dictionary_encode()
    codes: Codes = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _combine(first: Codes, second: Codes) -> Codes:
    """Numbers for the distinct pairs of two columns."""
    return first * (int(second.max(initial=0)) + 1) + second


def _count_distinct(group: Codes, value: Codes) -> Codes:
    """For each row the number of distinct values in its group."""
    _, group = np.unique(group, return_inverse=True)
    pairs = np.unique(_combine(group, value))
    width = int(value.max(initial=0)) + 1
    return np.bincount(pairs // width, minlength=int(group.max(initial=0)) + 1)[group]
