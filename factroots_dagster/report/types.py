"""The type of every fact in one language, and the rule, evidence and language pair behind it.

First match wins: not predicted; without a source and easy (shared tokens, naming cue); without a
source (transferred); with a source and represented as in another language (shared); with a source
(independent). Zhao, Yoshinaga and Oba (EACL 2024) define all but the split of the last two, for
which their code has no rule; ours compares with other facts that have the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.report.schema import FACT_TYPES

NAMING_CUE_RELATIONS = frozenset({"P17", "P27", "P103", "P140", "P1412"})
"""Country, citizenship, native language, religion, languages spoken: what a name alone suggests."""

THRESHOLD_COLUMNS = {"jaccard": "same_object_q90_jaccard", "cosine": "same_object_q90_cosine"}
RULES = ("null_q90", "q_value")
Tokenize = Callable[[list[str]], Sequence[Sequence[int]]]


@dataclass(frozen=True)
class Nearest:
    """The other language whose neurons come nearest for one fact, and whether that counts as shared."""

    language: str
    similarity: float
    threshold: float | None
    p_value: float | None
    q_value: float | None
    shared: bool


def fact_types(
    split: pa.Table,
    predictions: pa.Table,
    sources: pa.Table,
    similarity: pa.Table,
    pairs: pa.Table,
    *,
    nearest: pa.Table | None = None,
    matcher: str = "chunk",
    statistic: str = "cosine",
    rule: str = "null_q90",
    alpha: float = 0.05,
    tokenize: Tokenize | None = None,
) -> pa.Table:
    """Types of one language's facts, as FACT_TYPES, in the order of `predictions`.

    Args:
        split: MLAMA_SPLIT of the language.
        predictions: PREDICTIONS of the language.
        sources: FACT_SOURCES of the language; a fact's source is present when the matcher found at
            least one window.
        similarity: NEURON_SIMILARITY rows that touch the language (others are passed over).
        pairs: SIMILARITY_PAIRS, for the thresholds. Where a pair has no same-object null, the median
            threshold of the other pairs stands in.
        nearest: NEAREST_LANGUAGE. When given, and the statistic is "cosine", its null replaces the pairs':
            it holds what other facts of the object reach in *their* nearest language, and so pays for
            having many languages to choose from.
        matcher: a matcher of `sources`. "chunk" is nearest to the paper's 512-wordpiece window.
        statistic: "jaccard" of the top neurons (the paper's) or "cosine" of centred activations. Cosine
            with `nearest` agreed best with the planted link in generated worlds.
        rule: "null_q90": shared when the similarity to one other language lies above the 90th
            percentile of the pair's same-object null; "q_value": when one pair's Benjamini-Hochberg
            corrected p-value is at most `alpha`.
        alpha: level of the "q_value" rule.
        tokenize: labels to token ids without special tokens; None leaves out the rule "subject and
            object share a wordpiece".

    Raises:
        InputError: unknown matcher, statistic or rule, or tables that do not hold the same facts.
    """
    if statistic not in THRESHOLD_COLUMNS:
        raise InputError(f"unknown statistic {statistic!r}; choose {' or '.join(THRESHOLD_COLUMNS)}")
    if rule not in RULES:
        raise InputError(f"unknown rule {rule!r}; choose {' or '.join(RULES)}")
    windows = _windows(sources, matcher)
    facts = {
        row["uuid"]: row
        for row in split.select(["uuid", "subject", "object", "object_in_subject"]).to_pylist()
    }
    cells = predictions.select(
        ["uuid", "language", "relation", "full_match", "too_long", "object_ids"]
    ).to_pylist()
    missing = next(
        (cell["uuid"] for cell in cells if cell["uuid"] not in facts or cell["uuid"] not in windows), None
    )
    if missing is not None:
        raise InputError(
            f"fact {missing} is predicted but has no row in mlama_split or fact_sources; build them again"
        )
    language = cells[0]["language"] if cells else ""
    easy = _easy(cells, facts, windows, language, tokenize)
    if nearest is not None and statistic == "cosine":
        found = _of_all_languages(nearest, language, rule, alpha)
    else:
        thresholds = _thresholds(pairs, THRESHOLD_COLUMNS[statistic])
        found = _pair_by_pair(similarity, language, statistic, thresholds, rule, alpha)
    columns: dict[str, list[object]] = {name: [] for name in FACT_TYPES.names}
    for cell in cells:
        uuid = cell["uuid"]
        near = found.get(uuid) if cell["full_match"] else None
        kind, reason = _type(cell, easy.get(uuid), windows[uuid], matcher, near, statistic, rule)
        row = {
            "uuid": uuid,
            "language": language,
            "relation": cell["relation"],
            "type": kind,
            "reason": reason,
            "source_present": windows[uuid] > 0,
            "windows": windows[uuid],
            "matcher": matcher,
            "easy": easy.get(uuid, (None, ""))[0],
            "single_language": bool(cell["full_match"]) and near is None,
            "nearest_language": near and near.language,
            "statistic": statistic,
            "similarity": near and near.similarity,
            "threshold": near and near.threshold,
            "p_value": near and near.p_value,
            "q_value": near and near.q_value,
        }
        for name, value in row.items():
            columns[name].append(value)
    return pa.table(columns, schema=FACT_TYPES)


def _type(
    cell: Mapping[str, object],
    easy: tuple[str, str] | None,
    windows: int,
    matcher: str,
    near: Nearest | None,
    statistic: str,
    rule: str,
) -> tuple[str, str]:
    """Type and reason of one fact: the whole decision, in its order."""
    if not cell["full_match"]:
        why = "no number of masks gave the object"
        if cell["too_long"]:
            why = "the prompt is longer than the model's context"
        elif cell["full_match"] is None:
            why = "the template does not end in the object, which is where this model writes on"
        return "not_predicted", f"Not predicted: {why}."
    if windows == 0:
        absent = f"No {matcher} of this Wikipedia holds subject and object"
        if easy is not None:
            return easy[0], f"{absent}, but {easy[1]}."
        return "transferred", f"{absent}, and nothing gives the object away."
    hold = (
        f"1 {matcher} of this Wikipedia holds"
        if windows == 1
        else f"{windows:,} {matcher}s of this Wikipedia hold"
    )
    if near is None:
        return "independent", f"{hold} both; no other language predicts the fact from a text of its own."
    verdict = "the neurons are those of another language" if near.shared else "no language's are near enough"
    evidence = f"{near.language}: {statistic} {near.similarity:.3f}; {_bound(near, rule)}"
    return ("shared" if near.shared else "independent"), f"{hold} both; {verdict} ({evidence})."


def _bound(near: Nearest, rule: str) -> str:
    """What the similarity was held against, in words."""
    if rule == "q_value":
        return "no null to test against" if near.q_value is None else f"q = {near.q_value:.3g}"
    if near.threshold is None:
        return "no other fact has the same object"
    return f"90th percentile of other facts with the same object {near.threshold:.3f}"


def _windows(sources: pa.Table, matcher: str) -> dict[str, int]:
    chosen = sources.filter(pc.equal(sources["matcher"], matcher))
    if sources.num_rows and not chosen.num_rows:
        known = ", ".join(sorted(set(sources["matcher"].to_pylist())))
        raise InputError(f"fact_sources knows no matcher {matcher!r}; choose one of {known}")
    return dict(zip(chosen["uuid"].to_pylist(), chosen["windows"].to_pylist(), strict=True))


def _easy(
    cells: list[dict],
    facts: Mapping[str, Mapping[str, object]],
    windows: Mapping[str, int],
    language: str,
    tokenize: Tokenize | None,
) -> dict[str, tuple[str, str]]:
    """Facts without a source whose object the name gives away: uuid to (rule, what happened)."""
    absent = [cell for cell in cells if windows[cell["uuid"]] == 0]
    inside = _inside([facts[cell["uuid"]] for cell in absent], language)
    subjects = [str(facts[cell["uuid"]]["subject"]) for cell in absent]
    pieces = tokenize(subjects) if tokenize and subjects else [()] * len(subjects)
    found = {}
    for cell, within, subject_ids in zip(absent, inside, pieces, strict=True):
        if within:
            found[cell["uuid"]] = ("shared_tokens", "the subject's name holds the object")
        elif not set(subject_ids).isdisjoint(cell["object_ids"]):
            found[cell["uuid"]] = ("shared_tokens", "subject and object share a wordpiece")
        elif cell["relation"] in NAMING_CUE_RELATIONS:
            found[cell["uuid"]] = ("naming_cue", f"{cell['relation']} is often told by a name alone")
    return found


def _inside(rows: Sequence[Mapping[str, object]], language: str) -> list[bool]:
    """Lower-cased object inside lower-cased subject; Chinese after conversion to simplified script."""
    if language != "zh":
        return [bool(row["object_in_subject"]) for row in rows]
    from opencc import OpenCC

    simplified = OpenCC("t2s").convert
    return [simplified(str(row["object"]).lower()) in simplified(str(row["subject"]).lower()) for row in rows]


def _thresholds(pairs: pa.Table, column: str) -> dict[tuple[str, str], float | None]:
    keys = zip(pairs["language_a"].to_pylist(), pairs["language_b"].to_pylist(), strict=True)
    values = [value if value is not None and value == value else None for value in pairs[column].to_pylist()]
    known = [value for value in values if value is not None]
    fallback = median(known) if known else None
    return {key: fallback if value is None else value for key, value in zip(keys, values, strict=True)}


def _of_all_languages(nearest: pa.Table, language: str, rule: str, alpha: float) -> dict[str, Nearest]:
    """The nearest language of each fact as NEAREST_LANGUAGE tells it, judged by the rule."""
    found = {}
    for row in nearest.filter(pc.equal(nearest["language"], language)).to_pylist():
        value, threshold, q_value = row["cosine"], row["null_q90"], row["q_value"]
        if value is None or row["nearest_language"] is None:
            continue
        if rule == "q_value":
            shared = q_value is not None and q_value <= alpha
        else:
            shared = threshold is not None and value > threshold
        near = Nearest(row["nearest_language"], value, threshold, row["p_value"], q_value, shared)
        found[row["uuid"]] = near
    return found


def _pair_by_pair(
    similarity: pa.Table,
    language: str,
    statistic: str,
    thresholds: Mapping[tuple[str, str], float | None],
    rule: str,
    alpha: float,
) -> dict[str, Nearest]:
    """For each fact the pair that speaks most for sharing: furthest above its threshold, or smallest q."""
    touches = pc.or_(
        pc.equal(similarity["language_a"], language), pc.equal(similarity["language_b"], language)
    )
    usable = pc.and_(touches, pc.invert(pc.fill_null(similarity["identical_input"], False)))
    rows = similarity.filter(usable).select(
        ["uuid", "language_a", "language_b", statistic, "p_value", "q_value"]
    )
    best: dict[str, tuple[tuple[float, float], Nearest]] = {}
    for row in rows.to_pylist():
        value = row[statistic]
        if value is None or value != value:
            continue
        threshold = thresholds.get((row["language_a"], row["language_b"]))
        q_value = row["q_value"]
        if rule == "q_value":
            shared = q_value is not None and q_value <= alpha
            rank = (-q_value if q_value is not None else -2.0, value)
        else:
            shared = threshold is not None and value > threshold
            rank = (value - threshold if threshold is not None else -2.0, value)
        other = row["language_b"] if row["language_a"] == language else row["language_a"]
        near = Nearest(other, value, threshold, row["p_value"], q_value, shared)
        held = best.get(row["uuid"])
        if held is None or rank > held[0] or (rank == held[0] and other < held[1].language):
            best[row["uuid"]] = (rank, near)
    return {uuid: near for uuid, (_, near) in best.items()}
