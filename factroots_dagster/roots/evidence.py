"""What the neurons say of each fact of one language, statistic by statistic: the evidence for sharing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

ALPHA = 0.05  # level of the same-object null up to which a fact counts as shared


@dataclass(frozen=True)
class StatisticResult:
    """NEAREST_LANGUAGE of one statistic, by cell of a language: NaN and "" where nothing is known."""

    statistic: str
    k: int | None
    met: npt.NDArray[np.bool_]  # some other language predicts the fact from a text of its own
    nearest: npt.NDArray[Any]
    similarity: npt.NDArray[np.float64]
    threshold: npt.NDArray[np.float64]
    p_value: npt.NDArray[np.float64]
    q_value: npt.NDArray[np.float64]

    @property
    def shared(self) -> npt.NDArray[np.bool_]:
        return self.p_value <= ALPHA


def statistics_of(nearest: pa.Table) -> list[tuple[str, int | None]]:
    """The statistics of NEAREST_LANGUAGE and the k of each, in the order of the table."""
    found = nearest.select(["statistic", "k"]).group_by(["statistic", "k"], use_threads=False).aggregate([])
    return list(zip(found["statistic"].to_pylist(), found["k"].to_pylist(), strict=True))


def statistic_results(nearest: pa.Table, language: str, uuids: Sequence[str]) -> list[StatisticResult]:
    """What is known of a language's facts, statistic by statistic in the order of the table."""
    mine = nearest.filter(pc.equal(nearest["language"], language))
    place = {uuid: index for index, uuid in enumerate(uuids)}
    found = []
    for statistic, k in statistics_of(nearest):
        same_k = pc.is_null(mine["k"]) if k is None else pc.fill_null(pc.equal(mine["k"], k), False)
        rows = mine.filter(pc.and_(pc.equal(mine["statistic"], statistic), same_k))
        kept = np.array([uuid in place for uuid in rows["uuid"].to_pylist()], bool)
        rows = rows.filter(pa.array(kept))
        at = np.array([place[uuid] for uuid in rows["uuid"].to_pylist()], np.int64)
        made = no_result(statistic, k, len(uuids))
        made.met[at] = True
        made.nearest[at] = rows["nearest_language"].to_pylist()
        for values, name in (
            (made.similarity, "similarity"),
            (made.threshold, "null_q95"),
            (made.p_value, "p_value"),
            (made.q_value, "q_value"),
        ):
            values[at] = pc.fill_null(rows[name], np.nan).to_numpy()
        found.append(made)
    return found


def no_result(statistic: str, k: int | None, cells: int) -> StatisticResult:
    numbers = (np.full(cells, np.nan) for _ in range(4))
    return StatisticResult(statistic, k, np.zeros(cells, bool), np.full(cells, None, object), *numbers)
