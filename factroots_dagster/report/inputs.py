"""Everything that one checkpoint's report is made from, and how it is read.

A section that needs a further table needs one more entry in STORED_TABLES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.explorer import SIMILARITY_COLUMNS, STATISTIC, Decode, FactTables
from factroots_dagster.report.explorer_filters import VERDICT_COLUMNS, find_corpora
from factroots_dagster.report.language_names import label_language, language_names
from factroots_dagster.report.reference import PublishedResults, published_results
from factroots_dagster.roots.comparison import p_at_1_by_language
from factroots_dagster.roots.corpora import WIKIPEDIA
from factroots_dagster.roots.counts import (
    CountRanges,
    count_absent_sources,
    count_ranges,
    counts_by_language,
)
from factroots_dagster.roots.markup import MARKUP, measure_markup, pool_sources, reads_markup
from factroots_dagster.roots.planted import score_agreement
from factroots_dagster.tracing.matchers import names_of_matcher
from factroots_dagster.yardstick.table import read_yardstick

STORED_TABLES: Mapping[str, tuple[str, str]] = {
    "checkpoint": ("checkpoint", ""),
    "probing_scores": ("probing_scores", ""),
    "mask_counts": ("probing_scores", "mask_counts"),
    "volume_relations": ("probing_scores", "volume_relations"),
    "language_clusters": ("language_clusters", ""),
    "cluster_members": ("language_clusters", "members"),
    "mantel": ("language_clusters", "mantel"),
    "language_consistency": ("language_consistency", ""),
    "sensitivity": ("fact_types", "sensitivity"),
    "verdict_shares": ("fact_verdicts", "shares"),
    "easy_effects": ("fact_types", "easy_effects"),
    "similarity_pairs": ("neuron_similarity", "pairs"),
    "neuron_stability": ("neuron_similarity", "stability"),
    "layer_profile": ("neuron_similarity", "layers"),
    "intervention_summary": ("neuron_interventions", "summary"),
    "untrained_twins": ("untrained_twins", ""),
    "untrained_sample": ("untrained_twins", "sample"),
}
"""The name under which sections find a table to its asset and side table; "" is the asset's main table."""

OPTIONAL_TABLES: Mapping[str, tuple[str, str]] = {"prompt_consistency": ("probing_scores", "prompts")}
"""The same of side tables that not every fact set has."""


