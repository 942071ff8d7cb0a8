"""Where one type ends and the next begins: equal values, ties, missing numbers, and the words of each."""

from __future__ import annotations

import pytest

from assets_tests.report.conftest import pair_row, prediction_row, rows, similarity_row, source_row, split_row
from assets_tests.report.test_types import PAIRS, one
from factroots_dagster.errors import InputError
from factroots_dagster.mlama.schema import MLAMA_SPLIT
from factroots_dagster.neurons.schema import NEAREST_LANGUAGE, NEURON_SIMILARITY, SIMILARITY_PAIRS
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.report.types import fact_types
from factroots_dagster.tracing.schema import FACT_SOURCES


def typed(
    similar: list[dict[str, object]], pairs: list[dict[str, object]], **options: object
) -> dict[str, object]:
    """The type row of a fact u of qaa that one window holds."""
    table = fact_types(
        rows(MLAMA_SPLIT, [split_row("u", "qaa")]),
        rows(PREDICTIONS, [prediction_row("u", "qaa")]),
        rows(FACT_SOURCES, [source_row("u", "qaa", 1)]),
        rows(NEURON_SIMILARITY, similar),
        rows(SIMILARITY_PAIRS, pairs),
        **options,  # type: ignore[arg-type]
    )
    row: dict[str, object] = table.to_pylist()[0]
    return row


def near(language: str, value: float, **more: object) -> dict[str, object]:
    return similarity_row("u", "qaa", language, value, **more)


@pytest.mark.parametrize(
    ("value", "expected"), [(0.5, "independent"), (0.5000001, "shared"), (0.4999999, "independent")]
)
def test_shared_begins_above_the_bound(value: float, expected: str) -> None:
    assert typed([near("qab", value)], [pair_row("qaa", "qab", 0.5)])["type"] == expected
    row = {"uuid": "u", "language": "qaa", "relation": "P36", "partners": 2, "nearest_language": "qab"}
    row |= {"cosine": value, "null_q90": 0.5, "pairings": 30, "p_value": 0.01, "q_value": 0.9}
    assert typed([], [], nearest=rows(NEAREST_LANGUAGE, [row]))["type"] == expected


@pytest.mark.parametrize(("q_value", "expected"), [(0.05, "shared"), (0.0500001, "independent")])
def test_the_level_itself_is_significant(q_value: float, expected: str) -> None:
    similar = [near("qab", 0.1, q_value=q_value)]
    assert typed(similar, [pair_row("qaa", "qab", 0.5)], rule="q_value")["type"] == expected
    row = {"uuid": "u", "language": "qaa", "relation": "P36", "partners": 2, "nearest_language": "qab"}
    row |= {"cosine": 0.1, "null_q90": 0.5, "pairings": 30, "p_value": 0.01, "q_value": q_value}
    assert typed([], [], nearest=rows(NEAREST_LANGUAGE, [row]), rule="q_value")["type"] == expected


def test_ties_go_to_the_first_language_in_either_order_of_rows() -> None:
    pairs = [pair_row("qaa", language, 0.5) for language in ("qab", "qac")]
    both = [near("qac", 0.6), near("qab", 0.6)]
    for similar in (both, both[::-1]):
        assert typed(similar, pairs)["nearest_language"] == "qab"
        assert typed(similar, pairs, rule="q_value")["nearest_language"] == "qab"


def test_the_pair_furthest_above_its_bound_wins_in_either_order_of_rows() -> None:
    pairs = [pair_row("qaa", "qab", 0.5), pair_row("qaa", "qac", 0.25), pair_row("qaa", "qad", 0.25)]
    # equally far above: then the more similar one
    both = [near("qac", 0.5), near("qab", 0.75)]
    for similar in (both, both[::-1]):
        assert typed(similar, pairs)["nearest_language"] == "qab"
    lower = [near("qac", 0.2), near("qad", 0.1)]
    for similar in (lower, lower[::-1]):
        assert typed(similar, pairs)["nearest_language"] == "qac"


def test_the_least_q_wins_whatever_the_similarity_and_one_without_comes_last() -> None:
    pairs = [pair_row("qaa", language, 0.5) for language in ("qab", "qac", "qad")]
    similar = [near("qab", 0.9, q_value=0.2), near("qac", 0.1, q_value=0.04), near("qad", 1.0, q_value=None)]
    for order in (similar, similar[::-1]):
        row = typed(order, pairs, rule="q_value")
        assert (row["nearest_language"], row["type"]) == ("qac", "shared")
    for order in (similar[::2], similar[::-2]):
        assert typed(order, pairs, rule="q_value")["nearest_language"] == "qab"


