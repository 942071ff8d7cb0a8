"""Totals over FACT_TYPES: counts by type, absent sources, and how many hits are lucky guesses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.markup import without_markup
from factroots_dagster.roots.schema import LUCK, PREDICTED_TYPES, SOURCE_ABSENCE, TYPE_COUNTS, TYPES

CountRanges = Mapping[tuple[str, str], tuple[int, int]]
"""(language, type) to the smallest and the largest count."""


def count_types(types: pa.Table) -> pa.Table:
    """TYPE_COUNTS: a row for every language and type (zeros too), languages sorted, "*" for all last.

    types: FACT_TYPES of any number of languages.
    """
    grouped = types.group_by(["language", "type"]).aggregate([("uuid", "count")])
    counts: Counter[tuple[str, str]] = Counter()
    for row in grouped.to_pylist():
        for language in (row["language"], "*"):
            counts[language, row["type"]] += row["uuid_count"]
    rows = []
    for language in [*sorted(set(types["language"].to_pylist())), "*"]:
        predicted = sum(counts[language, type_] for type_ in PREDICTED_TYPES)
        for type_ in TYPES:
            facts = counts[language, type_]
            share = _share(facts, predicted) if type_ in PREDICTED_TYPES else None
            rows.append({"language": language, "type": type_, "facts": facts, "share": share})
    return pa.Table.from_pylist(rows, schema=TYPE_COUNTS)


def counts_by_language(types: pa.Table) -> dict[str, dict[str, int]]:
    """Language ("*" for all) to type to number of facts. types: FACT_TYPES of any number of languages."""
    counts: dict[str, dict[str, int]] = {}
    for row in count_types(types).to_pylist():
        counts.setdefault(row["language"], {})[row["type"]] = row["facts"]
    return counts


def count_ranges(sensitivity: pa.Table | None) -> CountRanges:
    """The smallest and the largest count over all settings of SENSITIVITY; empty without that table."""
    ranges: dict[tuple[str, str], tuple[int, int]] = {}
    for row in sensitivity.to_pylist() if sensitivity is not None else ():
        key = (row["language"], row["type"])
        low, high = ranges.get(key, (row["facts"], row["facts"]))
        ranges[key] = (min(low, row["facts"]), max(high, row["facts"]))
    return ranges


def count_absent_sources(types: pa.Table, sources: Iterable[pa.Table]) -> pa.Table:
    """SOURCE_ABSENCE: how many predicted facts have no source, or one that states nothing, by language and
    matcher.

    Absence depends on the window and on the names that are looked for, so every matcher is counted.
    types: FACT_TYPES of any number of languages. sources: FACT_SOURCES by language, consumed one by
    one. Matchers on what is no text (`markup.BY_PAGE`) are left out.
    """
    predicted = types.filter(pc.not_equal(types["type"], "not_predicted"))
    rows = []
    for table in map(without_markup, sources):
        for language in sorted(set(table["language"].to_pylist())):
            uuids = predicted.filter(pc.equal(predicted["language"], language))["uuid"].combine_chunks()
            own = table.filter(pc.and_(pc.equal(table["language"], language), pc.is_in(table["uuid"], uuids)))
            for matcher in sorted(set(table["matcher"].to_pylist())):
                matched = own.filter(pc.equal(own["matcher"], matcher))
                absent = pc.sum(pc.equal(matched["windows"], 0)).as_py() or 0
                found = matched.num_rows - absent
                stated = pc.sum(matched["stated_probability"]).as_py() or 0.0
                rows.append(
                    {
                        "language": language,
                        "matcher": matcher,
                        "predicted": matched.num_rows,
                        "absent": absent,
                        "rate": _share(absent, matched.num_rows),
                        "stated": stated,
                        "false_source_rate": 1 - stated / found if found else None,
                    }
                )
    rows.sort(key=lambda row: (row["language"], row["matcher"]))
    return pa.Table.from_pylist(rows, schema=SOURCE_ABSENCE)


def overall_absence(absence: pa.Table) -> dict[str, float | None]:
    """Matcher to the share of all languages' predicted facts without a source; None without such facts."""
    totals = absence.group_by("matcher").aggregate([("predicted", "sum"), ("absent", "sum")]).to_pylist()
    return {row["matcher"]: _share(row["absent_sum"], row["predicted_sum"]) for row in totals}


def estimate_luck(types: pa.Table) -> pa.Table:
    """LUCK: how many transferred facts are expected to be guesses that happen to be right.

    A fact that none of the corpora states can only be guessed (or known from elsewhere). The share of such
    facts that is predicted all the same, taken over all languages, is the luck rate r. Of n facts without a
    source in a language, h are predicted; if each is either known or guessed at rate r, then
    r (n - h) / (1 - r) of the hits are guesses (the correction for guessing of multiple-choice tests). Easy
    facts stay out on both sides. If only some languages were traced, or the model was trained on more than
    Wikipedia, some facts only seem to be unsourced: the rate is then an upper bound.

    types: FACT_TYPES of any number of languages. The languages are sorted; the last row, "*", has the sums.
    """
    sourced = pc.unique(types.filter(types["source_present"])["uuid"])
    plain = types.filter(pc.and_(pc.is_null(types["easy"]), pc.invert(types["source_present"])))
    # A fact that is easy in one language is not counted as unsourced in any.
    easy = pc.unique(types.filter(pc.is_valid(types["easy"]))["uuid"])
    unsourced = pc.and_(pc.invert(pc.is_in(plain["uuid"], sourced)), pc.invert(pc.is_in(plain["uuid"], easy)))
    counts = ("unsourced", "unsourced_predicted", "without_source", "transferred")
    rows: list[dict[str, Any]] = []
    for language in sorted(set(types["language"].to_pylist())):
        in_language = pc.equal(plain["language"], language)
        parts = (plain.filter(pc.and_(in_language, unsourced)), plain.filter(in_language))
        numbers = (number for part in parts for number in (part.num_rows, _count_predicted(part)))
        rows.append({"language": language, **dict(zip(counts, numbers, strict=True))})
    total: dict[str, Any] = {"language": "*"} | {key: sum(row[key] for row in rows) for key in counts}
    rate = _share(total["unsourced_predicted"], total["unsourced"])
    for row in rows:
        row["rate"] = _share(row["unsourced_predicted"], row["unsourced"])
        row["expected_lucky"] = _expected_guesses(row["without_source"], row["transferred"], rate)
        row["transferred_net"] = None if rate is None else row["transferred"] - row["expected_lucky"]
    total["rate"] = rate
    for key in ("expected_lucky", "transferred_net"):
        total[key] = sum(row[key] for row in rows) if rate is not None else None
    return pa.Table.from_pylist([*rows, total], schema=LUCK)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _expected_guesses(facts: int, hits: int, rate: float | None) -> float | None:
    """Expected number of guesses among the hits, never more than the hits."""
    if rate is None:
        return None
    return float(hits) if rate == 1 else min(rate * (facts - hits) / (1 - rate), float(hits))


def _count_predicted(types: pa.Table) -> int:
    return pc.sum(pc.not_equal(types["type"], "not_predicted")).as_py() or 0