@dataclass(frozen=True)
class ReportInputs:
    """Everything that one checkpoint's report is made from.

    Attributes:
        tables: those of STORED_TABLES and OPTIONAL_TABLES, `wikipedia_volume` and `name_coverage`
            (NAME_COVERAGE) of all languages, and in generated worlds `planted_truth`. `checkpoint`,
            `probing_scores` and the three tables of language clusters are required; without another table the
            sections that need it are left out.
        facts: what the fact explorer shows; it holds FACT_TYPES and the large tables by language.
        language_names: language code to the name that is shown beside it.
        yardstick: YARDSTICK of other generated worlds; for generated worlds only.
    """

    tables: Mapping[str, pa.Table]
    facts: FactTables
    language_names: Mapping[str, str]
    yardstick: pa.Table | None = None

    def rows(self, name: str) -> list[dict[str, Any]]:
        """The rows of a table; none where the table is absent."""
        return list(self.tables[name].to_pylist()) if name in self.tables else []

    @property
    def generated(self) -> bool:
        """Whether the world is generated, so that there is a planted truth."""
        return "planted_truth" in self.tables

    @property
    def types(self) -> pa.Table:
        """FACT_TYPES of all languages."""
        return self.facts.types

    @cached_property
    def checkpoint(self) -> dict[str, Any]:
        """The row of CHECKPOINT."""
        return self.rows("checkpoint")[0]

    @cached_property
    def searched(self) -> list[str]:
        """The corpora of the world, in alphabetical order."""
        volumes = self.rows("wikipedia_volume")
        return sorted({name for row in volumes for name in row["corpora"] or [WIKIPEDIA]})

    @cached_property
    def corpora(self) -> list[str]:
        """Those of them in which sources count for this checkpoint."""
        named = self.checkpoint.get("corpora")
        return [name for name in self.searched if named is None or name in named]

    @property
    def texts(self) -> str:
        """What sentences call these corpora."""
        return "Wikipedia" if set(self.corpora) <= {WIKIPEDIA} else "text"

    @cached_property
    def published(self) -> PublishedResults | None:
        """What the paper published about this model."""
        return published_results(self.checkpoint["source"])

    @cached_property
    def scores_by_language(self) -> list[dict[str, Any]]:
        """PROBING_SCORES of whole languages, best P@1 first."""
        return rank_languages(self.tables["probing_scores"])

    @cached_property
    def languages(self) -> list[str]:
        """The languages, best P@1 first: their order in every figure."""
        return [row["language"] for row in self.scores_by_language]

    @cached_property
    def p_at_1(self) -> dict[str, float]:
        """Language to P@1; "*" over all rows."""
        return p_at_1_by_language(self.tables["probing_scores"])

    @cached_property
    def counts(self) -> dict[str, dict[str, int]]:
        """Language ("*" for all) to type to number of facts."""
        return counts_by_language(self.types)

    @cached_property
    def count_ranges(self) -> CountRanges:
        """The smallest and the largest of these counts over all settings of SENSITIVITY."""
        return count_ranges(self.tables.get("sensitivity"))

    @cached_property
    def verdict_shares(self) -> dict[str, dict[str, dict[str, Any]]]:
        """Language ("*" for all) to verdict to row of VERDICT_SHARES; empty without verdicts."""
        by_language: dict[str, dict[str, dict[str, Any]]] = {}
        for row in self.rows("verdict_shares"):
            by_language.setdefault(row["language"], {})[row["verdict"]] = row
        return by_language

    @cached_property
    def counts_markup(self) -> bool:
        """Whether infoboxes, tables, lists, headings and quotations count as sources."""
        return reads_markup(self.checkpoint.get("corpora"), self.checkpoint.get("corpus"))

    @cached_property
    def markup(self) -> pa.Table:
        """MARKUP_SOURCES."""
        return measure_markup(self.types, self.facts.sources.values(), counted=self.counts_markup)

    @cached_property
    def absence(self) -> pa.Table:
        """SOURCE_ABSENCE."""
        return count_absent_sources(self.types, self.facts.sources.values())

    @cached_property
    def agreement(self) -> dict[str, Any] | None:
        """Agreement of the types with the planted truth, in generated worlds."""
        truth = self.tables.get("planted_truth")
        return score_agreement(self.types, truth, self.facts.sources.values()) if truth is not None else None

    @cached_property
    def name_coverage(self) -> dict[tuple[str, str], dict[str, Any]]:
        """Rows of NAME_COVERAGE by language and names, those that were measured."""
        rows = self.rows("name_coverage")
        return {(row["language"], row["names"]): row for row in rows if row["coverage"] is not None}

    @cached_property
    def matchers(self) -> list[str]:
        """The matchers that the types are decided with; one, or none without facts."""
        return sorted(set(self.types["matcher"].to_pylist()))

    def forms_seen(self, language: str) -> float | None:
        """The share of a name's forms that the matcher of the types sees; None where it was not measured."""
        names = {names_of_matcher(matcher) for matcher in self.matchers}
        rows = [self.name_coverage.get((language, name)) for name in names]
        return min((row["coverage"] for row in rows if row is not None), default=None)

    def language_label(self, language: str) -> str:
        """The language's name and code, where a name is known."""
        return label_language(language, self.language_names)


class LazyTables(Mapping[str, pa.Table]):
    """Tables by language, each read at every access and not kept: all of them may not fit in memory."""

    def __init__(self, languages: Iterable[str], read: Callable[[str], pa.Table]) -> None:
        self._languages = tuple(languages)
        self._read = read

    def __getitem__(self, language: str) -> pa.Table:
        if language not in self._languages:
            raise KeyError(language)
        return self._read(language)

    def __iter__(self) -> Iterator[str]:
        return iter(self._languages)

    def __len__(self) -> int:
        return len(self._languages)


