from __future__ import annotations

import pytest

from assets_tests.report.conftest import rows
from assets_tests.report.test_counts import types
from factroots_dagster.errors import InputError
from factroots_dagster.probing.schema import PROBING_SCORES
from factroots_dagster.report.comparison import checkpoint_comparison
from factroots_dagster.report.schema import CHANGED_FACTS, CHECKPOINT_COMPARISON


def scores(**values: float):
    return rows(
        PROBING_SCORES,
        [
            {"language": x, "relation": relation, "n": 10, "full_match": v}
            for x, v in values.items()
            for relation in ("*", "P1")
        ],
    )


def test_what_moves_from_one_checkpoint_to_the_next() -> None:
    tables = {
        "late": types(
            ("a", "qaa", "shared", True, None),
            ("b", "qaa", "transferred", False, None),
            ("c", "qaa", "shared", True, None),
        ),
        "early": types(("b", "qaa", "not_predicted", False, None), ("a", "qaa", "shared", True, None)),
        "unused": types(("a", "qaa", "independent", True, None)),
    }
    points = {"early": scores(qaa=0.5), "late": scores(qaa=0.75, qab=0.25)}
    table, changed = checkpoint_comparison(tables, points, ["early", "late"])
    assert table.schema.equals(CHECKPOINT_COMPARISON) and changed.schema.equals(CHANGED_FACTS)
    assert [tuple(row.values()) for row in changed.to_pylist()] == [
        ("b", "qaa", "early", "late", "not_predicted", "transferred")
    ]
    found = {(r["checkpoint"], r["language"], r["type"]): r for r in table.to_pylist()}
    assert found["early", "qaa", "shared"]["share"] == 0.5 and found["early", "qaa", "shared"]["order"] == 0
    assert (
        found["late", "qaa", "shared"]["facts"] == 2 and found["late", "qaa", "shared"]["full_match"] == 0.75
    )
    assert found["late", "*", "shared"]["full_match"] == 0.5
    for checkpoint in ("early", "late"):
        shares = [r["share"] for k, r in found.items() if k[:2] == (checkpoint, "*")]
        assert sum(shares) == pytest.approx(1)


def test_a_missing_checkpoint_is_named_and_one_alone_has_no_changes() -> None:
    tables, points = {"one": types(("a", "qaa", "shared", True, None))}, {"one": scores(qaa=1.0)}
    with pytest.raises(InputError, match="checkpoint two"):
        checkpoint_comparison(tables, points, ["one", "two"])
    assert checkpoint_comparison(tables, points, ["one"])[1].num_rows == 0
