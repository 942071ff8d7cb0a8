"""Everything the report is made of, in one typed bundle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.reference import PublishedResults
from factroots_dagster.roots.comparison import overall_p1
from factroots_dagster.roots.counts import lucky_guesses, type_bands, type_counts


@dataclass(frozen=True)
class ReportInputs:
    """Tables of one checkpoint, named as their assets; None or empty where an asset is not there."""

    checkpoint: Mapping[str, Any]
    scores: pa.Table
    mask_counts: pa.Table
    volume_relations: pa.Table
    volume: pa.Table | None
    clusters: pa.Table
    members: pa.Table
    mantel: pa.Table
    types: pa.Table
    absence: pa.Table
    pairs: pa.Table
    stability: pa.Table | None
    intervention_summary: pa.Table | None
    layer_profile: pa.Table | None
    sensitivity: pa.Table | None
    examples: Sequence[Mapping[str, Any]]
    planted: Mapping[str, Any] | None
    planted_scores: Mapping[str, Any] | None
    published: PublishedResults | None
    names: Mapping[str, str]

    @cached_property
    def by_language(self) -> list[dict[str, Any]]:
        """Score rows of whole languages, best P@1 first: the order of every figure."""
        overall = self.scores.filter(
            pc.and_(pc.equal(self.scores["relation"], "*"), pc.not_equal(self.scores["language"], "*"))
        )
        return sorted(overall.to_pylist(), key=lambda row: (-(row["full_match"] or 0.0), row["language"]))

    @cached_property
    def languages(self) -> list[str]:
        return [row["language"] for row in self.by_language]

    @cached_property
    def p_at_1(self) -> dict[str, float]:
        """Language to P@1; "*" over all rows."""
        return overall_p1(self.scores)

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Language ("*" for all) to type to number of facts."""
        counts: dict[str, dict[str, int]] = {}
        for row in type_counts(self.types).to_pylist():
            counts.setdefault(row["language"], {})[row["type"]] = row["facts"]
        return counts

    @cached_property
    def bands(self) -> dict[tuple[str, str], tuple[int, int]]:
        """(language, type) to the least and the most facts over all settings of `sensitivity`."""
        return type_bands(self.sensitivity)

    @cached_property
    def luck(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = lucky_guesses(self.types).to_pylist()
        return rows

    def name(self, language: str) -> str:
        """The language's name and code, where a name is known."""
        if language == "*":
            return "all languages"
        return f"{self.names[language]} · {language}" if language in self.names else language
