"""Totals over FACT_TYPES: counts by type, and absent sources."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.roots.markup import without_markup
from factroots_dagster.roots.schema import PREDICTED_TYPES, SOURCE_ABSENCE, TYPE_COUNTS, TYPES

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


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
