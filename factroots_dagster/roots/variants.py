"""What other settings say of the predicted facts, and how the counts move with one of them.

`variants_of` keeps, for every matcher, what each statistic says of a fact with a source, and each easy rule
of a fact without one: every combination can be read off, and other levels follow from the p-values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.easy import EasyEvidence
from factroots_dagster.roots.evidence import StatisticResult
from factroots_dagster.roots.schema import VARIANTS


def variants_of(
    predictions: pa.Table,
    present: Mapping[str, npt.NDArray[np.bool_]],
    easy: Mapping[str, Mapping[str, EasyEvidence]],
    compared: Sequence[StatisticResult],
) -> pa.Table:
    """VARIANTS of one language, fact by fact.

    predictions: PREDICTIONS of the language; present: by matcher, which of its rows have a source; easy: by
    easy rule and uuid; compared: by statistic, aligned with the rows.
    """
    uuids = predictions["uuid"].to_pylist()
    right = pc.fill_null(predictions["full_match"], False).to_numpy()
    kinds = {rule: np.array([_kind(of, uuid) for uuid in uuids], object) for rule, of in easy.items()}
    parts: list[tuple[npt.NDArray[np.int64], dict[str, Any]]] = []
    for matcher, held in present.items():
        with_source, without = np.flatnonzero(right & held), np.flatnonzero(right & ~held)
        for of in compared:
            shown = {
                "type": np.where(of.shared[with_source], "shared", "independent"),
                "nearest_language": of.nearest[with_source],
                "similarity": of.similarity[with_source],
                "threshold": of.threshold[with_source],
                "p_value": of.p_value[with_source],
                "q_value": of.q_value[with_source],
            }
            told = {"matcher": matcher, "source_present": True, "statistic": of.statistic, "k": of.k}
            parts.append((with_source, told | shown))
        for rule, kind in kinds.items():
            told = {"matcher": matcher, "source_present": False, "easy_rule": rule, "type": kind[without]}
            parts.append((without, told))
    if not parts:
        return VARIANTS.empty_table()
    rows = np.concatenate([at for at, _ in parts])
    order = np.argsort(rows, kind="stable")
    cells = predictions.select(["uuid", "language", "relation"]).take(pa.array(rows[order]))
    columns = {name: cells[name] for name in cells.column_names}
    for name in VARIANTS.names[len(columns) :]:
        kind = VARIANTS.field(name).type
        made = pa.concat_arrays([_column(values.get(name), len(at), kind) for at, values in parts])
        columns[name] = made.take(pa.array(order))
    return pa.table(columns, schema=VARIANTS)


def _kind(easy: Mapping[str, EasyEvidence], uuid: str) -> str:
    given = easy.get(uuid)
    return "transferred" if given is None else given.kind


def _column(value: Any, rows: int, kind: pa.DataType) -> pa.Array:
    """Values of one part: an array, or one value for all of its rows."""
    if isinstance(value, np.ndarray):
        return pa.array(value, kind, from_pandas=True)
    return pa.nulls(rows, kind) if value is None else pa.repeat(pa.scalar(value, kind), rows)
