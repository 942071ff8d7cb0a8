"""The rules that decide a fact's type, one by one and in their order."""

from __future__ import annotations

from typing import Any

import pytest

from assets_tests.roots.tables import nearest_row, prediction_row, rows, source_row, split_row
from factroots_dagster.errors import InputError
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.evidence import ALPHA
from factroots_dagster.roots.schema import FACT_TYPES, RULES, VARIANTS
from factroots_dagster.roots.types import TypingResult, categorize_facts
from factroots_dagster.tracing.schema import FACT_SOURCES

NEAR = [nearest_row("u", "qaa", 9.0)]
FAR = [nearest_row("u", "qaa", 4.0)]
OTHERS = [
    split_row(f"o{i}", "qaa", subject=f"Bo{i}", subject_uri=f"Qo{i}", object_uri="Q9") for i in range(40)
]
"""Other facts of the relation, without which no part of a name could stand out."""


def categorize_one(
    *,
    right: bool = True,
    windows: int = 0,
    contained: bool = False,
    relation: str = "P36",
    near: list[dict[str, Any]] | None = None,
    subject_ids: list[int] | None = None,
    namesakes: int = 0,
    too_long: bool = False,
    **options: Any,
) -> TypingResult:
    """The tables of a single predicted fact u in qaa; `namesakes` others share its name and object."""
    tokenize = None if subject_ids is None else lambda labels: [subject_ids] * len(labels)
    named = [
        split_row(f"a{i}", "qaa", relation=relation, subject=f"Ada {i}", subject_uri=f"Qa{i}")
        for i in range(namesakes)
    ]
    split = [split_row("u", "qaa", object_in_subject=contained, relation=relation), *named]
    result = categorize_facts(
        rows(MLAMA_SPLIT, [*split, *(row | {"relation": relation} for row in OTHERS)]),
        rows(PREDICTIONS, [prediction_row("u", "qaa", right, relation=relation, too_long=too_long)]),
        rows(FACT_SOURCES, [source_row("u", "qaa", windows), source_row("u", "qaa", windows + 1, "article")]),
        rows(NEAREST_LANGUAGE, near or [nearest_row("other", "qab", 1.0)]),
        tokenize=tokenize,
        **options,
    )
    assert result.types.schema.equals(FACT_TYPES) and result.variants.schema.equals(VARIANTS)
    return result


def type_row(**fact: Any) -> dict[str, Any]:
    """The row of FACT_TYPES of `categorize_one`."""
    row: dict[str, Any] = categorize_one(**fact).types.to_pylist()[0]
    assert row["rule"] in RULES
    return row


@pytest.mark.parametrize(
    ("fact", "type_", "rule"),
    [
        (dict(right=False, windows=3, contained=True, near=NEAR), "not_predicted", "no_full_match"),
        (dict(right=False, too_long=True), "not_predicted", "too_long"),
        (dict(contained=True, namesakes=3, near=NEAR), "shared_tokens", "object_in_subject"),
        (dict(subject_ids=[3, 7], namesakes=3), "shared_tokens", "shared_wordpiece"),
        (dict(subject_ids=[3, 8], namesakes=3), "naming_cue", "name_cue"),
        (dict(namesakes=3, near=NEAR), "naming_cue", "name_cue"),
        (dict(near=NEAR), "transferred", "no_source"),
        (dict(relation="P17", near=NEAR), "transferred", "no_source"),
        (dict(namesakes=3, easy_rule="none"), "transferred", "no_source"),
        (dict(windows=2, contained=True, namesakes=3, near=NEAR), "shared", "above_null"),
        (dict(windows=2, near=FAR), "independent", "below_null"),
        (dict(windows=2), "independent", "no_partner"),
        (dict(windows=2, near=[nearest_row("u", "qaa", None)]), "independent", "no_null"),
        (dict(windows=2, near=[nearest_row("u", "qaa", 9.0, p_value=None)]), "independent", "no_null"),
    ],
)
def test_the_first_matching_rule_wins(fact: dict[str, Any], type_: str, rule: str) -> None:
    row = type_row(**fact)
    assert (row["type"], row["rule"]) == (type_, rule)


