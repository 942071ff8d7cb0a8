"""Facts without a source whose object the subject's name gives away: rules, and what they saw.

- shared_tokens (the paper's): the lower-cased object inside the lower-cased subject, or a wordpiece in
  common.
- naming_cue, by one of EASY_RULES. "relation" is the paper's: any fact of NAMING_CUE_RELATIONS. It cannot
  tell a telling name from any other, and takes true transfers with it. "name" asks the names: do other
  subjects of the (language, relation) that share a part of the name have the object more often than the
  others do? One-sided hypergeometric test, times the number of parts that can be tested. The fact
  itself is left out, no model is asked, and every relation is treated alike. Parts are runs of letters
  and digits, so names of scripts without spaces are one part (Chinese renderings of foreign names are
  divided by dots). "none" leaves the rule out.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from factroots_dagster.errors import InputError

NAMING_CUE_RELATIONS = frozenset({"P17", "P27", "P103", "P140", "P1412"})
"""Country, citizenship, native language, religion, languages spoken: what a name alone suggests."""

EASY_RULES = ("name", "relation", "none")
CUE_ALPHA = 0.05
SHORTEST_PART = 2  # characters: initials tell nothing
_PART = re.compile(r"[^\W_]+")

Tokenize = Callable[[list[str]], Sequence[Sequence[int]]]


@dataclass(frozen=True)
class EasyEvidence:
    """Why a fact needs no source: its type, the rule (one of schema.RULES), and the evidence of a cue."""

    kind: str
    rule: str
    why: str
    cue: str | None = None
    facts: int | None = None
    hits: int | None = None
    p_value: float | None = None


def known_rule(rule: str) -> str:
    """The name of an easy rule, if it is one; raises InputError."""
    if rule not in EASY_RULES:
        raise InputError(f"unknown easy rule {rule!r}; choose one of {', '.join(EASY_RULES)}")
    return rule


def shared_tokens(
    rows: Sequence[Mapping[str, object]], object_ids: Sequence[Sequence[int]], tokenize: Tokenize | None
) -> dict[str, EasyEvidence]:
    """By uuid, the facts whose subject holds the object or a wordpiece of it.

    rows: of MLAMA_SPLIT, of one language. object_ids: the objects' tokens, row by row. tokenize: labels to
    token ids without special tokens; None leaves the wordpieces out.
    """
    subjects = [str(row["subject"]) for row in rows]
    pieces = tokenize(subjects) if tokenize and subjects else [()] * len(subjects)
    found = {}
    for row, within, subject_ids, ids in zip(rows, _inside(rows), pieces, object_ids, strict=True):
        if within:
            why = "the subject's name holds the object"
            found[str(row["uuid"])] = EasyEvidence("shared_tokens", "object_in_subject", why)
        elif not set(subject_ids).isdisjoint(ids):
            why = "subject and object share a wordpiece"
            found[str(row["uuid"])] = EasyEvidence("shared_tokens", "shared_wordpiece", why)
    return found


def relation_cues(rows: Iterable[Mapping[str, object]]) -> dict[str, EasyEvidence]:
    """By uuid, the facts of the paper's relations."""
    return {
        str(row["uuid"]): EasyEvidence(
            "naming_cue",
            "relation_cue",
            f"{row['relation']} is often told by a name alone",
            cue=str(row["relation"]),
        )
        for row in rows
        if row["relation"] in NAMING_CUE_RELATIONS
    }


def name_cues(split: pa.Table, alpha: float = CUE_ALPHA) -> dict[str, EasyEvidence]:
    """By uuid, the facts of one language whose subject's name alone predicts the object ("name" above)."""
    names = ("uuid", "relation", "subject", "subject_uri", "object_uri")
    rows = list(zip(*(split[name].to_pylist() for name in names), strict=True))
    parts_of: dict[tuple[str, str], set[str]] = {}
    for _, relation, subject, uri, _ in rows:
        parts_of.setdefault((relation, uri), set()).update(name_parts(subject))
    subjects = Counter(relation for relation, _ in parts_of)
    with_part = Counter((relation, part) for (relation, _), parts in parts_of.items() for part in parts)
    told = {(relation, uri, target) for _, relation, _, uri, target in rows}
    with_object = Counter((relation, target) for relation, _, target in told)
    with_both = Counter(
        (relation, part, target) for relation, uri, target in told for part in parts_of[relation, uri]
    )
    tested = []  # fact, part, other subjects, those with the object, those with the part, those with both
    for uuid, relation, _, uri, target in rows:
        others, right = subjects[relation] - 1, with_object[relation, target] - 1
        for part in sorted(parts_of[relation, uri]):
            sharing = with_part[relation, part] - 1
            if 0 < sharing < others:
                tested.append((uuid, part, others, right, sharing, with_both[relation, part, target] - 1))
    return _significant(tested, alpha)


def name_parts(subject: str) -> set[str]:
    """The parts of a name, lower-cased; initials left out."""
    return {part for part in _PART.findall(subject.lower()) if len(part) >= SHORTEST_PART}


def _significant(tested: list[tuple[str, str, int, int, int, int]], alpha: float) -> dict[str, EasyEvidence]:
    from scipy import stats

    if not tested:
        return {}
    others, right, sharing, hits = np.array([row[2:] for row in tested]).T
    p = stats.hypergeom.sf(hits - 1, others, right, sharing)
    parts = Counter(row[0] for row in tested)
    best: dict[str, tuple[float, int]] = {}
    for index, (uuid, *_) in enumerate(tested):
        corrected = min(1.0, float(p[index]) * parts[uuid])
        if corrected <= alpha and (uuid not in best or corrected < best[uuid][0]):
            best[uuid] = corrected, index
    found = {}
    for uuid, (corrected, index) in best.items():
        part, facts, hit = tested[index][1], int(sharing[index]), int(hits[index])
        why = f"{hit} of {facts} other subjects with “{part}” in their name have this object"
        found[uuid] = EasyEvidence("naming_cue", "name_cue", why, part, facts, hit, corrected)
    return found


def _inside(rows: Sequence[Mapping[str, object]]) -> list[bool]:
    """Lower-cased object inside lower-cased subject; Chinese after conversion to simplified script."""
    if not rows or rows[0]["language"] != "zh":
        return [bool(row["object_in_subject"]) for row in rows]
    from opencc import OpenCC

    simplified = OpenCC("t2s").convert
    return [simplified(str(row["object"]).lower()) in simplified(str(row["subject"]).lower()) for row in rows]
