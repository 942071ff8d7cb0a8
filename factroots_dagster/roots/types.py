"""The type of every fact in one language, and the rule, evidence and language pair behind it.

First match wins: not predicted; without a source and easy (shared tokens, naming cue); without a
source (transferred); with a source and represented as in another language (shared); with a source
(independent). Zhao, Yoshinaga and Oba (EACL 2024) define all but the split of the last two, for
which their code has no rule; ours asks whether the fact is nearer to itself in the other languages than
other facts with the same object are (`neurons.nearest`), at level ALPHA of that null.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.roots.easy import (
    EasyEvidence,
    Tokenize,
    known_rule,
    name_cues,
    relation_cues,
    shared_tokens,
)
from factroots_dagster.roots.evidence import StatisticResult, no_result, statistic_results
from factroots_dagster.roots.schema import FACT_TYPES
from factroots_dagster.roots.variants import variants_of

MATCHER = "chunk"  # nearest to the paper's 512-wordpiece window
STATISTIC = "evidence"
EASY_RULE = "name"


class TypingResult(NamedTuple):
    """The tables of one language."""

    types: pa.Table  # FACT_TYPES
    variants: pa.Table  # VARIANTS


def fact_types(
    split: pa.Table,
    predictions: pa.Table,
    sources: pa.Table,
    nearest: pa.Table,
    *,
    matcher: str = MATCHER,
    statistic: str = STATISTIC,
    k: int | None = None,
    easy_rule: str = EASY_RULE,
    tokenize: Tokenize | None = None,
) -> TypingResult:
    """Types of one language's facts, in the order of `predictions`, and what other settings would say.

    Args:
        split: MLAMA_SPLIT of the language.
        predictions: PREDICTIONS of the language.
        sources: FACT_SOURCES of the language; a fact's source is present when the matcher found at
            least one window.
        nearest: NEAREST_LANGUAGE of any languages.
        matcher: a matcher of `sources`.
        statistic, k: a statistic of `nearest`; "evidence" agreed best with the planted link in generated
            worlds, "jaccard" of the top k neurons is the paper's.
        easy_rule: how a naming cue is told, one of easy.EASY_RULES.
        tokenize: labels to token ids without special tokens; None leaves out the rule "subject and
            object share a wordpiece".

    Raises:
        InputError: unknown matcher, statistic or easy rule, or tables that do not hold the same facts.
    """
    known_rule(easy_rule)
    facts = {row["uuid"]: row for row in split.to_pylist()}
    names = ("uuid", "language", "relation", "full_match", "too_long", "object_ids")
    cells = predictions.select(names).to_pylist()
    uuids = [cell["uuid"] for cell in cells]
    windows = _windows(sources, uuids, matcher)
    for uuid in uuids:
        if uuid not in facts or any(uuid not in found for found in windows.values()):
            raise InputError(
                f"fact {uuid} is predicted but has no row in mlama_split or fact_sources; build them again"
            )
    language = cells[0]["language"] if cells else ""
    compared = statistic_results(nearest, language, uuids)
    chosen = next((c for c in compared if (c.statistic, c.k) == (statistic, k)), None)
    if chosen is None and nearest.num_rows:
        listed = dict.fromkeys(f"{c.statistic}{f' at k = {c.k}' if c.k else ''}" for c in compared)
        raise InputError(f"unknown statistic {statistic!r} at k = {k}; choose one of {', '.join(listed)}")
    if chosen is None:
        chosen = no_result(statistic, k, len(cells))
    absent = [cell for cell in cells if any(not found[cell["uuid"]] for found in windows.values())]
    rows = [facts[cell["uuid"]] for cell in absent]
    tokens = shared_tokens(rows, [cell["object_ids"] for cell in absent], tokenize)
    easy = {
        "name": name_cues(split) | tokens,
        "relation": relation_cues(rows) | tokens,
        "none": tokens,
    }
    types = _types(cells, windows[matcher], easy[easy_rule], chosen, matcher, easy_rule)
    present = {name: np.array([found[uuid] > 0 for uuid in uuids], bool) for name, found in windows.items()}
    return TypingResult(types, variants_of(predictions, present, easy, compared or [chosen]))


def _windows(sources: pa.Table, uuids: Sequence[str], matcher: str) -> dict[str, dict[str, int]]:
    """Matcher to fact to windows; the chosen matcher must be one of them."""
    found: dict[str, dict[str, int]] = {}
    columns = (sources[name].to_pylist() for name in ("matcher", "uuid", "windows"))
    for name, uuid, count in zip(*columns, strict=True):
        found.setdefault(name, {})[uuid] = count
    if uuids and found and matcher not in found:
        raise InputError(
            f"fact_sources knows no matcher {matcher!r}; choose one of {', '.join(sorted(found))}"
        )
    return found or {matcher: {}}


def _types(
    cells: list[dict[str, Any]],
    windows: Mapping[str, int],
    easy: Mapping[str, EasyEvidence],
    compared: StatisticResult,
    matcher: str,
    easy_rule: str,
) -> pa.Table:
    columns: dict[str, list[object]] = {name: [] for name in FACT_TYPES.names}
    for index, cell in enumerate(cells):
        uuid, count = cell["uuid"], windows[cell["uuid"]]
        given = easy.get(uuid) if count == 0 else None
        kind, rule, reason = _type(cell, given, count, matcher, compared, index)
        shown = bool(cell["full_match"]) and np.isfinite(compared.similarity[index])
        row = {
            "uuid": uuid,
            "language": cell["language"],
            "relation": cell["relation"],
            "type": kind,
            "reason": reason,
            "rule": rule,
            "source_present": count > 0,
            "windows": count,
            "matcher": matcher,
            "easy": given and given.kind,
            "easy_rule": easy_rule,
            "cue": given and given.cue,
            "cue_facts": given and given.facts,
            "cue_hits": given and given.hits,
            "cue_p": given and given.p_value,
            "single_language": bool(cell["full_match"]) and not compared.met[index],
            "nearest_language": compared.nearest[index] if shown else None,
            "statistic": compared.statistic,
            "k": compared.k,
            "similarity": compared.similarity[index] if shown else None,
            "threshold": _number(compared.threshold[index]) if shown else None,
            "p_value": _number(compared.p_value[index]) if shown else None,
            "q_value": _number(compared.q_value[index]) if shown else None,
        }
        for name, value in row.items():
            columns[name].append(value)
    return pa.table(columns, schema=FACT_TYPES)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _type(
    cell: Mapping[str, object],
    easy: EasyEvidence | None,
    windows: int,
    matcher: str,
    compared: StatisticResult,
    index: int,
) -> tuple[str, str, str]:
    """Type, rule and reason of one fact: the whole decision, in its order."""
    if not cell["full_match"]:
        if cell["too_long"]:
            why = "Not predicted: the prompt is longer than the model's context."
            return "not_predicted", "too_long", why
        if cell["full_match"] is None:
            why = "Not predicted: the template does not end in the object, where this model writes on."
            return "not_predicted", "not_asked", why
        return "not_predicted", "no_full_match", "Not predicted: no number of masks gave the object."
    if windows == 0:
        absent = f"No {matcher} of this Wikipedia holds subject and object"
        if easy is not None:
            return easy.kind, easy.rule, f"{absent}, but {easy.why}."
        return "transferred", "no_source", f"{absent}, and nothing gives the object away."
    hold = (
        f"1 {matcher} of this Wikipedia holds both"
        if windows == 1
        else f"{windows:,} {matcher}s of this Wikipedia hold both"
    )
    if not compared.met[index]:
        why = f"{hold}; no other language predicts the fact from a text of its own."
        return "independent", "no_partner", why
    value, p_value = compared.similarity[index], compared.p_value[index]
    if np.isnan(value) or np.isnan(p_value):
        why = f"{hold}; there are too few other facts with the same object to compare with."
        return "independent", "no_null", why
    name = f"{compared.statistic}{f' at k = {compared.k}' if compared.k else ''}"
    evidence = (
        f"nearest {compared.nearest[index]}; {name} {value:.3f}, the 95th percentile of other facts with the "
        f"same object is {compared.threshold[index]:.3f}, p = {p_value:.2g}"
    )
    if compared.shared[index]:
        why = f"{hold}; other languages represent the fact alike, beyond its object ({evidence})."
        return "shared", "above_null", why
    why = f"{hold}; no other language represents it more alike than its object explains ({evidence})."
    return "independent", "below_null", why
