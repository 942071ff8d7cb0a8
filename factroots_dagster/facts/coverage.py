"""What the facts alone tell about each fact: its languages, its correct answers, and simple baselines."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.facts.schema import FACT_COVERAGE

Codes = NDArray[np.int64]
"""A number for every row, equal where its value is; [rows]."""


def count_coverage(splits: Iterable[pa.Table]) -> pa.Table:
    """Coverage and baselines of every fact in every language: FACT_COVERAGE, a row per row of the splits.

    splits: MLAMA_SPLIT tables, one per language, consumed one by one.
    """
    parts = [_language_coverage(split) for split in splits]
    if not parts:
        return FACT_COVERAGE.empty_table()
    table = pa.concat_tables(parts)
    fact = _codes(table["uuid"])
    languages = np.bincount(fact)[fact] if len(fact) else fact
    table = table.append_column("languages", pa.array(languages, pa.int64()))
    return table.select(FACT_COVERAGE.names).cast(FACT_COVERAGE)


def _language_coverage(split: pa.Table) -> pa.Table:
    """FACT_COVERAGE of one language, but for `languages`."""
    relation = _codes(split["relation"])
    prompt = _combine(relation, _codes(split["subject"]))
    labels = split["object"].unique().sort()
    answer = pc.index_in(split["object"].combine_chunks(), labels).to_numpy(zero_copy_only=False)
    answers = _count_distinct(prompt, answer)
    majority = _most_frequent(relation, answer)
    return pa.table(
        {
            **{name: split[name] for name in ("uuid", "language", "relation", "object_in_subject")},
            "answers": pa.array(answers, pa.int64()),
            "multi_answer": pa.array(answers > 1),
            "candidates": pa.array(_count_distinct(relation, answer), pa.int64()),
            "majority_object": labels.take(pa.array(majority, pa.int64())),
            "majority_correct": pa.array(majority == answer),
        }
    )


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


def _most_frequent(group: Codes, value: Codes) -> Codes:
    """For each row the most frequent value in its group; of equally frequent ones the smallest."""
    width = int(value.max(initial=0)) + 1
    pairs, counts = np.unique(_combine(group, value), return_counts=True)
    order = np.lexsort((pairs % width, -counts, pairs // width))
    groups, first = np.unique((pairs // width)[order], return_index=True)
    best = (pairs % width)[order][first]
    return best[np.searchsorted(groups, group)]