def test_a_source_comes_with_the_probability_that_it_states_the_fact() -> None:
    assert type_row(windows=2)["stated_probability"] == 0.5
    assert type_row(windows=0)["stated_probability"] is None


@pytest.mark.parametrize("relation", ["P17", "P27", "P103", "P140", "P1412"])
def test_the_papers_relation_rule_can_be_chosen(relation: str) -> None:
    row = type_row(relation=relation, easy_rule="relation")
    assert (row["type"], row["rule"], row["cue"]) == ("naming_cue", "relation_cue", relation)
    assert type_row(relation="P36", namesakes=3, easy_rule="relation")["type"] == "transferred"
    assert type_row(relation=relation, contained=True, easy_rule="relation")["type"] == "shared_tokens"


def test_the_rule_and_its_evidence_stand_in_columns() -> None:
    row = type_row(windows=2, near=[*NEAR, nearest_row("u", "qab", 1.0)])
    assert (row["nearest_language"], row["similarity"], row["threshold"]) == ("qac", 9.0, 5.0)
    assert (row["p_value"], row["q_value"], row["statistic"], row["k"]) == (0.01, 0.03, "evidence", None)
    assert row["source_present"] and not row["single_language"] and row["easy"] is None
    for part in ("2 chunks of this Wikipedia hold both", "qac", "9.000", "5.000", "0.01"):
        assert part in row["reason"]
    assert type_row(windows=1, near=FAR)["reason"].startswith("1 chunk of this Wikipedia holds both")
    assert type_row(right=False)["nearest_language"] is None
    cue = type_row(namesakes=3)
    assert (cue["cue"], cue["cue_facts"], cue["cue_hits"]) == ("ada", 3, 3)
    assert 0 < cue["cue_p"] <= 0.05 and "3 of 3 other subjects with “ada”" in cue["reason"]
    assert type_row(windows=1, namesakes=3)["cue"] is None


def test_a_fact_without_a_partner_is_flagged() -> None:
    assert type_row(windows=1)["single_language"]
    assert not type_row(right=False)["single_language"]
    assert not type_row(windows=1, near=[nearest_row("u", "qaa", None)])["single_language"]
    elsewhere = [nearest_row("u", "qab", 9.0), nearest_row("other", "qaa", 9.0)]
    assert type_row(windows=1, near=elsewhere)["single_language"]


def test_facts_that_were_not_compared_have_no_nearest_language() -> None:
    compared = ("nearest_language", "similarity", "threshold", "p_value", "q_value")
    row = type_row(right=False, near=NEAR)
    assert [row[name] for name in compared] == [None] * 5
    row = type_row(windows=2, near=[nearest_row("u", "qaa", None)])
    assert [row[name] for name in compared] == [None] * 5


def test_a_source_is_present_from_the_first_window_on() -> None:
    assert type_row(windows=0)["source_present"] is False
    assert type_row(windows=1)["source_present"] is True


def test_a_p_value_at_the_level_counts_as_shared() -> None:
    at_level = [nearest_row("u", "qaa", 9.0, p_value=ALPHA)]
    assert type_row(windows=1, near=at_level)["type"] == "shared"
    above = [nearest_row("u", "qaa", 9.0, p_value=ALPHA + 1e-9)]
    assert type_row(windows=1, near=above)["type"] == "independent"


def test_a_statistic_with_k_and_the_same_one_without_are_different() -> None:
    near = [
        nearest_row("u", "qaa", 0.1, statistic="jaccard", k=50),
        nearest_row("u", "qaa", 0.9, statistic="jaccard"),
    ]
    assert type_row(windows=1, near=near, statistic="jaccard", k=50)["similarity"] == 0.1
    assert type_row(windows=1, near=near, statistic="jaccard")["similarity"] == 0.9
    with pytest.raises(InputError, match=r"choose one of jaccard at k = 50, jaccard$"):
        type_row(near=near, statistic="jaccard", k=7)