def test_a_language_without_a_bound_comes_after_one_far_below_its_own() -> None:
    similar = [near("qac", 1.0), near("qab", -0.9)]
    for order in (similar, similar[::-1]):
        # nothing is known of the pair with qac, not even that it has no null
        assert typed(order, [pair_row("qaa", "qab", 0.9)])["nearest_language"] == "qab"


def test_a_pair_of_which_it_is_not_known_whether_its_prompts_are_the_same_counts() -> None:
    similar = [near("qab", 0.6, identical_input=None)]
    assert typed(similar, [pair_row("qaa", "qab", 0.5)])["type"] == "shared"


def test_the_other_language_is_found_on_either_side_of_a_pair() -> None:
    table = fact_types(
        rows(MLAMA_SPLIT, [split_row("u", "qab")]),
        rows(PREDICTIONS, [prediction_row("u", "qab")]),
        rows(FACT_SOURCES, [source_row("u", "qab", 1)]),
        rows(NEURON_SIMILARITY, [similarity_row("u", "qaa", "qab", 0.9)]),
        PAIRS,
    )
    assert table["nearest_language"].to_pylist() == ["qaa"] and table["type"].to_pylist() == ["shared"]


def test_a_bound_that_is_no_number_counts_as_none() -> None:
    pairs = [pair_row("qaa", "qab", float("nan")), pair_row("qaa", "qac", 0.3)]
    assert typed([near("qab", 0.4)], pairs)["threshold"] == pytest.approx(0.3)
    assert typed([near("qab", 0.4)], pairs[:1])["threshold"] is None


def test_the_words_say_what_was_decided() -> None:
    shared = typed([near("qab", 0.6)], [pair_row("qaa", "qab", 0.5)])["reason"]
    assert shared == (
        "1 chunk of this Wikipedia holds both; the neurons are those of another language (qab: cosine 0.600; "
        "90th percentile of other facts with the same object 0.500)."
    )
    far = typed([near("qab", 0.4)], [pair_row("qaa", "qab", 0.5)])["reason"]
    assert "no language's are near enough (qab: cosine 0.400; 90th" in str(far)
    assert "(qab: cosine 0.400; no other fact has the same object)" in str(
        typed([near("qab", 0.4)], [])["reason"]
    )
    tested = typed([near("qab", 0.4)], [pair_row("qaa", "qab", 0.5)], rule="q_value")["reason"]
    assert "another language (qab: cosine 0.400; q = 0.02)" in str(tested)
    untested = typed([near("qab", 0.4, q_value=None)], [pair_row("qaa", "qab", 0.5)], rule="q_value")
    assert "near enough (qab: cosine 0.400; no null to test against)" in str(untested["reason"])
    assert "only" not in one(windows=1)["reason"] and one(windows=1)["reason"].endswith(
        "both; no other language predicts the fact from a text of its own."
    )
    assert one(windows=1234)["reason"].startswith("1,234 chunks of this Wikipedia hold both")
    assert one(right=False)["reason"] == "Not predicted: no number of masks gave the object."
    absent = "No chunk of this Wikipedia holds subject and object"
    assert one()["reason"] == f"{absent}, and nothing gives the object away."
    assert one(inside=True)["reason"] == f"{absent}, but the subject's name holds the object."
    assert one(subject_ids=[7])["reason"] == f"{absent}, but subject and object share a wordpiece."
    assert one(relation="P17")["reason"] == f"{absent}, but P17 is often told by a name alone."
    assert not one()["source_present"] and one(windows=1)["source_present"]


def test_what_was_too_long_to_ask_says_so() -> None:
    table = fact_types(
        rows(MLAMA_SPLIT, [split_row("u", "qaa")]),
        rows(PREDICTIONS, [prediction_row("u", "qaa", False, too_long=True)]),
        rows(FACT_SOURCES, [source_row("u", "qaa", 1)]),
        rows(NEURON_SIMILARITY, []),
        PAIRS,
    )
    assert table["reason"].to_pylist() == ["Not predicted: the prompt is longer than the model's context."]


def test_a_fact_that_either_table_lacks_is_named() -> None:
    for splits, sources in ((["u"], ["v"]), (["v"], ["u"])):
        with pytest.raises(InputError, match="fact u is predicted but has no row"):
            fact_types(
                rows(MLAMA_SPLIT, [split_row(uuid, "qaa") for uuid in splits]),
                rows(PREDICTIONS, [prediction_row("u", "qaa")]),
                rows(FACT_SOURCES, [source_row(uuid, "qaa", 1) for uuid in sources]),
                rows(NEURON_SIMILARITY, []),
                PAIRS,
            )
