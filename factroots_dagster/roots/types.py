"""The type of every fact in one language, with the rule and the evidence behind it.

The first rule that applies decides: not predicted; easy, without a source (shared tokens, naming cue);
transferred, without a source; shared, with a source and represented as in another language; independent, with
a source. Zhao, Yoshinaga and Oba (EACL 2024) define all of these except how to separate the last two, for
which their code has no rule. Ours asks whether the fact is closer to itself in the other languages than other
facts with the same object are (`neurons.nearest`), at level ALPHA of that null.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.roots.corpora import corpora_of, describe_corpora
from factroots_dagster.roots.easy import (
    EasyEvidence,
    Tokenize,
    check_easy_rule,
    find_name_cues,
    find_relation_cues,
    find_shared_tokens,
)
from factroots_dagster.roots.easy_effects import list_unsourced
from factroots_dagster.roots.evidence import StatisticResult, collect_results, empty_result
from factroots_dagster.roots.markup import UNITS, markup_windows, pool_sources, without_markup
from factroots_dagster.roots.schema import FACT_TYPES
from factroots_dagster.roots.variants import tabulate_variants
from factroots_dagster.tables import none_if_nan, zip_columns

DEFAULT_MATCHER = "chunk_with_forms"
"""The chunk is nearest to the paper's window of 512 wordpieces, whose matcher sees inflected names, too. By
labels alone absence follows from morphology and cannot be compared between languages."""
DEFAULT_STATISTIC = "evidence"
DEFAULT_EASY_RULE = "name"


class TypingResult(NamedTuple):
    """The tables of one language: FACT_TYPES, VARIANTS and UNSOURCED."""

    types: pa.Table
    variants: pa.Table
    unsourced: pa.Table


class _Decision(NamedTuple):
    type: str
    rule: str
    reason: str


def categorize_facts(
    split: pa.Table,
    predictions: pa.Table,
    sources: pa.Table,
    nearest: pa.Table,
    *,
    matcher: str = DEFAULT_MATCHER,
    statistic: str = DEFAULT_STATISTIC,
    k: int | None = None,
    easy_rule: str = DEFAULT_EASY_RULE,
    tokenize: Tokenize | None = None,
    corpora: Collection[str] | None = None,
    with_markup: bool = False,
) -> TypingResult:
    """Types of one language's facts, in the order of `predictions`, and their types under other settings.

    split, predictions, sources: MLAMA_SPLIT, PREDICTIONS, FACT_SOURCES of the language; a fact has a source
    when the matcher found at least one window. nearest: NEAREST_LANGUAGE of any languages. matcher: one of
    `sources`. statistic, k: of `nearest`; "evidence" agreed best with the planted link in generated worlds,
    "jaccard" of the top k neurons is the paper's. easy_rule: how naming cues are recognized, one of
    easy.EASY_RULES. tokenize: turns labels into token ids without special tokens; None leaves out the rule
    "subject and object share a wordpiece". corpora: those in which sources count; None for all of `sources`.
    with_markup: whether what stands in infoboxes, tables, lists, headings and quotations is a source, too.
    Raises InputError for an unknown matcher, statistic or rule, for tables of different facts, and where
    `sources` has none of the corpora.
    """
    check_easy_rule(easy_rule)
    facts = {row["uuid"]: row for row in split.to_pylist()}
    columns = ("uuid", "language", "relation", "full_match", "too_long", "object_ids")
    rows = predictions.select(columns).to_pylist()
    uuids = [row["uuid"] for row in rows]
    searched = describe_corpora(corpora_of(sources, corpora))
    pooled = pool_sources(sources, corpora, with_markup=with_markup)
    in_text = without_markup(pooled)
    windows = _windows_by_matcher(in_text, uuids, matcher)
    beside = markup_windows(pooled) if with_markup else None
    for uuid in uuids:
        if uuid not in facts or any(uuid not in counts for counts in windows.values()):
            raise InputError(
                f"fact {uuid} is predicted but has no row in mlama_split or fact_sources",
                "materialize mlama_split and fact_sources of its language again",
            )
    results = collect_results(nearest, rows[0]["language"] if rows else "", uuids)
    chosen = _choose_result(results, statistic, k, len(rows))
    unsourced = [row for row in rows if any(not counts[row["uuid"]] for counts in windows.values())]
    unsourced_facts = [facts[row["uuid"]] for row in unsourced]
    tokens = find_shared_tokens(unsourced_facts, [row["object_ids"] for row in unsourced], tokenize)
    by_name, by_relation = find_name_cues(split), find_relation_cues(unsourced_facts)
    easy = {"name": by_name | tokens, "relation": by_relation | tokens, "none": tokens}
    stated = {
        uuid: value
        for name, uuid, value in zip_columns(in_text, "matcher", "uuid", "stated_probability")
        if name == matcher
    }
    settings = (matcher, easy_rule, (searched, beside))
    types = _tabulate_types(rows, windows[matcher], stated, easy[easy_rule], chosen, *settings)
    present = {name: np.array([counts[uuid] > 0 for uuid in uuids], bool) for name, counts in windows.items()}
    return TypingResult(
        types,
        tabulate_variants(predictions, present, easy, results or [chosen]),
        list_unsourced(rows, facts, windows[matcher], (tokens, by_name, by_relation)),
    )


def _choose_result(
    results: Sequence[StatisticResult], statistic: str, k: int | None, facts: int
) -> StatisticResult:
    """The result of one statistic; an empty one where nothing was compared at all."""
    if not results:
        return empty_result(statistic, k, facts)
    for result in results:
        if (result.statistic, result.k) == (statistic, k):
            return result
    labels = dict.fromkeys(result.label for result in results)
    raise InputError(f"unknown statistic {statistic!r} at k = {k}", f"choose one of {', '.join(labels)}")


def _windows_by_matcher(sources: pa.Table, uuids: Sequence[str], matcher: str) -> dict[str, dict[str, int]]:
    """Matcher to uuid to number of windows; `matcher` must be one of them."""
    windows: dict[str, dict[str, int]] = {}
    for name, uuid, count in zip_columns(sources, "matcher", "uuid", "windows"):
        windows.setdefault(name, {})[uuid] = count
    if uuids and windows and matcher not in windows:
        raise InputError(
            f"fact_sources has no matcher {matcher!r}", f"choose one of {', '.join(sorted(windows))}"
        )
    return windows or {matcher: {}}


def _tabulate_types(
    rows: Sequence[Mapping[str, Any]],
    windows: Mapping[str, int],
    stated: Mapping[str, float],
    easy: Mapping[str, EasyEvidence],
    result: StatisticResult,
    matcher: str,
    easy_rule: str,
    searched_in: tuple[str, Mapping[str, Mapping[str, int]] | None],
) -> pa.Table:
    """FACT_TYPES. rows: of PREDICTIONS, aligned with `result`. windows, stated: of each fact, by uuid.
    searched_in: the corpora, for people, and `markup_windows` if these count.
    """
    typed = []
    for index, row in enumerate(rows):
        uuid, count = row["uuid"], windows[row["uuid"]]
        evidence = easy.get(uuid) if count == 0 else None
        found = describe_windows(matcher, uuid, count, *searched_in)
        decision = _decide(row, evidence, count > 0, found, result, index)
        compared = bool(row["full_match"]) and np.isfinite(result.similarity[index])
        values = {
            **{name: row[name] for name in ("uuid", "language", "relation")},
            **decision._asdict(),
            "source_present": count > 0,
            "windows": count,
            "stated_probability": stated.get(uuid) if count else None,
            "matcher": matcher,
            "easy": evidence and evidence.type,
            "easy_rule": easy_rule,
            "cue": evidence and evidence.cue,
            "cue_facts": evidence and evidence.facts,
            "cue_hits": evidence and evidence.hits,
            "cue_p": evidence and evidence.p_value,
            "single_language": bool(row["full_match"]) and not result.has_partner[index],
            "statistic": result.statistic,
            "k": result.k,
        }
        if compared:
            values["nearest_language"], values["similarity"] = result.nearest[index], result.similarity[index]
            for name in ("threshold", "p_value", "q_value"):
                values[name] = none_if_nan(getattr(result, name)[index])
        typed.append(values)
    return pa.Table.from_pylist(typed, schema=FACT_TYPES)


def _decide(
    row: Mapping[str, object],
    easy: EasyEvidence | None,
    has_source: bool,
    found: str,
    result: StatisticResult,
    index: int,
) -> _Decision:
    """The whole decision about one fact, rule by rule. found: see `describe_windows`."""
    if not row["full_match"]:
        return _decide_not_predicted(row)
    if not has_source:
        if easy is not None:
            return _Decision(easy.type, easy.rule, f"{found}, but {easy.reason}.")
        return _Decision("transferred", "no_source", f"{found}, and nothing gives the object away.")
    if not result.has_partner[index]:
        reason = f"{found}; no other language predicts the fact from a text of its own."
        return _Decision("independent", "no_partner", reason)
    value, p_value = result.similarity[index], result.p_value[index]
    if np.isnan(value) or np.isnan(p_value):
        reason = f"{found}; there are too few other facts with the same object to compare with."
        return _Decision("independent", "no_null", reason)
    evidence = (
        f"nearest {result.nearest[index]}; {result.label} {value:.3f}, the 95th percentile of other facts "
        f"with the same object is {result.threshold[index]:.3f}, p = {p_value:.2g}"
    )
    if result.shared[index]:
        reason = f"{found}; other languages represent the fact alike, beyond its object ({evidence})."
        return _Decision("shared", "above_null", reason)
    reason = f"{found}; no other language represents it more alike than its object explains ({evidence})."
    return _Decision("independent", "below_null", reason)


def describe_windows(
    matcher: str,
    uuid: str,
    windows: int,
    searched: str,
    beside: Mapping[str, Mapping[str, int]] | None,
) -> str:
    """The beginning of a reason: where a fact was found. beside: of `windows`, those of MARKUP."""
    window = matcher.partition("_with_")[0]
    if windows == 0:
        places = [window, *UNITS.values()] if beside is not None else [window]
        return f"No {' or '.join(places)} of {searched} holds subject and object"
    own = (beside or {}).get(uuid, {})
    counts = {window: windows - sum(own.values())} | {UNITS[name]: count for name, count in own.items()}
    parts = [f"{count:,} {unit}{'s' if count > 1 else ''}" for unit, count in counts.items() if count]
    return f"{' and '.join(parts)} of {searched} {'holds' if windows == 1 else 'hold'} both"


def _decide_not_predicted(row: Mapping[str, object]) -> _Decision:
    if row["too_long"]:
        reason = "Not predicted: the prompt is longer than the model's context."
        return _Decision("not_predicted", "too_long", reason)
    if row["full_match"] is None:
        reason = "Not predicted: the relation has no two objects for this model to choose from."
        return _Decision("not_predicted", "not_asked", reason)
    return _Decision("not_predicted", "no_full_match", "Not predicted: the model answers otherwise.")
