"""What each rule for easy facts is worth: P@1 where it applies, beside alike facts where none does.

A fact without a source counts with the first of the rules that applies to it, in the order of EFFECT_RULES.
It is compared with the facts without a source that have the same object in the same language: of the same
relation and with nothing in the name that gives the object away, or, for the rule that goes by the relation,
of the relations to which it does not apply. So the frequency of the object, which makes facts easy by itself,
is held fixed. Facts that have none to be compared with are counted, but not in the effect.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from zlib import crc32

import numpy as np
import pyarrow as pa

from factroots_dagster.roots.schema import EASY_EFFECTS, EFFECT_RULES, UNSOURCED
from factroots_dagster.stats.intervals import clustered
from factroots_dagster.tables import zip_columns

_BY_NAME = EFFECT_RULES[:-1]
"""The rules that look at the subject's name; the last one looks at the relation."""

Compared = tuple[bool, float | None, str]
"""Of a fact: whether it is predicted, P@1 of those that it is compared with (None: none), and its object."""


def list_unsourced(
    rows: Sequence[Mapping[str, Any]],
    facts: Mapping[str, Mapping[str, Any]],
    windows: Mapping[str, int],
    evidence: Sequence[Mapping[str, Any]],
) -> pa.Table:
    """UNSOURCED of one language: the facts without a source that the model could be asked.

    rows: of PREDICTIONS. facts: rows of MLAMA_SPLIT by uuid. windows: of each fact. evidence: EasyEvidence by
    uuid, the first to decide first.
    """
    listed = []
    for row in rows:
        uuid = row["uuid"]
        if windows[uuid] or row["full_match"] is None:
            continue
        found = (rules[uuid].rule for rules in evidence if uuid in rules)
        fact = {name: facts[uuid][name] for name in ("uuid", "language", "relation", "object_uri")}
        listed.append(fact | {"full_match": row["full_match"], "rule": next(found, None)})
    return pa.Table.from_pylist(listed, schema=UNSOURCED)


class EasyEffects:
    """Compares the facts of every rule with alike facts, language by language."""

    def __init__(self) -> None:
        self._compared: dict[tuple[str, str], list[Compared]] = {}  # by language and rule

    def add(self, language: str, unsourced: pa.Table) -> None:
        """Compares the facts of one language. unsourced: UNSOURCED."""
        outcomes: dict[tuple[str, ...], list[bool]] = {}  # of those to which no rule applies
        rows = list(zip_columns(unsourced, "relation", "object_uri", "full_match", "rule"))
        for relation, target, predicted, rule in rows:
            if rule not in _BY_NAME:
                outcomes.setdefault((relation, target), []).append(predicted)
            if rule is None:
                outcomes.setdefault((target,), []).append(predicted)
        for relation, target, predicted, rule in rows:
            if rule is not None:
                alike = outcomes.get((relation, target) if rule in _BY_NAME else (target,))
                expected = float(np.mean(alike)) if alike else None
                self._compared.setdefault((language, rule), []).append((predicted, expected, target))
        for rule in EFFECT_RULES:
            self._compared.setdefault((language, rule), [])

    def table(self) -> pa.Table:
        """EASY_EFFECTS: languages sorted, "*" last; every rule, in their order."""
        languages = sorted({language for language, _ in self._compared})
        rows = []
        for language in [*languages, "*"]:
            for rule in EFFECT_RULES:
                among = languages if language == "*" else [language]
                facts = [fact for code in among for fact in self._compared[code, rule]]
                rows.append({"language": language, "rule": rule, **_summarize(facts, f"{language} {rule}")})
        return pa.Table.from_pylist(rows, schema=EASY_EFFECTS)


def _summarize(facts: Sequence[Compared], name: str) -> dict[str, Any]:
    """The columns of EASY_EFFECTS of one language and rule. name: seeds the bootstrap."""
    compared = [
        (predicted, expected, target) for predicted, expected, target in facts if expected is not None
    ]
    difference = np.array([predicted - expected for predicted, expected, _ in compared], np.float64)
    random = np.random.default_rng(crc32(name.encode()))
    low, high = clustered(difference, [target for *_, target in compared], random)
    return {
        "facts": len(facts),
        "full_match": _mean([predicted for predicted, *_ in facts]),
        "compared": len(compared),
        "compared_full_match": _mean([predicted for predicted, *_ in compared]),
        "alike_full_match": _mean([expected for _, expected, _ in compared]),
        "effect": _mean(difference.tolist()),
        "effect_low": low,
        "effect_high": high,
    }


def _mean(values: Sequence[float]) -> float | None:
    return float(np.mean(values)) if values else None
