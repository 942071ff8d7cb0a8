"""Names as readers type them, on cases that the page's script is tested on, too."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from factroots_dagster.text.search import (
    count_edits,
    find_spellings,
    fold_name,
    fold_names,
    is_named,
    may_begin,
)

CASES = json.loads(Path(__file__).with_name("search_cases.json").read_text("utf-8"))


@pytest.mark.parametrize(("name", "folded"), CASES["folded"])
def test_marks_case_and_punctuation_do_not_count(name: str, folded: str) -> None:
    assert fold_name(name) == folded == fold_name(folded)


@given(st.lists(st.text(max_size=6), max_size=5))
def test_names_are_folded_together_as_one_by_one(names: list[str]) -> None:
    assert fold_names(names) == [fold_name(name) for name in names]


@given(st.text(max_size=6), st.text(max_size=3))
@example("\u1100\u1161", "")  # two jamo that compose
@example("\u0e33\u0327a", "")
@example("\u093e\u093c", "")  # a vowel sign before a mark of another class
def test_no_name_is_ruled_out_by_its_own_first_character(name: str, other: str) -> None:
    if name:
        assert may_begin(name[0], fold_name(name + other))


@pytest.mark.parametrize(
    ("character", "folded", "possible"),
    [("Å", "abo", True), ("B", "abo", False), ("“", "abo", True), ("각", "가구", True), ("ﬁ", "figo", True),
     ("ﬁ", "igo", False), ("\u0301", "abo", True)],
)  # fmt: skip
def test_a_first_character_rules_names_out(character: str, folded: str, possible: bool) -> None:
    assert may_begin(character, folded) == possible


@pytest.mark.parametrize(("a", "b", "edits"), CASES["edits"])
def test_edits_are_counted(a: str, b: str, edits: int) -> None:
    assert count_edits(a, b) == count_edits(b, a) == edits


@pytest.mark.parametrize(("query", "subject", "target", "found"), CASES["found"])
def test_a_query_names_a_fact(query: str, subject: str, target: str, found: bool) -> None:
    folded, *names = fold_names([query, subject, target])
    words = [name.split() for name in names]
    named = [
        is_named(find_spellings(folded, [*words[0], *words[1]], typos=typos).values(), *words)
        for typos in (False, True)
    ]
    assert any(named) == found
