"""What other settings say of the predicted facts, and how the counts move with one of them.

`variants_of` keeps, for every matcher, what each statistic says of a fact with a source, and each easy rule
of a fact without one: every combination can be read off, and other levels follow from the p-values.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.easy import EASY_RULES, Easy
from factroots_dagster.report.schema import PREDICTED_TYPES, SENSITIVITY, VARIANTS

if TYPE_CHECKING:
    from factroots_dagster.report.types import Compared

ALPHA = 0.05  # level of the same-object null up to which a fact counts as shared
ALPHAS = (0.01, 0.05, 0.1, 0.2)
CORRECTED_ALPHAS = (0.05, 0.1)  # of the Benjamini-Hochberg corrected p
PAPER = "jaccard"


def variants_of(
    predictions: pa.Table,
    present: Mapping[str, npt.NDArray[np.bool_]],
    easy: Mapping[str, Mapping[str, Easy]],
    compared: Sequence[Compared],
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


def _kind(easy: Mapping[str, Easy], uuid: str) -> str:
    given = easy.get(uuid)
    return "transferred" if given is None else given.kind


def _column(value: Any, rows: int, kind: pa.DataType) -> pa.Array:
    """Values of one part: an array, or one value for all of its rows."""
    if isinstance(value, np.ndarray):
        return pa.array(value, kind, from_pandas=True)
    return pa.nulls(rows, kind) if value is None else pa.repeat(pa.scalar(value, kind), rows)


def types_under(
    variants: pa.Table,
    *,
    matcher: str,
    statistic: str,
    k: int | None,
    easy_rule: str,
    alpha: float = ALPHA,
    corrected: bool = False,
) -> pa.Table:
    """The types of the predicted facts under one setting: columns uuid, language, type.

    corrected: hold the q-value, not the p-value, against alpha.
    """
    same_k = pc.is_null(variants["k"]) if k is None else pc.fill_null(pc.equal(variants["k"], k), False)
    with_source = pc.and_(pc.fill_null(pc.equal(variants["statistic"], statistic), False), same_k)
    without = pc.fill_null(pc.equal(variants["easy_rule"], easy_rule), False)
    rows = variants.filter(pc.and_(pc.equal(variants["matcher"], matcher), pc.or_(with_source, without)))
    level = rows["q_value" if corrected else "p_value"]
    shared = pc.fill_null(pc.less_equal(level, alpha), False)
    held = pc.if_else(shared, "shared", "independent")
    types = pc.if_else(rows["source_present"], held, rows["type"])
    return pa.table({"uuid": rows["uuid"], "language": rows["language"], "type": types})


def statistics_of(nearest: pa.Table) -> list[tuple[str, int | None]]:
    """The statistics of NEAREST_LANGUAGE and the k of each, in the order of the table."""
    found = nearest.select(["statistic", "k"]).group_by(["statistic", "k"], use_threads=False).aggregate([])
    return list(zip(found["statistic"].to_pylist(), found["k"].to_pylist(), strict=True))


@dataclass(frozen=True)
class Setting:
    """One choice of everything that can be chosen."""

    matcher: str
    statistic: str
    k: int | None
    easy_rule: str
    alpha: float = ALPHA
    corrected: bool = False


@dataclass
class Sensitivity:
    """Counts under one changed setting at a time, taken in language by language.

    default: what the types were made with; statistics: what there is, see `statistics_of`.
    """

    default: Setting
    statistics: Sequence[tuple[str, int | None]]
    counts: dict[str, dict[tuple[str, str, bool], Counter[str]]] = field(default_factory=dict)

    def take(self, language: str, variants: pa.Table) -> None:
        """Takes in VARIANTS of one language."""
        of = self.counts.setdefault(language, {})
        matchers = dict.fromkeys([self.default.matcher, *variants["matcher"].to_pylist()])
        for axis, name, setting in self._settings(matchers):
            types = types_under(variants, **vars(setting))["type"].to_pylist()
            of[axis, name, axis != "k" and setting == self.default] = Counter(types)

    def _settings(self, matchers: Iterable[str]) -> Iterator[tuple[str, str, Setting]]:
        given = vars(self.default)
        for matcher in matchers:
            yield "matcher", matcher, Setting(**given | {"matcher": matcher})
        sizes = [k for statistic, k in self.statistics if statistic == PAPER]
        # The paper's statistic stands beside the others at their k; its other k are an axis of their own.
        used = {k for statistic, k in self.statistics if statistic != PAPER and k is not None}
        if self.default.statistic == PAPER and self.default.k is not None:
            used = {self.default.k}
        for statistic, k in self.statistics:
            if statistic != PAPER or k in used:
                yield "statistic", statistic, Setting(**given | {"statistic": statistic, "k": k})
        for k in sizes:
            yield "k", str(k), Setting(**given | {"statistic": PAPER, "k": k})
        for alpha in ALPHAS:
            yield "alpha", f"{alpha:g}", Setting(**given | {"alpha": alpha})
        for alpha in CORRECTED_ALPHAS:
            yield "alpha", f"q {alpha:g}", Setting(**given | {"alpha": alpha, "corrected": True})
        for rule in EASY_RULES:
            yield "easy_rule", rule, Setting(**given | {"easy_rule": rule})

    def table(self) -> pa.Table:
        """SENSITIVITY: languages sorted, "*" last; every type of every setting, zeros too."""
        settings = list(dict.fromkeys(key for of in self.counts.values() for key in of))
        total = {key: Counter[str]() for key in settings}
        for of in self.counts.values():
            for key, counted in of.items():
                total[key].update(counted)
        rows = []
        for language in [*sorted(self.counts), "*"]:
            of = total if language == "*" else self.counts[language]
            for axis, setting, is_default in settings:
                counted = of.get((axis, setting, is_default), Counter())
                facts = counted.total()
                rows += [
                    {
                        "language": language,
                        "axis": axis,
                        "setting": setting,
                        "is_default": is_default,
                        "type": kind,
                        "facts": counted[kind],
                        "share": counted[kind] / facts if facts else None,
                    }
                    for kind in PREDICTED_TYPES
                ]
        return pa.Table.from_pylist(rows, schema=SENSITIVITY)
