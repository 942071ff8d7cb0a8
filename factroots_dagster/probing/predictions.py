"""How both probers build the rows of PREDICTIONS. Nothing here runs a model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.probing.schema import PREDICTIONS

_IDENTITY = PREDICTIONS.names[:3]  # copied from the split
_MEASURED = list(PREDICTIONS)[3:]


def typed_rank(scores: npt.NDArray[np.float64], candidate: int) -> int | None:
    """Rank of one candidate among `scores` [candidates], higher is better, 1 is best.

    Of tied candidates half rank before it, rounded up. None where the candidate's own score is not finite.
    """
    own = scores[candidate]
    if not np.isfinite(own):
        return None
    tied = int((scores == own).sum()) - 1
    return 1 + int((scores > own).sum()) + (tied + 1) // 2


def prediction_to_show(
    predicted_ids: Sequence[Sequence[int]] | None, matched_mask_count: int | None, object_length: int
) -> Sequence[int] | None:
    """The token ids that represent a row of PREDICTIONS to a reader; None if there are none.

    Those that matched, or else those at the object's own number of tokens, or else the first that there are.
    """
    by_mask_count = predicted_ids or []
    count = matched_mask_count or object_length
    preferred = by_mask_count[count - 1] if 0 < count <= len(by_mask_count) else None
    return preferred or next((ids for ids in by_mask_count if ids), None)


def rows_by_relation(split: pa.Table) -> dict[str, list[int]]:
    """The row numbers of every relation, in the order in which the relations first occur."""
    rows: dict[str, list[int]] = {}
    for row, relation in enumerate(split.column("relation").to_pylist()):
        rows.setdefault(relation, []).append(row)
    return rows


def relation_predictions(rows: pa.Table, measured: Iterable[Mapping[str, object]]) -> pa.Table:
    """PREDICTIONS of the rows of one relation. measured: the other columns, row by row; null if absent."""
    values = list(measured)
    identity = [rows.column(name).combine_chunks() for name in _IDENTITY]
    arrays = [pa.array([row.get(field.name) for row in values], field.type) for field in _MEASURED]
    return pa.Table.from_arrays([*identity, *arrays], schema=PREDICTIONS)


def in_split_order(tables: Sequence[pa.Table], rows: Sequence[int]) -> pa.Table:
    """The tables of the relations as one. rows: for each of their rows, its number in the split."""
    if not tables:
        return PREDICTIONS.empty_table()
    return pa.concat_tables(tables).take(pa.array(np.argsort(rows, kind="stable"))).combine_chunks()
