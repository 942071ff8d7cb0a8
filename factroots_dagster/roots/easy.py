"""Easy facts: facts without a source whose object the subject's name gives away, and the evidence for it.

- shared_tokens (the paper's rule): the lower-cased object is part of the lower-cased subject, in any spelling
  that matching takes for the same (`text.folding`: apostrophes, both scripts of Serbian, both of Chinese), or
  the two share a wordpiece.
- naming_cue, by one of EASY_RULES. "relation" is the paper's: every fact of NAMING_CUE_RELATIONS. It cannot
  tell a revealing name from any other, so it also takes facts that really were transferred. "name" tests the
  names: do other subjects of the same language and relation that share a part of the name have the object
  more often than the remaining subjects? The test is one-sided hypergeometric; its p-value is multiplied by
  the number of parts tested. The fact itself is left out, no model is asked, and every relation is treated
  alike. Parts are runs of letters and digits, so a name in a script without spaces is a single part (Chinese
  renderings of foreign names are divided by dots). "none" turns the rule off.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.tables import zip_columns

NAMING_CUE_RELATIONS = frozenset({"P17", "P27", "P103", "P140", "P1412"})
"""Country, citizenship, native language, religion, languages spoken: what a name alone suggests."""

EASY_RULES = ("name", "relation", "none")
CUE_ALPHA = 0.05
SHORTEST_PART = 2  # characters: initials reveal nothing
_PART = re.compile(r"[^\W_]+")

Tokenize = Callable[[list[str]], Sequence[Sequence[int]]]


@dataclass(frozen=True)
class EasyEvidence:
    """Why a fact needs no source.

    type: shared_tokens or naming_cue. rule: one of schema.RULES. reason: the end of a sentence for people.
    cue: what gives the object away: a part of the name, or the relation. facts, hits, p_value: of a cue in a
    name: other subjects with it, how many of them have the object, and the corrected p-value.
    """

    type: str
    rule: str
    reason: str
    cue: str | None = None
    facts: int | None = None
    hits: int | None = None
    p_value: float | None = None


class _PartTest(NamedTuple):
    """One part of one subject's name; all counts leave the fact itself out."""

    uuid: str
    part: str
    subjects: int
    with_object: int
    with_part: int
    with_both: int


def check_easy_rule(rule: str) -> None:
    """Raises InputError unless `rule` is one of EASY_RULES."""
    if rule not in EASY_RULES:
        raise InputError(f"unknown easy rule {rule!r}", f"choose one of {', '.join(EASY_RULES)}")


def find_shared_tokens(
    rows: Sequence[Mapping[str, object]], object_ids: Sequence[Sequence[int]], tokenize: Tokenize | None
) -> dict[str, EasyEvidence]:
    """The facts whose subject contains the object or one of its wordpieces, by uuid.

    rows: rows of MLAMA_SPLIT of one language. object_ids: the objects' token ids, row by row. tokenize: turns
    labels into token ids without special tokens; None ignores wordpieces.
    """
    subjects = [str(row["subject"]) for row in rows]
    subject_ids = tokenize(subjects) if tokenize and subjects else [()] * len(subjects)
    evidence = {}
    for row, contained, in_subject, in_object in zip(
        rows, _objects_in_subjects(rows), subject_ids, object_ids, strict=True
    ):
        if contained:
            reason = "the subject's name holds the object"
            evidence[str(row["uuid"])] = EasyEvidence("shared_tokens", "object_in_subject", reason)
        elif not set(in_subject).isdisjoint(in_object):
            reason = "subject and object share a wordpiece"
            evidence[str(row["uuid"])] = EasyEvidence("shared_tokens", "shared_wordpiece", reason)
    return evidence


def find_relation_cues(rows: Iterable[Mapping[str, object]]) -> dict[str, EasyEvidence]:
    """The facts of the paper's relations, by uuid (rule "relation")."""
    return {
        str(row["uuid"]): EasyEvidence(
            "naming_cue",
            "relation_cue",
            f"{row['relation']} is often told by a name alone",
            str(row["relation"]),
        )
        for row in rows
        if row["relation"] in NAMING_CUE_RELATIONS
    }


def find_name_cues(split: pa.Table, alpha: float = CUE_ALPHA) -> dict[str, EasyEvidence]:
    """The facts of one language whose subject's name predicts the object, by uuid (rule "name").

    split: MLAMA_SPLIT of the language. alpha: level of the test.
    """
    rows = list(zip_columns(split, "uuid", "relation", "subject", "subject_uri", "object_uri"))
    parts_of: dict[tuple[str, str], set[str]] = {}
    for _, relation, subject, uri, _ in rows:
        parts_of.setdefault((relation, uri), set()).update(split_name(subject))
    subjects = Counter(relation for relation, _ in parts_of)
    with_part = Counter((relation, part) for (relation, _), parts in parts_of.items() for part in parts)
    statements = {(relation, uri, target) for _, relation, _, uri, target in rows}
    with_object = Counter((relation, target) for relation, _, target in statements)
    with_both = Counter(
        (relation, part, target) for relation, uri, target in statements for part in parts_of[relation, uri]
    )
    tests = []
    for uuid, relation, _, uri, target in rows:
        others = subjects[relation] - 1
        for part in sorted(parts_of[relation, uri]):
            sharing = with_part[relation, part] - 1
            if 0 < sharing < others:
                objects, both = with_object[relation, target] - 1, with_both[relation, part, target] - 1
                tests.append(_PartTest(uuid, part, others, objects, sharing, both))
    return _significant_cues(tests, alpha)


def split_name(subject: str) -> set[str]:
    """The parts of a name, lower-cased and without initials."""
    return {part for part in _PART.findall(subject.lower()) if len(part) >= SHORTEST_PART}


def _significant_cues(tests: Sequence[_PartTest], alpha: float) -> dict[str, EasyEvidence]:
    """The most significant part of each fact's name, where its corrected p-value is at most `alpha`."""
    from scipy import stats

    if not tests:
        return {}
    subjects, with_object, with_part, with_both = np.array([test[2:] for test in tests]).T
    p_values = stats.hypergeom.sf(with_both - 1, subjects, with_object, with_part)
    parts = Counter(test.uuid for test in tests)
    best: dict[str, tuple[float, _PartTest]] = {}
    for test, p_value in zip(tests, p_values.tolist(), strict=True):
        corrected = min(1.0, p_value * parts[test.uuid])
        if corrected <= alpha and (test.uuid not in best or corrected < best[test.uuid][0]):
            best[test.uuid] = corrected, test
    evidence = {}
    for uuid, (corrected, test) in best.items():
        part, others, hits = test.part, test.with_part, test.with_both
        reason = f"{hits} of {others} other subjects with “{part}” in their name have this object"
        evidence[uuid] = EasyEvidence("naming_cue", "name_cue", reason, part, others, hits, corrected)
    return evidence


def _objects_in_subjects(rows: Sequence[Mapping[str, object]]) -> list[bool]:
    """Whether each subject contains its object in one of the spellings that matching takes for one."""
    from factroots_dagster.text.normalization import normalize_all

    if not rows:
        return []
    language = str(rows[0]["language"])
    objects, subjects = (
        [text.lower() for text in normalize_all([str(row[name]) for row in rows], language)]
        for name in ("object", "subject")
    )
    return [
        bool(row["object_in_subject"]) or target in subject
        for row, target, subject in zip(rows, objects, subjects, strict=True)
    ]
