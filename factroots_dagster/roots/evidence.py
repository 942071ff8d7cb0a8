"""What the neurons say about each fact of one language, statistic by statistic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.tables import zip_columns

ALPHA = 0.05
"""Level of the same-object null: a fact counts as shared when its p-value is at most this."""


@dataclass(frozen=True)
class StatisticResult:
    """NEAREST_LANGUAGE of one statistic, aligned with a language's facts.

    Every array is [facts]. Where nothing is known, numbers are NaN and `nearest` is None.
    k: None for statistics without sets of top neurons. has_partner: whether another language predicts the
    fact from a different input. nearest: language that represents it most similarly. threshold: 95th
    percentile of the same-object null; p_value, q_value: against it, before and after the Benjamini-Hochberg
    correction.
    """

    statistic: str
    k: int | None
    has_partner: npt.NDArray[np.bool_]
    nearest: npt.NDArray[Any]
    similarity: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    p_value: npt.NDArray[np.float64]
    q_value: npt.NDArray[np.float64]

    @property
    def shared(self) -> npt.NDArray[np.bool_]:
        """Whether each fact, if it has a source, counts as shared."""
        return self.p_value <= ALPHA

    @property
    def label(self) -> str:
        """The statistic and its k, as shown to people."""
        return self.statistic if self.k is None else f"{self.statistic} at k = {self.k}"


def list_statistics(nearest: pa.Table) -> list[tuple[str, int | None]]:
    """The (statistic, k) pairs of NEAREST_LANGUAGE, in the order of the table."""
    pairs = nearest.select(["statistic", "k"]).group_by(["statistic", "k"], use_threads=False).aggregate([])
    return list(zip_columns(pairs, "statistic", "k"))


def collect_results(nearest: pa.Table, language: str, uuids: Sequence[str]) -> list[StatisticResult]:
    """Results of every statistic for the facts `uuids` of a language, in the order of the table.

    nearest: NEAREST_LANGUAGE of any languages.
    """
    own = nearest.filter(pc.equal(nearest["language"], language))
    position_of = {uuid: position for position, uuid in enumerate(uuids)}
    results = []
    for statistic, k in list_statistics(nearest):
        same_k = pc.is_null(own["k"]) if k is None else pc.fill_null(pc.equal(own["k"], k), False)
        rows = own.filter(pc.and_(pc.equal(own["statistic"], statistic), same_k))
        known = np.array([uuid in position_of for uuid in rows["uuid"].to_pylist()], bool)
        rows = rows.filter(pa.array(known))
        positions = np.array([position_of[uuid] for uuid in rows["uuid"].to_pylist()], np.int64)
        result = empty_result(statistic, k, len(uuids))
        result.has_partner[positions] = True
        result.nearest[positions] = rows["nearest_language"].to_pylist()
        for values, column in (
            (result.similarity, "similarity"),
            (result.threshold, "null_q95"),
            (result.p_value, "p_value"),
            (result.q_value, "q_value"),
        ):
            values[positions] = pc.fill_null(rows[column], np.nan).to_numpy()
        results.append(result)
    return results


def empty_result(statistic: str, k: int | None, facts: int) -> StatisticResult:
    """A result without any knowledge of its facts."""
    numbers = (np.full(facts, np.nan) for _ in range(4))
    return StatisticResult(statistic, k, np.zeros(facts, bool), np.full(facts, None, object), *numbers)
