"""A few facts to read: the prompt, the type and its reason, and the sentence that the fact may stem from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.schema import PREDICTED_TYPES

PER_TYPE = 4
"""Examples of each type."""


def example_facts(
    types: pa.Table, splits: Mapping[str, pa.Table], sources: Iterable[pa.Table]
) -> list[dict[str, Any]]:
    """The first predicted facts of each type by uuid, from different languages where possible.

    Args:
        types: FACT_TYPES of all languages.
        splits: language to MLAMA_SPLIT.
        sources: FACT_SOURCES tables, consumed one by one.

    Returns:
        Rows with type, reason, language, relation, prompt, object and evidence (a struct of FACT_SOURCES, or
        None), in the order of PREDICTED_TYPES.
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
            facts[row["uuid"], language] = row
    return [
        {
            "type": row["type"],
            "reason": row["reason"],
            "language": row["language"],
            "relation": row["relation"],
            "prompt": facts[key]["template"].replace("[X]", facts[key]["subject"]).replace("[Y]", "▁▁▁"),
            "object": facts[key]["object"],
            "evidence": evidence.get(key),
        }
        for key, row in chosen.items()
        if key in facts
    ]


def _alternate_languages(rows: pa.Table) -> list[dict[str, Any]]:
    """The first fact of each language in turn, then the second of each, and so on."""
    seen: dict[str, int] = {}
    ranked: list[tuple[int, int, dict[str, Any]]] = []
    for row in rows.select(["uuid", "language", "relation", "type", "reason", "matcher"]).to_pylist():
        rank = seen.get(row["language"], 0)
        if rank < PER_TYPE:
            seen[row["language"]] = rank + 1
            ranked.append((rank, len(ranked), row))
    return [row for _, _, row in sorted(ranked, key=lambda item: item[:2])]
