"""A few facts to read: what was asked, what type it got and why, and the sentence it may stem from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.schema import PREDICTED_TYPES


def example_facts(
    types: pa.Table, splits: Mapping[str, pa.Table], sources: Iterable[pa.Table], *, per_type: int = 4
) -> list[dict[str, Any]]:
    """The first predicted facts of each type by uuid, from different languages where possible.

    Args:
        types: FACT_TYPES of all languages.
        splits: language to MLAMA_SPLIT.
        sources: FACT_SOURCES tables, consumed one by one.

    Returns:
        Rows with type, reason, language, prompt, object, and evidence (title, revision_id, sentence;
        null where there is none), in the order of PREDICTED_TYPES.
    """
    chosen = []
    for kind in PREDICTED_TYPES:
        rows = types.filter(pc.equal(types["type"], kind)).sort_by(
            [("uuid", "ascending"), ("language", "ascending")]
        )
        first = _first_by_language(rows)
        chosen += first[:per_type]
    wanted = {(row["uuid"], row["language"]): row for row in chosen}
    evidence: dict[tuple[str, str], Mapping[str, Any]] = {}
    uuids = pa.array(sorted({uuid for uuid, _ in wanted}), pa.string())
    for table in sources:
        for row in table.filter(pc.is_in(table["uuid"], uuids)).to_pylist():
            key = (row["uuid"], row["language"])
            if key in wanted and row["matcher"] == wanted[key]["matcher"] and row["evidence"]:
                evidence[key] = row["evidence"][0]
    labels = {}
    for language in sorted({language for _, language in wanted}):
        split = splits[language]
        for row in split.filter(pc.is_in(split["uuid"], uuids)).to_pylist():
            labels[row["uuid"], language] = row
    return [
        {
            "type": row["type"],
            "reason": row["reason"],
            "language": row["language"],
            "relation": row["relation"],
            "prompt": labels[key]["template"].replace("[X]", labels[key]["subject"]).replace("[Y]", "▁▁▁"),
            "object": labels[key]["object"],
            "evidence": evidence.get(key),
        }
        for key, row in wanted.items()
        if key in labels
    ]


def _first_by_language(rows: pa.Table) -> list[dict[str, Any]]:
    """One fact of each language in turn, then a second of each, and so on."""
    rounds: dict[str, int] = {}
    ranked: list[tuple[int, int, dict[str, Any]]] = []
    for row in rows.select(["uuid", "language", "relation", "type", "reason", "matcher"]).to_pylist():
        turn = rounds.get(row["language"], 0)
        if turn >= 4:
            continue
        rounds[row["language"]] = turn + 1
        ranked.append((turn, len(ranked), row))
    return [row for _, _, row in sorted(ranked, key=lambda item: item[:2])]
