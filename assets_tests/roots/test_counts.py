from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import rows, source_row
from factroots_dagster.roots.counts import lucky_guesses, source_absence, type_counts
from factroots_dagster.roots.schema import FACT_TYPES, TYPES
from factroots_dagster.tracing.schema import FACT_SOURCES


def types(*cells: tuple[str, str, str, bool, str | None]) -> pa.Table:
    """cells: (uuid, language, type, source present, easy)"""
    return rows(
        FACT_TYPES,
        [
            {
                "uuid": u,
                "language": x,
                "relation": "P36",
                "type": t,
                "reason": "",
                "source_present": s,
                "windows": int(s),
                "matcher": "chunk",
                "easy": e,
                "single_language": False,
                "statistic": "cosine",
            }
            for u, x, t, s, e in cells
        ],
    )


def test_types_partition_the_facts() -> None:
    table = types(
        ("a", "qaa", "shared", True, None),
        ("b", "qaa", "transferred", False, None),
        ("a", "qab", "not_predicted", False, None),
        ("b", "qab", "shared", True, None),
    )
    counted = type_counts(table).to_pylist()
    facts = {(row["language"], row["type"]): row["facts"] for row in counted}
    assert len(counted) == 3 * len(TYPES)
    for kind in TYPES:
        assert facts["*", kind] == facts["qaa", kind] + facts["qab", kind]
    assert sum(facts["*", kind] for kind in TYPES) == 4
    shares = [row["share"] for row in counted if row["language"] == "*"]
    assert sum(share for share in shares if share is not None) == pytest.approx(1)
    assert shares[TYPES.index("not_predicted")] is None


def test_absence_counts_predicted_facts_by_matcher() -> None:
    table = types(
        ("a", "qaa", "shared", True, None),
        ("b", "qaa", "transferred", False, None),
        ("c", "qaa", "not_predicted", False, None),
    )
    sources = rows(
        FACT_SOURCES,
        [
            source_row(u, "qaa", n, m)
            for m, counts in {"chunk": "100", "article": "110"}.items()
            for u, n in zip("abc", map(int, counts), strict=True)
        ],
    )
    found = {row["matcher"]: row for row in source_absence(table, [sources]).to_pylist()}
    assert (found["chunk"]["predicted"], found["chunk"]["absent"], found["chunk"]["rate"]) == (2, 1, 0.5)
    assert found["article"]["rate"] == 0


def lucky(*cells: Any) -> dict[str, dict[str, Any]]:
    return {row["language"]: row for row in lucky_guesses(types(*cells)).to_pylist()}


def test_luck_is_measured_on_what_no_corpus_states() -> None:
    nowhere = [
        (f"n{i}", x, "transferred" if i == 0 and x == "qaa" else "not_predicted", False, None)
        for i in range(5)
        for x in ("qaa", "qab")
    ]
    carried = [(f"t{i}", "qaa", "transferred" if i < 4 else "not_predicted", False, None) for i in range(5)]
    stated = [(f"t{i}", "qab", "shared", True, None) for i in range(5)]
    found = lucky(*nowhere, *carried, *stated)
    assert (
        found["*"]["unsourced"] == 10 and found["*"]["unsourced_predicted"] == 1 and found["*"]["rate"] == 0.1
    )
    assert found["qaa"]["without_source"] == 10 and found["qaa"]["transferred"] == 5
    assert found["qaa"]["expected_lucky"] == pytest.approx(0.1 * 5 / 0.9)
    assert found["qaa"]["transferred_net"] == pytest.approx(5 - 5 / 9)
    assert (
        found["qab"]["expected_lucky"] == 0 and found["qab"]["transferred_net"] == 0
    )  # cannot exceed the hits
    assert found["*"]["transferred_net"] == pytest.approx(5 - 5 / 9)


def test_easy_facts_are_no_evidence_of_luck() -> None:
    found = lucky(
        ("e", "qaa", "shared_tokens", False, "shared_tokens"),
        ("e", "qab", "transferred", False, None),  # easy elsewhere: not counted as unsourced
        ("s", "qaa", "shared", True, None),
    )
    assert (
        found["*"]["unsourced"] == 0 and found["*"]["rate"] is None and found["*"]["transferred_net"] is None
    )


def test_the_correction_recovers_what_was_really_carried_over() -> None:
    cells = []
    for i in range(1000):  # a fifth of the facts no corpus states is guessed
        cells.append((f"n{i}", "qaa", "transferred" if i % 5 == 0 else "not_predicted", False, None))
    for i in range(500):  # 300 of 500 facts stated elsewhere are carried over, a fifth of the others guessed
        known = i < 300 or i % 5 == 0
        cells.append((f"t{i}", "qaa", "transferred" if known else "not_predicted", False, None))
        cells.append((f"t{i}", "qab", "shared", True, None))
    found = lucky(*cells)
    assert found["qaa"]["transferred"] == 540
    assert found["qaa"]["transferred_net"] == pytest.approx(300)
