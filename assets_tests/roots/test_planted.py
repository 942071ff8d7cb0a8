"""Agreement with planted truth, against scikit-learn and counting by hand."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest
from sklearn.metrics import balanced_accuracy_score

from assets_tests.roots.tables import fact_types_table, rows, source_row
from factroots_dagster.roots.planted import SCORED_KINDS, score_agreement
from factroots_dagster.roots.types import DEFAULT_MATCHER
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.tracing.schema import FACT_SOURCES

FACTS = [  # uuid, planted kind, type
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
STATED_KINDS = ("shared", "independent")


def planted_truth(*facts: tuple[str, str, bool]) -> pa.Table:
    """PLANTED_TRUTH of facts (uuid, planted kind, stated) in qaa."""
    return rows(
        PLANTED_TRUTH,
        [
            {
                "uuid": uuid,
                "language": "qaa",
                "relation": "P36",
                "kind": kind,
                "stated": stated,
                "fact_kind": kind,
                "mentioned": True,
                "distractor": False,
            }
            for uuid, kind, stated in facts
        ],
    )


@pytest.fixture
def agreement() -> dict[str, Any]:
    """Scores of FACTS, with a further fact that has no planted truth."""
    types = fact_types_table(
        *((uuid, "qaa", type_, kind in STATED_KINDS, None) for uuid, kind, type_ in FACTS),
        ("zz", "qaa", "shared", True, None),
    )
    truth = planted_truth(*((uuid, kind, kind in STATED_KINDS) for uuid, kind, _ in FACTS))
    sources = rows(FACT_SOURCES, [source_row(uuid, "qaa", int(uuid in "abcej")) for uuid, _, _ in FACTS])
    return score_agreement(types, truth, [sources])


def test_scores_equal_those_of_scikit_learn(agreement: dict[str, Any]) -> None:
    scored = [(kind, type_) for _, kind, type_ in FACTS if kind in SCORED_KINDS and type_ != "not_predicted"]
    assert agreement["cells"] == len(scored) == 8
    assert agreement["accuracy"] == sum(kind == type_ for kind, type_ in scored) / 8
    with pytest.warns(UserWarning):  # naming_cue is a type here, but never a planted kind
        expected = balanced_accuracy_score(*zip(*scored, strict=True))
    assert agreement["balanced_accuracy"] == pytest.approx(expected)
    assert agreement["balanced_accuracy_low"] <= expected <= agreement["balanced_accuracy_high"]
    assert agreement["recall"] == pytest.approx({"shared": 2 / 3, "independent": 1 / 2, "transferred": 2 / 3})
    assert agreement["precision"] == pytest.approx({"shared": 2 / 3, "independent": 1 / 2, "transferred": 1})


def test_luck_confusion_and_p_at_1_count_planted_facts(agreement: dict[str, Any]) -> None:
    assert agreement["luck_rate"] == pytest.approx(1 / 3)
    assert agreement["transferred_precision_with_luck"] == pytest.approx(2 / 3)
    assert agreement["confusion"]["transferred"] == {
        "shared": 0,
        "independent": 0,
        "transferred": 2,
        "naming_cue": 1,
        "shared_tokens": 0,
    }
    assert (agreement["p_at_1"]["shared"]["n"], agreement["p_at_1"]["shared"]["full_match"]) == (4, 0.75)
    predicted = sum(sum(row.values()) for row in agreement["confusion"].values())
    assert predicted == sum(type_ != "not_predicted" for _, _, type_ in FACTS)


def test_tracing_is_compared_with_what_was_stated(agreement: dict[str, Any]) -> None:
    shares = {"precision": pytest.approx(4 / 5), "recall": pytest.approx(4 / 6)}
    assert agreement["tracing"] == {DEFAULT_MATCHER: {"stated": 6, "found": 5, **shares}}


def test_scores_of_nothing_are_none_and_not_zero() -> None:
    types = fact_types_table(("a", "qaa", "not_predicted", False, None))
    agreement = score_agreement(types, planted_truth(("a", "unknown", False)))
    assert agreement["cells"] == 0
    assert agreement["accuracy"] is None and agreement["balanced_accuracy"] is None
