"""How the counts by type move when one setting leaves its default."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.easy import EASY_RULES
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.schema import PREDICTED_TYPES, SENSITIVITY
from factroots_dagster.roots.types import DEFAULT_EASY_RULE, DEFAULT_MATCHER, DEFAULT_STATISTIC

ALPHAS = (0.01, 0.05, 0.1, 0.2)
CORRECTED_ALPHAS = (0.05, 0.1)
"""Levels for the q-value, that is after the Benjamini-Hochberg correction."""
PAPER_STATISTIC = "jaccard"


@dataclass(frozen=True)
class Setting:
    """One choice of everything that can be chosen.

    The matcher decides whether a fact has a source, statistic and k compare the neurons of languages, the
    easy_rule recognizes naming cues. alpha: level of the p-value up to which a fact counts as shared, or if
    corrected of the q-value.
    """

    matcher: str
    statistic: str
    k: int | None
    easy_rule: str
    alpha: float = ALPHA
    corrected: bool = False


DEFAULT_SETTING = Setting(DEFAULT_MATCHER, DEFAULT_STATISTIC, None, DEFAULT_EASY_RULE)
"""The setting behind FACT_TYPES."""


def apply_setting(variants: pa.Table, setting: Setting) -> pa.Table:
    """The types of the predicted facts of VARIANTS under one setting: columns uuid, language, type."""
    k = variants["k"]
    same_k = pc.is_null(k) if setting.k is None else pc.fill_null(pc.equal(k, setting.k), False)
    with_source = pc.and_(pc.fill_null(pc.equal(variants["statistic"], setting.statistic), False), same_k)
    without_source = pc.fill_null(pc.equal(variants["easy_rule"], setting.easy_rule), False)
    rows = variants.filter(
        pc.and_(pc.equal(variants["matcher"], setting.matcher), pc.or_(with_source, without_source))
    )
    level = rows["q_value" if setting.corrected else "p_value"]
    shared = pc.fill_null(pc.less_equal(level, setting.alpha), False)
    types = pc.if_else(rows["source_present"], pc.if_else(shared, "shared", "independent"), rows["type"])
    return pa.table({"uuid": rows["uuid"], "language": rows["language"], "type": types})


class _Choice(NamedTuple):
    """A row label of SENSITIVITY."""

    axis: str
    setting: str
    is_default: bool


@dataclass
class Sensitivity:
    """Counts the types under one changed setting at a time, language by language.

    statistics: all that exist, as from `list_statistics`. default: the setting that the others differ from.
    """

    statistics: Sequence[tuple[str, int | None]]
    default: Setting = DEFAULT_SETTING
    _counts: dict[str, dict[_Choice, Counter[str]]] = field(default_factory=dict)

    def add(self, language: str, variants: pa.Table) -> None:
        """Counts the types of one language, given its VARIANTS."""
        counts = self._counts.setdefault(language, {})
        matchers = dict.fromkeys([self.default.matcher, *variants["matcher"].to_pylist()])
        for axis, name, setting in self._one_changed(matchers):
            types = apply_setting(variants, setting)["type"].to_pylist()
            # The k axis belongs to the paper's statistic and marks no default.
            is_default = axis != "k" and setting == self.default
            counts[_Choice(axis, name, is_default)] = Counter(types)

    def _one_changed(self, matchers: Iterable[str]) -> Iterator[tuple[str, str, Setting]]:
        """Axis, its value as text, and the default setting with that value."""
        default = self.default
        for matcher in matchers:
            yield "matcher", matcher, replace(default, matcher=matcher)
        # Here the paper's statistic stands at the k of the others; its other k have an axis of their own.
        shown_k = {k for statistic, k in self.statistics if statistic != PAPER_STATISTIC and k is not None}
        if default.statistic == PAPER_STATISTIC and default.k is not None:
            shown_k = {default.k}
        for statistic, k in self.statistics:
            if statistic != PAPER_STATISTIC or k in shown_k:
                yield "statistic", statistic, replace(default, statistic=statistic, k=k)
        for statistic, k in self.statistics:
            if statistic == PAPER_STATISTIC:
                yield "k", str(k), replace(default, statistic=statistic, k=k)
        for alpha in ALPHAS:
            yield "alpha", f"{alpha:g}", replace(default, alpha=alpha)
        for alpha in CORRECTED_ALPHAS:
            yield "alpha", f"q {alpha:g}", replace(default, alpha=alpha, corrected=True)
        for rule in EASY_RULES:
            yield "easy_rule", rule, replace(default, easy_rule=rule)

    def table(self) -> pa.Table:
        """SENSITIVITY: languages sorted, "*" last; every type of every setting, including zeros.

        A language that lacks a matcher counts with the plain matcher of the same window: it has no forms to
        add to the labels.
        """
        choices = list(dict.fromkeys(choice for counts in self._counts.values() for choice in counts))
        by_language = {
            language: {choice: self._types_of(counts, choice) for choice in choices}
            for language, counts in sorted(self._counts.items())
        }
        total = {
            choice: sum((counts[choice] for counts in by_language.values()), Counter()) for choice in choices
        }
        rows = [
            {
                "language": language,
                **choice._asdict(),
                "type": type_,
                "facts": types[type_],
                "share": types[type_] / types.total() if types else None,
            }
            for language, counts in {**by_language, "*": total}.items()
            for choice, types in counts.items()
            for type_ in PREDICTED_TYPES
        ]
        return pa.Table.from_pylist(rows, schema=SENSITIVITY)

    def _types_of(self, counts: Mapping[_Choice, Counter[str]], choice: _Choice) -> Counter[str]:
        """A language's counts under a choice, or under the nearest one that the language has."""
        matchers = {each.setting: types for each, types in counts.items() if each.axis == "matcher"}
        plain = choice.setting.partition("_with_")[0]
        return counts.get(choice) or matchers.get(plain) or matchers[self.default.matcher]
