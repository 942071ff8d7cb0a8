from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import nearest_row, prediction_row, rows, source_row, split_row
from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.schema import FACT_TYPES, RULES, VARIANTS
from factroots_dagster.roots.types import TypingResult, fact_types
from factroots_dagster.tracing.schema import FACT_SOURCES

NEAR = [nearest_row("u", "qaa", 9.0)]
FAR = [nearest_row("u", "qaa", 4.0)]
OTHERS = [
    split_row(f"o{i}", "qaa", subject=f"Bo{i}", subject_uri=f"Qo{i}", object_uri="Q9") for i in range(40)
]
"""Other facts of the relation, so that a share of names can be told from the rest."""


def typed(
    *,
    right: bool = True,
    windows: int = 0,
    inside: bool = False,
    relation: str = "P36",
    near: list[dict[str, Any]] | None = None,
    subject_ids: list[int] | None = None,
    named: int = 0,
    too_long: bool = False,
    **options: Any,
) -> TypingResult:
    """The tables of a single predicted fact u in qaa; `named` others share its name and object."""
    tokenize = None if subject_ids is None else lambda labels: [subject_ids] * len(labels)
    alike = [
        split_row(f"a{i}", "qaa", relation=relation, subject=f"Ada {i}", subject_uri=f"Qa{i}")
        for i in range(named)
    ]
    split = [split_row("u", "qaa", object_in_subject=inside, relation=relation), *alike]
    found = fact_types(
        rows(MLAMA_SPLIT, [*split, *(row | {"relation": relation} for row in OTHERS)]),
        rows(PREDICTIONS, [prediction_row("u", "qaa", right, relation=relation, too_long=too_long)]),
        rows(FACT_SOURCES, [source_row("u", "qaa", windows), source_row("u", "qaa", windows + 1, "article")]),
        rows(NEAREST_LANGUAGE, near or [nearest_row("other", "qab", 1.0)]),
        tokenize=tokenize,
        **options,
    )
    assert found.types.schema.equals(FACT_TYPES) and found.variants.schema.equals(VARIANTS)
    return found


def one(**cell: Any) -> dict[str, Any]:
    row: dict[str, Any] = typed(**cell).types.to_pylist()[0]
    assert row["rule"] in RULES
    return row


@pytest.mark.parametrize(
    ("cell", "expected", "rule"),
    [
        (dict(right=False, windows=3, inside=True, near=NEAR), "not_predicted", "no_full_match"),
        (dict(right=False, too_long=True), "not_predicted", "too_long"),
        (dict(inside=True, named=3, near=NEAR), "shared_tokens", "object_in_subject"),
        (dict(subject_ids=[3, 7], named=3), "shared_tokens", "shared_wordpiece"),
        (dict(subject_ids=[3, 8], named=3), "naming_cue", "name_cue"),
        (dict(named=3, near=NEAR), "naming_cue", "name_cue"),
        (dict(near=NEAR), "transferred", "no_source"),
        (dict(relation="P17", near=NEAR), "transferred", "no_source"),
        (dict(named=3, easy_rule="none"), "transferred", "no_source"),
        (dict(windows=2, inside=True, named=3, near=NEAR), "shared", "above_null"),
        (dict(windows=2, near=FAR), "independent", "below_null"),
        (dict(windows=2), "independent", "no_partner"),
        (dict(windows=2, near=[nearest_row("u", "qaa", None)]), "independent", "no_null"),
        (dict(windows=2, near=[nearest_row("u", "qaa", 9.0, p_value=None)]), "independent", "no_null"),
    ],
)
def test_the_first_matching_rule_wins(cell: dict[str, Any], expected: str, rule: str) -> None:
    row = one(**cell)
    assert (row["type"], row["rule"]) == (expected, rule)


@pytest.mark.parametrize("relation", ["P17", "P27", "P103", "P140", "P1412"])
def test_the_papers_relation_rule_can_be_chosen(relation: str) -> None:
    row = one(relation=relation, easy_rule="relation")
    assert (row["type"], row["rule"], row["cue"]) == ("naming_cue", "relation_cue", relation)
    assert one(relation="P36", named=3, easy_rule="relation")["type"] == "transferred"
    assert one(relation=relation, inside=True, easy_rule="relation")["type"] == "shared_tokens"


def test_the_rule_and_its_evidence_stand_in_columns() -> None:
    row = one(windows=2, near=[*NEAR, nearest_row("u", "qab", 1.0)])
    assert (row["nearest_language"], row["similarity"], row["threshold"]) == ("qac", 9.0, 5.0)
    assert (row["p_value"], row["q_value"], row["statistic"], row["k"]) == (0.01, 0.03, "evidence", None)
    assert row["source_present"] and not row["single_language"] and row["easy"] is None
    for said in ("2 chunks of this Wikipedia hold both", "qac", "9.000", "5.000", "0.01"):
        assert said in row["reason"]
    assert one(windows=1, near=FAR)["reason"].startswith("1 chunk of this Wikipedia holds both")
    assert one(right=False)["nearest_language"] is None
    cue = one(named=3)
    assert (cue["cue"], cue["cue_facts"], cue["cue_hits"]) == ("ada", 3, 3)
    assert 0 < cue["cue_p"] <= 0.05 and "3 of 3 other subjects with “ada”" in cue["reason"]
    assert one(windows=1, named=3)["cue"] is None


