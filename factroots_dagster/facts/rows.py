"""Facts of one's own, given as rows of a table, in the form in which models are asked."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import NAMESPACE_URL, uuid5

import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.text.slots import find_slot_defect

REQUIRED = ("template", "subject", "object")
DEFAULTS = {"language": "und", "relation": "facts"}
"""Of columns that may be missing: one language that is not named, one relation."""


def splits_of(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[pa.Table, list[int]]]:
    """By language, MLAMA_SPLIT of some facts, and for each of its rows the number of the given row.

    rows: each with `template` (in which [X] stands for the subject and [Y] for the object), `subject` and
    `object`, and optionally `language`, `relation`, `uuid`, `subject_uri` and `object_uri`. The objects of a
    relation in a language are each other's candidates.
    Raises InputError that names the row and what is wrong with it.
    """
    by_language: dict[str, list[tuple[int, dict[str, Any]]]] = {}
    seen: set[tuple[str, str]] = set()
    for number, row in enumerate(rows):
        fact = _complete(number, row)
        if (fact["language"], fact["uuid"]) in seen:
            raise InputError(f"row {number}: the same fact stands in an earlier row", "leave one of them out")
        seen.add((fact["language"], fact["uuid"]))
        by_language.setdefault(fact["language"], []).append((number, fact))
    if not by_language:
        raise InputError("there are no facts", f"give rows with {', '.join(REQUIRED)}")
    splits = {}
    for language, facts in by_language.items():
        facts.sort(key=lambda item: (item[1]["relation"], item[0]))
        table = pa.Table.from_pylist([fact for _, fact in facts], schema=MLAMA_SPLIT)
        splits[language] = (table, [number for number, _ in facts])
    return splits


def _complete(number: int, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of MLAMA_SPLIT; raises InputError."""
    fact: dict[str, Any] = {**DEFAULTS, **{name: value for name, value in row.items() if value is not None}}
    for name in (*REQUIRED, *DEFAULTS):
        if not isinstance(fact.get(name), str) or not fact[name].strip():
            raise InputError(f"row {number} has no text in {name!r}", f"give each fact {', '.join(REQUIRED)}")
    if defect := find_slot_defect(fact["template"]):
        remedy = "write it once, as in: [X] is the capital of [Y] ."
        raise InputError(f"row {number}: the template {defect}", remedy)
    relation, subject, answer = fact["relation"], fact["subject"], fact["object"]
    own = "\t".join(("factroots", relation, fact["template"], subject, answer))
    return {
        "uuid": str(fact.get("uuid") or uuid5(NAMESPACE_URL, own)),
        "language": fact["language"],
        "relation": relation,
        "template": fact["template"],
        "subject": subject,
        "object": answer,
        "subject_uri": str(fact.get("subject_uri") or subject),
        "object_uri": str(fact.get("object_uri") or answer),
        "candidate_set": f"{fact['language']}/{relation}",
        "object_in_subject": answer.lower() in subject.lower(),
        "line": number + 1,
    }