class TableReader(Protocol):
    """Reads partitions of assets, as a `Step` does."""

    def read(
        self,
        asset: str,
        *parts: str,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """The main table of a partition; where: a condition on its rows."""

    def read_side(self, name: str, asset: str, *parts: str) -> pa.Table:
        """A side table of a partition."""

    def find_side(self, name: str, asset: str, *parts: str) -> pa.Table | None:
        """A side table of a partition, if it has it."""


def read_report_inputs(
    reader: TableReader,
    checkpoint: str,
    decode: Decode,
    *,
    generated: bool,
    read_facts: Callable[[str], pa.Table] | None = None,
) -> ReportInputs:
    """Reads what the report of a checkpoint is made from; the tables of facts are read when they are used.

    checkpoint: its key. decode: turns lists of token ids into texts, as the checkpoint's tokenizer does.
    generated: whether the world is generated. read_facts: gives the facts of a language with the templates by
    which they were asked; by default those of the split.
    """
    types = reader.read("fact_types", checkpoint)
    languages = sorted(set(types["language"].to_pylist()))
    tables = {
        name: reader.read_side(side, asset, checkpoint) if side else reader.read(asset, checkpoint)
        for name, (asset, side) in STORED_TABLES.items()
    }
    optional = {
        name: reader.find_side(side, asset, checkpoint) for name, (asset, side) in OPTIONAL_TABLES.items()
    }
    tables |= {name: table for name, table in optional.items() if table is not None}
    volume = pa.concat_tables(reader.read("wikipedia_volume", language) for language in languages)
    similarity = reader.read(
        "neuron_similarity", checkpoint, columns=SIMILARITY_COLUMNS, where=pc.field("statistic") == STATISTIC
    )
    verdicts = reader.read("fact_verdicts", checkpoint, columns=VERDICT_COLUMNS)
    tables["wikipedia_volume"] = volume
    tables["name_coverage"] = pa.concat_tables(
        reader.read_side("coverage", "entity_mentions", language) for language in languages
    )
    (model_row,) = tables["checkpoint"].to_pylist()
    corpora, counts_markup = model_row["corpora"], reads_markup(model_row["corpora"], model_row["corpus"])

    def read_sources(language: str) -> pa.Table:
        return pool_sources(reader.read("fact_sources", language), corpora, with_markup=counts_markup)

    def read_corpora(language: str) -> pa.Table:
        columns = ("uuid", "corpus", "matcher", "windows")
        return find_corpora(reader.read("fact_sources", language, columns=columns), matchers, corpora)

    matchers = [*pc.unique(types["matcher"]).to_pylist(), *(MARKUP if counts_markup else ())]
    searched = {name for row in volume["corpora"].to_pylist() for name in row or [WIKIPEDIA]}
    several = len(searched if corpora is None else searched & {*corpora}) > 1
    if generated:
        tables["planted_truth"] = reader.read("planted_truth")
    facts = FactTables(
        types=types,
        splits=LazyTables(languages, read_facts or (lambda language: reader.read("mlama_split", language))),
        predictions=LazyTables(languages, lambda language: reader.read("predictions", checkpoint, language)),
        sources=LazyTables(languages, read_sources),
        similarity=similarity,
        decode=decode,
        articles={
            row["language"]: row["articles"]
            for row in volume.select(["language", "articles", "corpora"]).to_pylist()
            if corpora is None or {*(row["corpora"] or [WIKIPEDIA])} <= {*corpora}
        },
        links=not generated,
        verdicts=verdicts,
        found_in=LazyTables(languages, read_corpora) if several else {},
    )
    names = language_names()
    return ReportInputs(tables, facts, names, read_yardstick() if generated else None)


def rank_languages(scores: pa.Table) -> list[dict[str, Any]]:
    """Rows of PROBING_SCORES over all relations of a language, best P@1 first."""
    whole = scores.filter(pc.and_(pc.equal(scores["relation"], "*"), pc.not_equal(scores["language"], "*")))
    return sorted(whole.to_pylist(), key=lambda row: (-(row["full_match"] or 0.0), row["language"]))
