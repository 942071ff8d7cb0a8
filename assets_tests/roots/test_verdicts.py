"""Verdicts, against probabilities multiplied by hand."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.roots.schema import FACT_TYPES, FACT_VERDICTS, KNOWN_FROM
from factroots_dagster.roots.transfer import Cells, Transfer
from factroots_dagster.roots.verdicts import LEVEL, find_predicted, judge_facts

NAN = float("nan")


def types_of(*rows: tuple[str, bool, float | None, bool], windows: int = 40) -> pa.Table:
    """FACT_TYPES of facts f0, f1, ... : type, source_present, stated_probability, whether it is easy.

    windows: of those with a source; none in so many is missed.
    """
    schema = pa.schema([field.with_nullable(True) for field in FACT_TYPES])
    listed = [
        {"uuid": f"f{number}", "language": "aa", "relation": "P1", "type": type_, "source_present": source}
        | {"stated_probability": stated, "windows": windows if source else 0}
        | {"easy": "naming_cue" if easy else None}
        for number, (type_, source, stated, easy) in enumerate(rows)
    ]
    return pa.Table.from_pylist(listed, schema=schema)


def judge(
    types: pa.Table,
    from_others: list[float],
    guess: list[float],
    coverage: dict[str, tuple[float, float]] | None = None,
) -> list[dict]:
    count = types.num_rows
    cells = Cells(
        [(uuid, "aa") for uuid in types["uuid"].to_pylist()],
        np.array(types["source_present"].to_pylist(), bool),
        np.ones(count, bool),
        np.zeros(count),
    )
    transfer = Transfer(np.array(from_others), np.array(guess))
    untrained = Transfer(np.full(count, 0.1), np.full(count, 0.1))
    table = judge_facts(find_predicted(types, cells, coverage or {}), transfer, untrained)
    assert table.schema.equals(FACT_VERDICTS)
    return table.to_pylist()


def test_probabilities_are_those_multiplied_by_hand() -> None:
    rows = judge(
        types_of(
            ("shared", True, 0.9, False),
            ("independent", True, None, False),  # not estimated: the source counts
            ("transferred", False, None, False),
            ("transferred", False, None, False),
            ("naming_cue", False, None, True),
            ("independent", True, 0.8, False),  # no partner
            ("not_predicted", False, None, False),
        ),
        from_others=[0.7, 0.2, 0.6, 0.3, 0.9, NAN, 0.9],
        guess=[0.1] * 7,
    )
    expected = [
        ("shared", [0.63, 0.27, 0.07, 0, 0.03]),
        ("independent", [0.2, 0.8, 0, 0, 0]),
        ("transferred", [0, 0, 0.6, 0, 0.4]),
        ("luck", [0, 0, 0.3, 0, 0.7]),
        ("easy", [0, 0, 0, 1, 0]),
        ("independent", [0.08, 0.72, 0, 0, 0.2]),
    ]
    assert [row["uuid"] for row in rows] == [f"f{number}" for number in range(6)]
    for row, (verdict, probabilities) in zip(rows, expected, strict=True):
        assert row["verdict"] == verdict
        assert [row[name] for name in KNOWN_FROM] == pytest.approx(probabilities)
        assert row["without_source_untrained"] == 0.1
    assert rows[0]["reason"] == "P(stated here) = 0.90; P(known without it) = 0.70."
    assert rows[5]["reason"].endswith("; no other language that has a source knows it.")


def test_what_cannot_be_told_is_undetermined_with_its_reason() -> None:
    untested, unclear = judge(
        types_of(("independent", True, 0.9, False), ("shared", True, 0.6, False)), [NAN, 0.6], [NAN, 0.1]
    )
    assert untested["verdict"] == "undetermined" and untested["shared"] is None
    assert "Too few facts without a source" in untested["reason"]
    assert unclear["verdict"] == "undetermined" and unclear["shared"] == pytest.approx(0.36)
    assert "No type reaches" in unclear["reason"]


def test_a_fact_without_a_source_may_be_stated_all_the_same() -> None:
    types = types_of(("shared", True, 0.9, False), ("transferred", False, None, False), windows=1)
    found, missed = judge(types, [0.6, 0.6], [0.1, 0.1])
    miss = 1 - 0.95**2
    stated = 0.9 * miss / (1 - miss)  # one fact found in one window, one not found
    assert found["stated"] == 0.9 and missed["stated"] == pytest.approx(stated)
    assert missed["shared"] == pytest.approx(0.6 * stated)
    assert missed["transferred"] == pytest.approx(0.6 * (1 - stated))
    assert missed["reason"].startswith("P(stated here) = 0.10 though no source was found; P(known")


def test_without_a_source_nothing_is_said_where_most_statements_are_missed() -> None:
    types = types_of(("shared", True, 0.9, False), ("transferred", False, None, False))
    found, missed = judge(types, [0.6, 0.9], [0.1, 0.1], coverage={"aa": (70, 30)})
    assert found["verdict"] == "shared"
    assert missed["verdict"] == "undetermined" and missed["transferred"] > LEVEL
    assert "too few forms of names" in missed["reason"]
    seen = judge(types, [0.6, 0.9], [0.1, 0.1], coverage={"aa": (72, 28)})
    assert seen[1]["verdict"] == "transferred"


PROBABILITY = st.floats(0, 1)


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(
            st.booleans(), st.none() | PROBABILITY, st.booleans(), PROBABILITY | st.just(NAN), PROBABILITY
        ),
        min_size=1,
        max_size=8,
    )
)
def test_probabilities_are_whole_and_the_verdict_is_the_largest(facts: list[tuple]) -> None:
    types = types_of(*(("shared", source, stated, easy) for source, stated, easy, *_ in facts))
    rows = judge(types, [fact[3] for fact in facts], [fact[4] for fact in facts])
    for row in rows:
        values = {name: row[name] for name in KNOWN_FROM}
        assert sum(values.values()) == pytest.approx(1)
        assert all(0 <= value <= 1 for value in values.values())
        if row["verdict"] == "undetermined":
            assert max(values.values()) < LEVEL
        else:
            assert values[row["verdict"]] == max(values.values()) >= LEVEL
