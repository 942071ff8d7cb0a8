from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from assets_tests.report.conftest import pair_row, prediction_row, rows, similarity_row, source_row, split_row
from factroots_dagster.errors import InputError
from factroots_dagster.mlama.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE, NEURON_SIMILARITY, SIMILARITY_PAIRS
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.report.schema import FACT_TYPES
from factroots_dagster.report.types import fact_types
from factroots_dagster.tracing.schema import FACT_SOURCES

PAIRS = rows(
    SIMILARITY_PAIRS, [pair_row("qaa", "qab", 0.5), pair_row("qaa", "qac", 0.3), pair_row("qab", "qac", None)]
)


def one(
    *,
    right: bool = True,
    windows: int = 0,
    inside: bool = False,
    relation: str = "P36",
    similar: list[dict[str, Any]] | None = None,
    subject_ids: list[int] | None = None,
    **options: Any,
) -> dict[str, Any]:
    """The type row of a single fact u in qaa."""
    tokenize = None if subject_ids is None else lambda labels: [subject_ids] * len(labels)
    table = fact_types(
        rows(MLAMA_SPLIT, [split_row("u", "qaa", object_in_subject=inside, relation=relation)]),
        rows(PREDICTIONS, [prediction_row("u", "qaa", right, relation=relation)]),
        rows(FACT_SOURCES, [source_row("u", "qaa", windows), source_row("u", "qaa", windows + 1, "article")]),
        rows(NEURON_SIMILARITY, similar or []),
        PAIRS,
        tokenize=tokenize,
        **options,
    )
    assert table.schema.equals(FACT_TYPES)
    return table.to_pylist()[0]


NEAR = [similarity_row("u", "qaa", "qab", 0.6)]
FAR = [similarity_row("u", "qaa", "qab", 0.4)]


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (dict(right=False, windows=3, inside=True, relation="P17", similar=NEAR), "not_predicted"),
        (dict(inside=True, relation="P17", similar=NEAR), "shared_tokens"),
        (dict(subject_ids=[3, 7], relation="P17"), "shared_tokens"),
        (dict(subject_ids=[3, 8], relation="P17"), "naming_cue"),
        (dict(relation="P27"), "naming_cue"),
        (dict(relation="P103"), "naming_cue"),
        (dict(relation="P140"), "naming_cue"),
        (dict(relation="P1412"), "naming_cue"),
        (dict(relation="P36", similar=NEAR), "transferred"),
        (dict(windows=2, inside=True, relation="P17", similar=NEAR), "shared"),
        (dict(windows=2, similar=FAR), "independent"),
        (dict(windows=2), "independent"),
    ],
)
def test_the_first_matching_rule_wins(cell: dict[str, Any], expected: str) -> None:
    assert one(**cell)["type"] == expected


def test_the_rule_and_its_evidence_stand_in_columns() -> None:
    row = one(windows=2, similar=[*NEAR, similarity_row("u", "qaa", "qac", 0.55, p_value=0.2, q_value=0.3)])
    # qac lies further above its own threshold (0.25) than qab (0.10), although it is less similar.
    assert (row["nearest_language"], row["similarity"], row["threshold"]) == ("qac", 0.55, 0.3)
    assert (row["p_value"], row["q_value"], row["statistic"], row["windows"]) == (0.2, 0.3, "cosine", 2)
    assert row["source_present"] and not row["single_language"] and row["easy"] is None
    assert "qac" in row["reason"] and "2 chunks" in row["reason"]
    assert one(windows=1, similar=FAR)["reason"].startswith("1 chunk of this Wikipedia holds both")
    assert one(right=False)["nearest_language"] is None


def test_a_fact_without_a_pair_is_flagged() -> None:
    assert one(windows=1)["single_language"]
    same_text = [similarity_row("u", "qaa", "qab", 0.99, identical_input=True)]
    row = one(windows=1, similar=same_text)
    assert row["type"] == "independent" and row["single_language"] and row["similarity"] is None
    undefined = [similarity_row("u", "qaa", "qab", float("nan")), similarity_row("u", "qaa", "qac", 0.1)]
    assert one(windows=1, similar=undefined)["nearest_language"] == "qac"
    assert not one(right=False)["single_language"]
    elsewhere = [similarity_row("u", "qab", "qac", 0.99), similarity_row("other", "qaa", "qab", 0.99)]
    assert one(windows=1, similar=elsewhere)["single_language"]


