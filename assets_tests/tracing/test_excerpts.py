"""What evidence shows of a passage: both sides of the fact, however long the passage is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.tracing.excerpts import GAP, MAX_CHARACTERS, cut_excerpt, passage_span

WORDS = "alpha beta gamma. " * 300


def excerpt(text: str, subject: str, object_: str, passage: tuple[int, int] | None = None) -> str:
    """The excerpt with the first mentions of both sides; by default of the whole text."""
    spans = [(text.index(name), text.index(name) + len(name)) for name in (subject, object_)]
    return cut_excerpt(text, passage or (0, len(text)), *spans)


def test_a_short_passage_is_shown_whole_on_one_line() -> None:
    text = "Before. Lyon is big.\nIt is in France. After."
    assert excerpt(text, "Lyon", "France", (8, 37)) == "Lyon is big. It is in France."


@pytest.mark.parametrize("before", [0, 17, 400, 3000])
@pytest.mark.parametrize("between", [0, 300, 900])
@pytest.mark.parametrize("after", [0, 3000])
def test_a_long_passage_is_cut_around_both_sides_between_words(before: int, between: int, after: int) -> None:
    text = f"{WORDS[:before]} Lyon {WORDS[:between]} France {WORDS[:after]}"
    shown = excerpt(text, "Lyon", "France")
    assert "Lyon" in shown and "France" in shown and GAP not in shown
    assert shown in text and len(shown) <= MAX_CHARACTERS
    assert set(shown.split()[1:-1]) <= set(text.split())
    assert f" {shown} " in f" {text.strip()} "


def test_of_sides_that_are_too_far_apart_the_text_around_each_is_shown() -> None:
    text = f"{WORDS[:700]} France {WORDS[:2000]} Lyon {WORDS[:700]}"
    first, last = excerpt(text, "Lyon", "France").split(GAP)
    assert "France" in first and "Lyon" in last
    assert first in text and last in text and 400 < len(first) <= 500 and 400 < len(last) <= 500


def test_text_without_spaces_is_cut_at_its_size() -> None:
    text = f"{'東' * 2000}京都{'東' * 300}日本{'東' * 2000}"
    shown = excerpt(text, "京都", "日本")
    assert len(shown) == MAX_CHARACTERS and "京都" in shown and "日本" in shown


def test_a_side_that_ends_behind_its_sentence_is_shown_whole() -> None:
    assert cut_excerpt("Lyon in St. Paul. End.", (0, 11), (0, 4), (8, 16)) == "Lyon in St. Paul"


def test_a_passage_reaches_over_the_sentences_of_both_sides() -> None:
    assert passage_span(50, 10, (30, 50)) == (0, 50)
    assert passage_span(50, 70, (30, 50)) == (30, 80)
    assert passage_span(20, 35, (30, 50)) == (30, 50)


@given(st.text("ab \n東", min_size=4, max_size=60).map(lambda text: text * 60), st.data())
def test_both_sides_are_in_the_excerpt_whatever_the_text(text: str, data: st.DataObject) -> None:
    position = st.integers(0, len(text) - 1)
    sides = [(start, min(start + 3, len(text))) for start in (data.draw(position), data.draw(position))]
    first = data.draw(st.integers(0, min(start for start, _ in sides)))
    last = data.draw(st.integers(max(start for start, _ in sides) + 1, len(text)))
    shown = cut_excerpt(text, (first, last), *sides)
    assert len(shown) <= MAX_CHARACTERS + len(GAP)
    for start, end in sides:
        assert text[start:end].replace("\n", " ").strip() in shown
    assert all(piece in text.replace("\n", " ") for piece in shown.split(GAP))
