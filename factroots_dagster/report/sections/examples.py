"""A few facts to read: the prompt, the type and its reason, and the sentence that the fact may stem from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from operator import itemgetter
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.figures.colours import TYPE_NAMES
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Section, Table
from factroots_dagster.roots.schema import PREDICTED_TYPES

PER_TYPE = 4
"""Examples of each type."""


def build_section(inputs: ReportInputs) -> Section | None:
    examples = _choose_examples(inputs.types, inputs.facts.splits, inputs.facts.sources.values())
    if not examples:
        return None
    columns = ["type", "language", "prompt", "answer", "why this type", "source in this language"]
    cells = [
        [TYPE_NAMES[type_], inputs.language_label(language), *texts, _source(evidence)]
        for type_, language, *texts, evidence in examples
    ]
    return Section(
        id="examples",
        title="Example facts",
        text=["The first facts of each type, in the order of their identifiers; none was picked by hand."],
        tables=[Table(columns, cells, prose=True)],
        asset="fact_types",
    )


def _choose_examples(
    types: pa.Table, splits: Mapping[str, pa.Table], sources: Iterable[pa.Table]
) -> list[tuple[Any, ...]]:
    """The first predicted facts of each type by uuid, from different languages where possible.

    types: FACT_TYPES of all languages. splits: language to MLAMA_SPLIT. sources: FACT_SOURCES tables,
    consumed one by one. Returns type, language, prompt, object, reason and evidence (a struct of
    FACT_SOURCES, or None), in the order of PREDICTED_TYPES.
    """
    chosen: dict[tuple[str, str], dict[str, Any]] = {}
    for type_ in PREDICTED_TYPES:
        rows = types.filter(pc.equal(types["type"], type_)).sort_by(
            [("uuid", "ascending"), ("language", "ascending")]
        )
        chosen |= {(row["uuid"], row["language"]): row for row in _alternate_languages(rows)[:PER_TYPE]}
    uuids = pa.array(sorted({uuid for uuid, _ in chosen}), pa.string())
    evidence: dict[tuple[str, str], Mapping[str, Any]] = {}
    for table in sources:
        for row in table.filter(pc.is_in(table["uuid"], uuids)).to_pylist():
            key = (row["uuid"], row["language"])
            if key in chosen and row["matcher"] == chosen[key]["matcher"] and row["evidence"]:
                evidence[key] = row["evidence"][0]
    facts = {}
    for language in sorted({language for _, language in chosen}):
        split = splits[language]
        for row in split.filter(pc.is_in(split["uuid"], uuids)).to_pylist():
            prompt = row["template"].replace("[X]", row["subject"]).replace("[Y]", "▁▁▁")
            facts[row["uuid"], language] = (prompt, row["object"])
    return [
        (row["type"], row["language"], *facts[key], row["reason"], evidence.get(key))
        for key, row in chosen.items()
        if key in facts
    ]


def _alternate_languages(rows: pa.Table) -> list[dict[str, Any]]:
    """The first fact of each language in turn, then the second of each, and so on."""
    seen: Counter[str] = Counter()
    ranked = []
    for row in rows.select(["uuid", "language", "type", "reason", "matcher"]).to_pylist():
        ranked.append((seen[row["language"]], row))
        seen[row["language"]] += 1
    return [row for _, row in sorted(ranked, key=itemgetter(0))]


def _source(evidence: Mapping[str, Any] | None) -> str:
    if not evidence:
        return "no source found"
    # U+2068 and U+2069 isolate the text direction of each label within the cell.
    place = f"\u2068{evidence.get('url') or evidence['title']}\u2069"
    if evidence["revision_id"]:
        place += f", revision {evidence['revision_id']}"
    return f"“\u2068{evidence['sentence']}\u2069” — {place}"
