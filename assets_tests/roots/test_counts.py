from __future__ import annotations

from typing import Any

import pytest

from assets_tests.roots.tables import fact_types_table, rows, source_row
from factroots_dagster.roots.counts import (
    count_absent_sources,
    count_ranges,
    count_types,
    estimate_luck,
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


def estimates(*facts: Any) -> dict[str, dict[str, Any]]:
    return {row["language"]: row for row in estimate_luck(fact_types_table(*facts)).to_pylist()}


def test_luck_is_measured_on_facts_that_no_corpus_states() -> None:
    nowhere = [
        (f"n{i}", language, "transferred" if i == 0 and language == "qaa" else "not_predicted", False, None)
        for i in range(5)
        for language in ("qaa", "qab")
    ]
    carried = [(f"t{i}", "qaa", "transferred" if i < 4 else "not_predicted", False, None) for i in range(5)]
    stated = [(f"t{i}", "qab", "shared", True, None) for i in range(5)]
    luck = estimates(*nowhere, *carried, *stated)
    total, qaa, qab = (luck[language] for language in ("*", "qaa", "qab"))
    assert (total["unsourced"], total["unsourced_predicted"], total["rate"]) == (10, 1, 0.1)
    assert (qaa["without_source"], qaa["transferred"]) == (10, 5)
    assert qaa["expected_lucky"] == pytest.approx(0.1 * 5 / 0.9)
    assert qaa["transferred_net"] == pytest.approx(5 - 5 / 9)
    assert qab["expected_lucky"] == qab["transferred_net"] == 0  # no more guesses than hits
    assert total["transferred_net"] == pytest.approx(5 - 5 / 9)


def test_easy_facts_are_no_evidence_of_luck() -> None:
    total = estimates(
        ("e", "qaa", "shared_tokens", False, "shared_tokens"),
        ("e", "qab", "transferred", False, None),  # easy in another language: not counted as unsourced
        ("s", "qaa", "shared", True, None),
    )["*"]
    assert total["unsourced"] == 0 and total["rate"] is None and total["transferred_net"] is None


def test_the_correction_recovers_the_facts_that_were_carried_over() -> None:
    facts = []
    for i in range(1000):  # a fifth of the facts that no corpus states is guessed
        facts.append((f"n{i}", "qaa", "transferred" if i % 5 == 0 else "not_predicted", False, None))
    for i in range(500):  # of 500 facts stated elsewhere 300 are carried over, a fifth of the others guessed
        known = i < 300 or i % 5 == 0
        facts.append((f"t{i}", "qaa", "transferred" if known else "not_predicted", False, None))
        facts.append((f"t{i}", "qab", "shared", True, None))
    qaa = estimates(*facts)["qaa"]
    assert qaa["transferred"] == 540
    assert qaa["transferred_net"] == pytest.approx(300)
