"""The causal type of a cell by the answers of retrained models, rule by rule."""

from __future__ import annotations

import pyarrow as pa
import pytest

from assets_tests.yardstick.simulated import simulated_answers
from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.blocks import COMPLETE, block_names
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.sandbox.leave_out import stating_languages
from factroots_dagster.sandbox.world import generate
from factroots_dagster.yardstick.counterfactual import counterfactual_truth
from factroots_dagster.yardstick.schema import COUNTERFACTUAL_TRUTH, RETRAINED_ANSWERS

Answer = tuple[list[str], bool]
"""Languages in which the fact was left out, and whether the fact was predicted."""


def answers(stated_in: list[str], left_out_in: list[str], full_match: bool, language: str) -> pa.Table:
    row = {
        "uuid": "f",
        "language": language,
        "relation": "P19",
        "stated_in": stated_in,
        "left_out_in": left_out_in,
        "full_match": full_match,
    }
    return pa.Table.from_pylist([row], schema=RETRAINED_ANSWERS)


def judge(stated_in: list[str], tests: list[Answer], predicted: bool = True) -> dict[str, object]:
    complete = answers(stated_in, [], predicted, "en")
    table = counterfactual_truth(complete, [answers(stated_in, *test, "en") for test in tests])
    assert table.schema.equals(COUNTERFACTUAL_TRUTH)
    (row,) = table.to_pylist()
    return row


KNOWN: list[Answer] = [([], True)] * 3


@pytest.mark.parametrize(
    ("stated_in", "tests", "expected"),
    [
        (["en", "fr"], [*KNOWN, (["en"], True), (["en", "fr"], False)], "shared"),
        (["en", "fr"], [*KNOWN, (["en"], False), (["fr"], True), (["en", "fr"], False)], "independent"),
        (["en"], [*KNOWN, (["en"], False)], "independent"),
        (["en"], [*KNOWN, (["en"], True)], "easy"),
        (["en", "fr"], [*KNOWN, (["en"], True), (["en", "fr"], True)], "easy"),
        (["fr"], [*KNOWN, (["fr"], False)], "transferred"),
        (["fr", "de"], [*KNOWN, (["fr"], True), (["de"], True), (["fr", "de"], False)], "transferred"),
        (["fr"], [*KNOWN, (["fr"], True)], "easy"),
        ([], KNOWN, "easy"),
        ([], [([], True), ([], False), ([], False)], "luck"),
        (["fr"], [([], True), ([], False), ([], False), (["fr"], False)], "luck"),
        (["en"], [([], True), ([], False), ([], False), (["en"], False)], "unstable"),
        (["en"], [([], True), ([], True), ([], False), (["en"], False)], "independent"),
    ],
)
def test_the_first_rule_that_applies_decides(
    stated_in: list[str], tests: list[Answer], expected: str
) -> None:
    assert judge(stated_in, tests)["causal_type"] == expected


def test_a_cell_that_the_complete_model_does_not_predict_has_no_type() -> None:
    row = judge(["en"], [*KNOWN, (["en"], True)], predicted=False)
    assert row["causal_type"] == "not_predicted" and row["needed_languages"] == []


def test_the_languages_that_a_fact_cannot_do_without_are_named() -> None:
    row = judge(["de", "fr"], [*KNOWN, (["fr"], False), (["de"], True), (["de", "fr"], False)])
    assert row["needed_languages"] == ["fr"]
    assert (row["replicates"], row["own_tests"], row["bare_tests"]) == (3, 0, 1)


def test_a_stated_cell_that_was_never_tested_is_an_error() -> None:
    with pytest.raises(InputError, match="no training left out the statements of f in en"):
        judge(["en", "fr"], [*KNOWN, (["fr"], True)])


def test_the_blocks_tell_what_a_model_knew_from_what() -> None:
    """Models whose knowledge follows a known rule get exactly the types of that rule."""
    world = generate(3, PRESETS["easy"])
    tables = {name: simulated_answers(world, name) for name in block_names()}
    truth = counterfactual_truth(tables.pop(COMPLETE), tables.values()).to_pylist()
    stating = stating_languages(world)
    independent = {fact.uuid for fact in world.facts if fact.kind == "independent"}
    script = {code: language.script for code, language in world.languages.items()}
    for row in truth:
        uuid, language = row["uuid"], row["language"]
        linked = {
            code
            for code in stating[uuid]
            if code != language and script[code] == script[language] and uuid not in independent
        }
        stated = language in stating[uuid]
        if stated:
            expected = "shared" if linked else "independent"
        else:
            expected = "transferred" if linked else "not_predicted"
        assert row["causal_type"] == expected
        needed = (
            {language} if expected == "independent" else linked if len(linked) == 1 and not stated else set()
        )
        assert set(row["needed_languages"]) == needed
    assert {row["causal_type"] for row in truth} == {"shared", "independent", "transferred", "not_predicted"}
