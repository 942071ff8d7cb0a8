"""How the counts by type move when one setting leaves its default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.easy import EASY_RULES
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.schema import PREDICTED_TYPES, SENSITIVITY

ALPHAS = (0.01, 0.05, 0.1, 0.2)
CORRECTED_ALPHAS = (0.05, 0.1)  # of the Benjamini-Hochberg corrected p
PAPER = "jaccard"


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
