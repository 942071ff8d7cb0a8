from __future__ import annotations

import pytest

from assets_tests.roots.tables import fact_types_table, rows, source_row
from factroots_dagster.roots.counts import (
    count_absent_sources,
    count_ranges,
    count_types,
    overall_absence,
)
from factroots_dagster.roots.schema import SENSITIVITY, TYPES
from factroots_dagster.tracing.schema import FACT_SOURCES


def test_types_partition_the_facts() -> None:
    table = fact_types_table(
        ("a", "qaa", "shared", True, None),
        ("b", "qaa", "transferred", False, None),
        ("a", "qab", "not_predicted", False, None),
        ("b", "qab", "shared", True, None),
    )
    counts = count_types(table).to_pylist()
    facts = {(row["language"], row["type"]): row["facts"] for row in counts}
    assert len(counts) == 3 * len(TYPES)
    for type_ in TYPES:
        assert facts["*", type_] == facts["qaa", type_] + facts["qab", type_]
    assert sum(facts["*", type_] for type_ in TYPES) == 4
    shares = [row["share"] for row in counts if row["language"] == "*"]
    assert sum(share for share in shares if share is not None) == pytest.approx(1)
    assert shares[TYPES.index("not_predicted")] is None


def test_a_range_spans_the_counts_of_all_settings() -> None:
    counts = {"0.01": 3, "0.05": 12, "0.2": 7}
    sensitivity = rows(
        SENSITIVITY,
        [
            {"language": "qaa", "axis": "alpha", "setting": setting, "type": "shared", "facts": facts}
            for setting, facts in counts.items()
        ],
    )
    assert count_ranges(sensitivity) == {("qaa", "shared"): (3, 12)}
    assert count_ranges(None) == {}


def test_absence_counts_predicted_facts_by_matcher() -> None:
    table = fact_types_table(
        ("a", "qaa", "shared", True, None),
        ("b", "qaa", "transferred", False, None),
        ("c", "qaa", "not_predicted", False, None),
        ("a", "qab", "shared", True, None),
    )
    windows = {"qaa": {"chunk": "100", "article": "110"}, "qab": {"chunk": "111"}}
    sources = [
        rows(
            FACT_SOURCES,
            [
                source_row(uuid, language, count, matcher)
                for matcher, counts in by_matcher.items()
                for uuid, count in zip("abc", map(int, counts), strict=True)
            ],
        )
        for language, by_matcher in windows.items()
    ]
    absence = count_absent_sources(table, sources)
    by_key = {(row["language"], row["matcher"]): row for row in absence.to_pylist()}
    chunk = by_key["qaa", "chunk"]
    assert (chunk["predicted"], chunk["absent"], chunk["rate"]) == (2, 1, 0.5)
    assert (chunk["stated"], chunk["false_source_rate"]) == (0.5, 0.5)
    assert by_key["qaa", "article"]["rate"] == by_key["qab", "chunk"]["rate"] == 0
    assert overall_absence(absence) == {"chunk": pytest.approx(1 / 3), "article": 0}
