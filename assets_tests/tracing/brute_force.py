"""Mentions and splits in their simplest form, for comparison with what the package finds."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.text.tokens import character_classes


def split_of(facts: list[tuple[str, str, str, str, str]], language: str = "en") -> pa.Table:
    """MLAMA_SPLIT of facts (uuid, subject_uri, subject, object_uri, object); what tracing ignores is null."""
    rows = [
        dict.fromkeys(MLAMA_SPLIT.names)
        | {"uuid": uuid, "language": language, "relation": "P17", "subject_uri": s_uri, "subject": s}
        | {"object_uri": o_uri, "object": o}
        for uuid, s_uri, s, o_uri, o in facts
    ]
    return pa.Table.from_pylist(rows, MLAMA_SPLIT)


def mentions_by_brute_force(text: str, names: set[tuple[str, str]]) -> set[tuple[str, str, int, int]]:
    """Every occurrence of every name (entity, name) that cuts no word: entity, name, start, end."""
    mentions = set()
    classes = character_classes(text).tolist()
    for entity, name in names:
        start = text.find(name)
        while start >= 0:
            end = start + len(name)
            cut_before = start > 0 and classes[start - 1] == 1 and classes[start] == 1
            cut_after = end < len(text) and classes[end - 1] == 1 and classes[end] == 1
            if not cut_before and not cut_after:
                mentions.add((entity, name, start, end))
            start = text.find(name, start + 1)
    return mentions
