"""How both probers build the rows of PREDICTIONS. Nothing here runs a model."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from zlib import crc32

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.probing.schema import PREDICTIONS, RANKED
from factroots_dagster.tables import zip_columns

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
    predicted_ids: Sequence[Sequence[int]] | None,
    matched_mask_count: int | None,
    object_ids: Sequence[int],
) -> Sequence[int] | None:
    """The token ids that represent a row of PREDICTIONS to a reader; None if there are none.

    Those that matched (of a decoder, which ranks objects, the object), or else those at the object's own
    number of tokens, or else the first that there are.
    """
    by_mask_count = predicted_ids or []
    count = matched_mask_count or len(object_ids)
    preferred = by_mask_count[count - 1] if 0 < count <= len(by_mask_count) else None
    if matched_mask_count and not set(object_ids) <= set(preferred or ()):
        return object_ids
    return preferred or next((ids for ids in by_mask_count if ids), None)


def rows_by_relation(split: pa.Table) -> dict[str, list[int]]:
    """The row numbers of every relation, in the order in which the relations first occur."""
    rows: dict[str, list[int]] = {}
    for row, relation in enumerate(split.column("relation").to_pylist()):
        rows.setdefault(relation, []).append(row)
    return rows


class CandidateRanking:
    """Names the candidates of one relation in one language, best first."""

    def __init__(self, rows: pa.Table, labels: Sequence[str]):
        """rows: of MLAMA_SPLIT, all of the relation. labels: the candidates, in the order of their scores.

        Entities with the same label are as good as each other. What is equally good is ordered at random, in
        every language otherwise, so that two languages that cannot tell candidates apart do not agree.
        """
        number = {label: index for index, label in enumerate(labels)}
        pairs = sorted(set(zip_columns(rows, "object_uri", "object")))
        self._uris = [uri for uri, _ in pairs]
        counts = Counter(self._uris)
        self.further_labels = sum(counts.values()) - len(counts)
        self._candidates = np.array([number[label] for _, label in pairs], np.int64)
        language = rows.column("language")[0].as_py() if rows.num_rows else ""
        self._tie_breaks = np.array([crc32(f"{language} {uri}".encode()) for uri in self._uris])

    def name_best(self, scores: npt.NDArray[np.float64] | None) -> list[str] | None:
        """At most RANKED Wikidata ids by the candidates' `scores`, higher is better.

        Without those whose score is not finite; None where all are, and without scores.
        """
        if scores is None:
            return None
        own = scores[self._candidates]
        order = np.lexsort((self._tie_breaks, -own))
        order = order[np.isfinite(own[order])][: RANKED + self.further_labels]
        # An entity with two labels counts with the better one.
        best = dict.fromkeys(self._uris[index] for index in order.tolist())
        return list(best)[:RANKED] or None


def relation_predictions(
    rows: pa.Table, labels: Sequence[str], measured: Iterable[Mapping[str, object]]
) -> pa.Table:
    """PREDICTIONS of the rows of one relation.

    labels: the candidates. measured: the other columns, row by row; null if absent; with the scores of the
    candidates instead of their ranking.
    """
    values = list(measured)
    ranking = CandidateRanking(rows, labels)
    identity = [rows.column(name).combine_chunks() for name in _IDENTITY]
    columns = {field.name: [row.get(field.name) for row in values] for field in _MEASURED}
    columns["ranking"] = [ranking.name_best(row["scores"]) for row in values]  # type: ignore[arg-type]
    arrays = [pa.array(columns[field.name], field.type) for field in _MEASURED]
    return pa.Table.from_arrays([*identity, *arrays], schema=PREDICTIONS)


def in_split_order(tables: Sequence[pa.Table], rows: Sequence[int]) -> pa.Table:
    """The tables of the relations as one. rows: for each of their rows, its number in the split."""
    if not tables:
        return PREDICTIONS.empty_table()
    return pa.concat_tables(tables).take(pa.array(np.argsort(rows, kind="stable"))).combine_chunks()
