"""Every dial has a default, a range and a description; presets are changed by text."""

from __future__ import annotations

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.sandbox.small_worlds import (
    PLAIN,
    small_world,
)
from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.dials import PRESETS, Dials, parse_dials

FIELDS = dataclasses.fields(Dials)
BOUNDED = [field for field in FIELDS if field.metadata["low"] is not None]


def test_every_dial_says_what_it_does() -> None:
    assert all(len(field.metadata["about"]) > 10 for field in FIELDS)


@pytest.mark.parametrize("field", BOUNDED, ids=lambda field: field.name)
def test_a_dial_out_of_its_range_is_refused_by_name(field: dataclasses.Field) -> None:
    low, high = field.metadata["low"], field.metadata["high"]
    for value in (low - 1, high + 1, float("nan")):
        with pytest.raises(InputError, match=field.name) as caught:
            dataclasses.replace(PLAIN, **{field.name: value})
        assert str(low) in caught.value.remedy


def test_dials_that_do_not_go_together_are_refused() -> None:
    with pytest.raises(InputError, match="cognates"):
        dataclasses.replace(PLAIN, cognates=0.7, unrelated=0.7)
    with pytest.raises(InputError, match="hidden"):
        dataclasses.replace(PLAIN, hidden=100)
    with pytest.raises(InputError, match="namesakes"):
        dataclasses.replace(PRESETS["easy"], namesakes=0.2)
    with pytest.raises(InputError, match="zu:5"):
        dataclasses.replace(PLAIN, learned_after=(("zu", 5),))


def test_presets_are_parsed_and_changed() -> None:
    assert parse_dials("demo") == Dials() == PRESETS["demo"]
    dials = parse_dials(
        "mbert_like", " languages = 5, namesakes=0.5,shared_pieces=off,learned_after=de:60+fr:90 "
    )
    assert (dials.languages, dials.namesakes, dials.shared_pieces) == (5, 0.5, False)
    assert dials.learned_after == (("de", 60), ("fr", 90))
    assert dials.facts_per_relation == PRESETS["mbert_like"].facts_per_relation
    control, demo = PRESETS["disjoint"], PRESETS["demo"]
    assert dataclasses.replace(control, shared_pieces=True, alignment=demo.alignment) == demo


@pytest.mark.parametrize(
    ("preset", "overrides", "named"),
    [
        ("none", "", "none"), ("demo", "colour=1", "colour"), ("demo", "languages", "languages"),
        ("demo", "languages=many", "many"), ("demo", "shared_pieces=1", "shared_pieces"),
        ("demo", "learned_after=de", "learned_after"),
    ],
)  # fmt: skip
def test_what_sets_no_dial_is_refused(preset: str, overrides: str, named: str) -> None:
    with pytest.raises(InputError, match=named) as caught:
        parse_dials(preset, overrides)
    assert caught.value.remedy


@given(st.text(alphabet="abcdegilnst=,.:+_ 0123456789-"))
def test_any_text_gives_dials_or_a_remedy(overrides: str) -> None:
    try:
        assert isinstance(parse_dials("demo", overrides), Dials)
    except InputError as error:
        assert error.remedy


def test_dials_of_the_training_are_passed_on() -> None:
    dials = parse_dials("demo", "vocabulary_share=0.5,layers=3,hidden=64,steps=7,learned_after=de:5")
    given = (dials.vocabulary_share, dials.layers, dials.hidden, dials.steps, dials.learned_after)
    assert given == (0.5, 3, 64, 7, (("de", 5),))
    assert small_world(layers=3).articles == small_world().articles