def test_matcher_statistic_and_k_can_be_chosen() -> None:
    assert type_row(windows=0, matcher="article")["source_present"]
    near = [
        *NEAR,
        nearest_row("u", "qaa", 0.1, statistic="jaccard", k=50, nearest_language="qab"),
        nearest_row("u", "qaa", 0.7, statistic="jaccard", k=100, p_value=0.02),
    ]
    assert type_row(windows=1, near=near)["type"] == "shared"
    row = type_row(windows=1, near=near, statistic="jaccard", k=50)
    assert (row["type"], row["similarity"], row["k"]) == ("independent", 0.1, 50)
    assert "jaccard at k = 50" in row["reason"] and row["nearest_language"] == "qab"
    assert type_row(windows=1, near=near, statistic="jaccard", k=100)["type"] == "shared"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"statistic": "l2"}, "unknown statistic 'l2'"),
        ({"statistic": "jaccard", "k": 7}, "unknown statistic 'jaccard' at k = 7"),
        ({"easy_rule": "guess"}, "unknown easy rule 'guess'"),
        ({"matcher": "page"}, "fact_sources has no matcher 'page'"),
    ],
)
def test_unknown_settings_are_refused(options: dict[str, Any], problem: str) -> None:
    with pytest.raises(InputError, match="choose one of") as error:
        type_row(near=NEAR, **options)
    assert error.value.problem.startswith(problem)


def test_easiness_is_also_recorded_for_facts_that_are_not_predicted() -> None:
    assert type_row(right=False, contained=True)["easy"] == "shared_tokens"
    assert type_row(right=False, namesakes=3)["easy"] == "naming_cue"
    assert type_row(right=True, windows=1, namesakes=3)["easy"] is None  # the source explains it


def test_chinese_is_compared_in_simplified_script() -> None:
    types = categorize_facts(
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
    assert types["type"].to_pylist() == ["shared_tokens", "transferred"]


def test_rows_keep_the_order_of_the_predictions() -> None:
    result = categorize_facts(
        rows(MLAMA_SPLIT, [split_row(uuid, "qaa") for uuid in "abc"]),
        rows(PREDICTIONS, [prediction_row(uuid, "qaa") for uuid in "bca"]),
        rows(FACT_SOURCES, [source_row(uuid, "qaa", 0) for uuid in "cab"]),
        NEAREST_LANGUAGE.empty_table(),
    )
    assert result.types["uuid"].to_pylist() == ["b", "c", "a"]
    assert list(dict.fromkeys(result.variants["uuid"].to_pylist())) == ["b", "c", "a"]


def test_a_predicted_fact_that_other_tables_lack_is_named() -> None:
    split = rows(MLAMA_SPLIT, [split_row(uuid, "qaa") for uuid in "abc"])
    sources = rows(FACT_SOURCES, [source_row(uuid, "qaa", 0) for uuid in "abc"])
    nearest = NEAREST_LANGUAGE.empty_table()
    with pytest.raises(InputError, match="fact z is predicted but has no row"):
        categorize_facts(split, rows(PREDICTIONS, [prediction_row("z", "qaa")]), sources, nearest)
    predictions = rows(PREDICTIONS, [prediction_row("b", "qaa")])
    with pytest.raises(InputError, match="fact b is predicted but has no row"):
        categorize_facts(split, predictions, sources.slice(2), nearest)


def test_a_language_without_predictions_has_no_types() -> None:
    result = categorize_facts(
        MLAMA_SPLIT.empty_table(),
        PREDICTIONS.empty_table(),
        FACT_SOURCES.empty_table(),
        NEAREST_LANGUAGE.empty_table(),
    )
    assert result.types.num_rows == result.variants.num_rows == 0