def test_matcher_statistic_and_rule_can_be_chosen() -> None:
    assert one(windows=0, matcher="article")["source_present"]
    split = [similarity_row("u", "qaa", "qab", 0.6, jaccard=0.1)]
    assert one(windows=1, similar=split)["type"] == "shared"
    row = one(windows=1, similar=split, statistic="jaccard")
    assert row["type"] == "independent" and row["similarity"] == 0.1 and row["statistic"] == "jaccard"
    assert one(windows=1, similar=FAR, rule="q_value")["type"] == "shared"  # q = 0.02
    assert one(windows=1, similar=FAR, rule="q_value", alpha=0.01)["type"] == "independent"
    untested = [similarity_row("u", "qaa", "qab", 0.9, q_value=None)]
    assert one(windows=1, similar=untested, rule="q_value")["type"] == "independent"
    for wrong in ({"statistic": "l2"}, {"rule": "guess"}, {"matcher": "page"}):
        with pytest.raises(InputError, match="choose"):
            one(**wrong)


def test_a_pair_without_a_null_takes_the_median_of_the_others() -> None:
    table = fact_types(
        rows(MLAMA_SPLIT, [split_row("u", "qab")]),
        rows(PREDICTIONS, [prediction_row("u", "qab")]),
        rows(FACT_SOURCES, [source_row("u", "qab", 1)]),
        rows(NEURON_SIMILARITY, [similarity_row("u", "qab", "qac", 0.41)]),
        PAIRS,
    )
    assert table["threshold"].to_pylist() == [pytest.approx(0.4)] and table["type"].to_pylist() == ["shared"]
    no_null = rows(SIMILARITY_PAIRS, [pair_row("qab", "qac", None)])
    table = fact_types(
        rows(MLAMA_SPLIT, [split_row("u", "qab")]),
        rows(PREDICTIONS, [prediction_row("u", "qab")]),
        rows(FACT_SOURCES, [source_row("u", "qab", 1)]),
        rows(NEURON_SIMILARITY, [similarity_row("u", "qab", "qac", 0.99)]),
        no_null,
    )
    assert table["type"].to_pylist() == ["independent"]  # nothing to hold it against: no claim of sharing


def test_easiness_is_known_for_what_is_not_predicted_too() -> None:
    assert one(right=False, inside=True)["easy"] == "shared_tokens"
    assert one(right=False, relation="P17")["easy"] == "naming_cue"
    assert one(right=True, windows=1, relation="P17")["easy"] is None  # it has a source: nothing to explain


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
        rows(NEURON_SIMILARITY, []),
        PAIRS,
    )
    assert table["type"].to_pylist() == ["shared_tokens", "transferred"]


def test_rows_keep_the_order_of_predictions_and_missing_facts_are_named() -> None:
    split = rows(MLAMA_SPLIT, [split_row(u, "qaa") for u in "abc"])
    sources = rows(FACT_SOURCES, [source_row(u, "qaa", 0) for u in "cab"])
    empty = rows(NEURON_SIMILARITY, [])
    table = fact_types(
        split, rows(PREDICTIONS, [prediction_row(u, "qaa") for u in "bca"]), sources, empty, PAIRS
    )
    assert table["uuid"].to_pylist() == ["b", "c", "a"]
    with pytest.raises(InputError, match="fact z"):
        fact_types(split, rows(PREDICTIONS, [prediction_row("z", "qaa")]), sources, empty, PAIRS)
    nothing = fact_types(
        split.slice(0, 0), PREDICTIONS.empty_table(), FACT_SOURCES.empty_table(), empty, PAIRS
    )
    assert nothing.num_rows == 0 and isinstance(nothing, pa.Table)


def test_the_null_of_maxima_replaces_that_of_pairs() -> None:
    def nearest(value: float | None, bound: float | None, q_value: float | None = 0.02) -> pa.Table:
        row = {"uuid": "u", "language": "qaa", "relation": "P36", "partners": 2, "nearest_language": "qac"}
        row |= {"cosine": value, "null_q90": bound, "pairings": 30, "p_value": 0.01, "q_value": q_value}
        return rows(NEAREST_LANGUAGE, [row, row | {"language": "qab"}])

    row = one(windows=1, similar=NEAR, nearest=nearest(0.6, 0.7))
    assert (row["type"], row["nearest_language"], row["threshold"]) == ("independent", "qac", 0.7)
    assert one(windows=1, nearest=nearest(0.71, 0.7))["type"] == "shared"
    assert one(windows=1, nearest=nearest(0.6, 0.7), rule="q_value")["type"] == "shared"
    assert one(windows=1, nearest=nearest(0.9, 0.7, None), rule="q_value")["type"] == "independent"
    assert one(windows=1, nearest=nearest(0.9, None))["type"] == "independent"
    assert one(windows=1, nearest=nearest(None, None))["single_language"]
    assert one(windows=1, similar=NEAR, nearest=nearest(0.1, 0.7), statistic="jaccard")["type"] == "shared"