def test_a_fact_without_a_partner_is_flagged() -> None:
    assert one(windows=1)["single_language"]
    assert not one(right=False)["single_language"]
    assert not one(windows=1, near=[nearest_row("u", "qaa", None)])["single_language"]
    elsewhere = [nearest_row("u", "qab", 9.0), nearest_row("other", "qaa", 9.0)]
    assert one(windows=1, near=elsewhere)["single_language"]


def test_what_is_not_predicted_shows_no_partner_and_what_has_no_window_no_source() -> None:
    row = one(right=False, near=NEAR)
    shown = ("nearest_language", "similarity", "threshold", "p_value", "q_value")
    assert [row[name] for name in shown] == [None] * 5
    row = one(windows=2, near=[nearest_row("u", "qaa", None)])
    assert [row[name] for name in shown] == [None] * 5
    assert one(windows=0)["source_present"] is False and one(windows=1)["source_present"] is True


def test_the_level_itself_is_shared() -> None:
    assert one(windows=1, near=[nearest_row("u", "qaa", 9.0, p_value=ALPHA)])["type"] == "shared"
    above = ALPHA + 1e-9
    assert one(windows=1, near=[nearest_row("u", "qaa", 9.0, p_value=above)])["type"] == "independent"


def test_a_statistic_with_and_without_k_are_two() -> None:
    near = [
        nearest_row("u", "qaa", 0.1, statistic="jaccard", k=50),
        nearest_row("u", "qaa", 0.9, statistic="jaccard"),
    ]
    assert one(windows=1, near=near, statistic="jaccard", k=50)["similarity"] == 0.1
    assert one(windows=1, near=near, statistic="jaccard")["similarity"] == 0.9
    with pytest.raises(InputError, match=r"choose one of jaccard at k = 50, jaccard$"):
        one(near=near, statistic="jaccard", k=7)


def test_matcher_statistic_and_k_can_be_chosen() -> None:
    assert one(windows=0, matcher="article")["source_present"]
    both = [
        *NEAR,
        nearest_row("u", "qaa", 0.1, statistic="jaccard", k=50, nearest_language="qab"),
        nearest_row("u", "qaa", 0.7, statistic="jaccard", k=100, p_value=0.02),
    ]
    assert one(windows=1, near=both)["type"] == "shared"
    row = one(windows=1, near=both, statistic="jaccard", k=50)
    assert (row["type"], row["similarity"], row["k"]) == ("independent", 0.1, 50)
    assert "jaccard at k = 50" in row["reason"] and row["nearest_language"] == "qab"
    assert one(windows=1, near=both, statistic="jaccard", k=100)["type"] == "shared"
    for wrong in (
        {"statistic": "l2"},
        {"statistic": "jaccard", "k": 7},
        {"easy_rule": "guess"},
        {"matcher": "page"},
    ):
        with pytest.raises(InputError, match="choose"):
            one(near=both, **wrong)


def test_easiness_is_known_for_what_is_not_predicted_too() -> None:
    assert one(right=False, inside=True)["easy"] == "shared_tokens"
    assert one(right=False, named=3)["easy"] == "naming_cue"
    assert one(right=True, windows=1, named=3)["easy"] is None  # it has a source: nothing to explain


def test_chinese_is_compared_in_simplified_script() -> None:
    table = fact_types(
        rows(
            MLAMA_SPLIT,
            [
                split_row("u", "zh", subject="臺灣大學", object="台湾"),
                split_row("v", "zh", subject="东京", object="大学"),
            ],
        ),
        rows(PREDICTIONS, [prediction_row("u", "zh"), prediction_row("v", "zh")]),
        rows(FACT_SOURCES, [source_row("u", "zh", 0), source_row("v", "zh", 0)]),
        NEAREST_LANGUAGE.empty_table(),
    ).types
    assert table["type"].to_pylist() == ["shared_tokens", "transferred"]


def test_rows_keep_the_order_of_predictions_and_missing_facts_are_named() -> None:
    split = rows(MLAMA_SPLIT, [split_row(u, "qaa") for u in "abc"])
    sources = rows(FACT_SOURCES, [source_row(u, "qaa", 0) for u in "cab"])
    empty = NEAREST_LANGUAGE.empty_table()
    predicted = rows(PREDICTIONS, [prediction_row(u, "qaa") for u in "bca"])
    made = fact_types(split, predicted, sources, empty)
    assert made.types["uuid"].to_pylist() == ["b", "c", "a"]
    assert list(dict.fromkeys(made.variants["uuid"].to_pylist())) == ["b", "c", "a"]
    with pytest.raises(InputError, match="fact z"):
        fact_types(split, rows(PREDICTIONS, [prediction_row("z", "qaa")]), sources, empty)
    with pytest.raises(InputError, match="fact b"):
        fact_types(split, predicted, rows(FACT_SOURCES, [source_row(u, "qaa", 0) for u in "ca"]), empty)
    nothing = fact_types(split.slice(0, 0), PREDICTIONS.empty_table(), FACT_SOURCES.empty_table(), empty)
    assert nothing.types.num_rows == 0 and isinstance(nothing.types, pa.Table)
    assert nothing.variants.num_rows == 0
