"""What mLAMA itself says about each fact: in how many languages, with how many right answers."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.facts.schema import FACT_COVERAGE


def fact_coverage(splits: Iterable[pa.Table]) -> pa.Table:
    """Coverage and baselines of every fact in every language, as FACT_COVERAGE.

    `answers` counts the distinct gold objects of one prompt, that is of one language, relation and
    subject label. `majority_object` is the relation's most frequent object label in that language
    (of equally frequent ones the first in code point order): answering it always is a baseline that
    any P@1 must be read against.

    Args:
        splits: MLAMA_SPLIT tables, one per language; consumed one by one. Only the columns of the
            result are kept.

    Returns:
        One row per row of the splits, in their order.
    """
    parts = [_language_coverage(split) for split in splits]
    if not parts:
        return FACT_COVERAGE.empty_table()
    table = pa.concat_tables(parts)
    uuids = _codes(table["uuid"])
    languages = np.bincount(uuids)[uuids] if len(uuids) else uuids
    columns = {name: table[name] for name in table.column_names} | {
        "languages": pa.array(languages, pa.int64())
    }
    return pa.table({name: columns[name] for name in FACT_COVERAGE.names}, schema=FACT_COVERAGE)


def _language_coverage(split: pa.Table) -> pa.Table:
    relation = _codes(split["relation"])
    prompt = _pair(relation, _codes(split["subject"]))
    labels = (
        pc.unique(split["object"].combine_chunks()).sort() if split.num_rows else pa.array([], pa.string())
    )
    answer = pc.index_in(split["object"].combine_chunks(), labels).to_numpy(zero_copy_only=False)
    answers = _distinct_per_group(prompt, answer)
    candidates = _distinct_per_group(relation, answer)
    majority = _majority_per_group(relation, answer)
    return pa.table(
        {
            "uuid": split["uuid"],
            "language": split["language"],
            "relation": split["relation"],
            "answers": pa.array(answers, pa.int64()),
            "multi_answer": pa.array(answers > 1),
            "object_in_subject": split["object_in_subject"],
            "candidates": pa.array(candidates, pa.int64()),
            "majority_object": labels.take(pa.array(majority, pa.int64())),
            "majority_correct": pa.array(majority == answer),
        }
    )


def _codes(column: pa.ChunkedArray) -> NDArray[np.int64]:
    """Integers 0..n-1 for the distinct values of a column."""
    encoded = column.combine_chunks().dictionary_encode()
    codes: NDArray[np.int64] = encoded.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _pair(left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.int64]:
    """Integers for the distinct pairs of two code columns."""
    pairs: NDArray[np.int64] = left * (int(right.max(initial=0)) + 1) + right
    return pairs


def _distinct_per_group(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """For each row, how many distinct values its group holds."""
    _, group = np.unique(group, return_inverse=True)
    pairs = np.unique(_pair(group, value))
    width = int(value.max(initial=0)) + 1
    return np.bincount(pairs // width, minlength=int(group.max(initial=0)) + 1)[group]


def _majority_per_group(group: np.ndarray, value: np.ndarray) -> np.ndarray:
    """For each row, the most frequent value of its group; of equals the smallest."""
    width = int(value.max(initial=0)) + 1
    pairs, counts = np.unique(_pair(group, value), return_counts=True)
    order = np.lexsort((pairs % width, -counts, pairs // width))
    groups, first = np.unique((pairs // width)[order], return_index=True)
    best = (pairs % width)[order][first]
    return best[np.searchsorted(groups, group)]
