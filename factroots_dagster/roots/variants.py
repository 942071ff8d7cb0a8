"""What other settings say about the predicted facts.

For every matcher the table holds what each statistic says of a fact with a source, and what each rule for
naming cues says of a fact without one. The types under any combination of settings can be read off, and
those at other levels follow from the p-values (`roots.sensitivity.apply_setting`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.easy import EasyEvidence
from factroots_dagster.roots.evidence import StatisticResult
from factroots_dagster.roots.schema import VARIANTS


class _Block(NamedTuple):
    """Some facts under one setting: their positions, and columns as an array or as one value for all."""

    positions: npt.NDArray[np.int64]
    columns: dict[str, Any]


def tabulate_variants(
    predictions: pa.Table,
    present: Mapping[str, npt.NDArray[np.bool_]],
    easy: Mapping[str, Mapping[str, EasyEvidence]],
    results: Sequence[StatisticResult],
) -> pa.Table:
    """VARIANTS of one language, fact by fact in the order of `predictions`: PREDICTIONS of the language.

    present: matcher to [facts], whether each has a source. easy: rule for naming cues to uuid to evidence.
    results: one per statistic, aligned with `predictions`.
    """
    uuids = predictions["uuid"].to_pylist()
    predicted = pc.fill_null(predictions["full_match"], False).to_numpy()
    types_without_source = {
        rule: np.array([_type_without_source(evidence.get(uuid)) for uuid in uuids], object)
        for rule, evidence in easy.items()
    }
    blocks: list[_Block] = []
    for matcher, has_source in present.items():
        with_source = np.flatnonzero(predicted & has_source)
        without_source = np.flatnonzero(predicted & ~has_source)
        for result in results:
            columns = {
                "matcher": matcher,
                "source_present": True,
                "statistic": result.statistic,
                "k": result.k,
                "type": np.where(result.shared[with_source], "shared", "independent"),
                "nearest_language": result.nearest[with_source],
                "similarity": result.similarity[with_source],
                "threshold": result.threshold[with_source],
                "p_value": result.p_value[with_source],
                "q_value": result.q_value[with_source],
            }
            blocks.append(_Block(with_source, columns))
        for rule, types in types_without_source.items():
            columns = {"matcher": matcher, "source_present": False}
            columns |= {"easy_rule": rule, "type": types[without_source]}
            blocks.append(_Block(without_source, columns))
    return _in_order_of_facts(predictions, blocks) if blocks else VARIANTS.empty_table()


def _in_order_of_facts(predictions: pa.Table, blocks: Sequence[_Block]) -> pa.Table:
    positions = np.concatenate([block.positions for block in blocks])
    order = np.argsort(positions, kind="stable")
    keys = predictions.select(["uuid", "language", "relation"]).take(pa.array(positions[order]))
    columns = {name: keys[name] for name in keys.column_names}
    for name in VARIANTS.names[len(columns) :]:
        type_ = VARIANTS.field(name).type
        parts = [_as_array(block.columns.get(name), len(block.positions), type_) for block in blocks]
        columns[name] = pa.concat_arrays(parts).take(pa.array(order))
    return pa.table(columns, schema=VARIANTS)


def _type_without_source(evidence: EasyEvidence | None) -> str:
    return "transferred" if evidence is None else evidence.type


def _as_array(value: Any, rows: int, type_: pa.DataType) -> pa.Array:
    if isinstance(value, np.ndarray):
        return pa.array(value, type_, from_pandas=True)
    return pa.nulls(rows, type_) if value is None else pa.repeat(pa.scalar(value, type_), rows)
