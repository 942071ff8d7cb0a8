from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sklearn.metrics import balanced_accuracy_score

from assets_tests.report.conftest import rows, source_row
from assets_tests.roots.test_counts import types
from factroots_dagster.roots.planted import planted_agreement
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.tracing.schema import FACT_SOURCES


def truth(*cells: tuple[str, str, str, bool]) -> pa.Table:
    return rows(
        PLANTED_TRUTH,
        [
            {
                "uuid": u,
                "language": x,
                "relation": "P36",
                "kind": k,
                "stated": s,
                "fact_kind": k,
                "mentioned": True,
                "distractor": False,
            }
            for u, x, k, s in cells
        ],
    )


CELLS = [  # uuid, planted, type
    ("a", "shared", "shared"),
    ("b", "shared", "independent"),
    ("c", "shared", "shared"),
    ("d", "shared", "not_predicted"),
    ("e", "independent", "independent"),
    ("f", "independent", "shared"),
    ("g", "transferred", "transferred"),
    ("h", "transferred", "naming_cue"),
    ("i", "transferred", "transferred"),
    ("j", "unknown", "transferred"),
    ("k", "unlinked", "not_predicted"),
    ("l", "unknown", "not_predicted"),
    ("m", "easy_name", "naming_cue"),
]


@pytest.fixture
def agreement() -> dict[str, Any]:
    stated = {"shared", "independent"}
    table = types(
        *((u, "qaa", t, k in stated, None) for u, k, t in CELLS), ("zz", "qaa", "shared", True, None)
    )
    sources = rows(FACT_SOURCES, [source_row(u, "qaa", int(u in "abcej")) for u, _, _ in CELLS])
    return planted_agreement(table, truth(*((u, "qaa", k, k in stated) for u, k, _ in CELLS)), [sources])


def test_scores_equal_those_of_scikit_learn(agreement: dict[str, Any]) -> None:
    three = [
        (k, t) for _, k, t in CELLS if k in ("shared", "independent", "transferred") and t != "not_predicted"
    ]
    assert agreement["cells"] == len(three) == 8
    assert agreement["accuracy"] == sum(k == t for k, t in three) / 8
    with pytest.warns(UserWarning):  # naming_cue is never planted here
        expected = balanced_accuracy_score([k for k, _ in three], [t for _, t in three])
    assert agreement["balanced_accuracy"] == pytest.approx(expected)
    assert agreement["balanced_accuracy_low"] <= expected <= agreement["balanced_accuracy_high"]
    assert agreement["recall"] == pytest.approx({"shared": 2 / 3, "independent": 1 / 2, "transferred": 2 / 3})
    assert agreement["precision"] == pytest.approx({"shared": 2 / 3, "independent": 1 / 2, "transferred": 1})


def test_luck_and_confusion_and_p_at_1(agreement: dict[str, Any]) -> None:
    assert agreement["luck_rate"] == pytest.approx(1 / 3)
    assert agreement["transferred_precision_with_luck"] == pytest.approx(2 / 3)
    assert agreement["confusion"]["transferred"] == {
        "shared": 0,
        "independent": 0,
        "transferred": 2,
        "naming_cue": 1,
        "shared_tokens": 0,
    }
    assert agreement["p_at_1"]["shared"]["n"] == 4 and agreement["p_at_1"]["shared"]["full_match"] == 0.75
    assert (
        sum(sum(row.values()) for row in agreement["confusion"].values()) == 10
    )  # predicted cells with a truth


def test_tracing_is_held_against_what_was_stated(agreement: dict[str, Any]) -> None:
    assert agreement["tracing"] == {
        "chunk": {"stated": 6, "found": 5, "precision": pytest.approx(4 / 5), "recall": pytest.approx(4 / 6)}
    }


def test_nothing_to_score_is_none_and_not_zero() -> None:
    empty = planted_agreement(
        types(("a", "qaa", "not_predicted", False, None)), truth(("a", "qaa", "unknown", False))
    )
    assert empty["cells"] == 0 and empty["accuracy"] is None and empty["balanced_accuracy"] is None
