"""Patterns in sequences of symbols, and forms in texts, against `str.find` for each pattern."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.code_points import to_code_points
from factroots_dagster.text.symbols import SymbolSearch
from factroots_dagster.text.tokens import character_classes, inside_words
from factroots_dagster.tracing.forms import ONE_BYTE_SYMBOLS, FormSearch

Matches = list[tuple[str, int, int]]

FEW = "aAbé京1 ."
MANY = "".join(map(chr, range(0x100, 0x400)))
"""More letters than ids fit into a byte."""


def all_matches(text: str, forms: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    for form in set(forms):
        start = text.find(form)
        while start >= 0:
            yield form, start, start + len(form)
            start = text.find(form, start + 1)


def matches_of_patterns(text: str, patterns: Sequence[str]) -> Matches:
    lengths = np.array([len(pattern) for pattern in patterns], dtype=np.int64)
    search = SymbolSearch(to_code_points("".join(patterns)), lengths)
    columns = search.find(search.encode(to_code_points(text)))
    return sorted((patterns[number], start, end) for number, start, end in zip(*columns, strict=True))


def matches_of_forms(text: str, forms: Sequence[str]) -> Matches:
    columns = FormSearch(forms).find(to_code_points(text), inside_words(character_classes(text)))
    return sorted((forms[number], start, end) for number, start, end in zip(*columns, strict=True))


def expected_matches_of_forms(text: str, forms: Sequence[str]) -> Matches:
    inside = inside_words(character_classes(text))
    return sorted(match for match in all_matches(text, forms) if not inside[match[1]])


def distinct_patterns(alphabet: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.text(alphabet, min_size=1, max_size=4), max_size=12, unique=True)


@settings(deadline=None)
@given(st.text(FEW, max_size=60), distinct_patterns(FEW))
def test_patterns_of_few_symbols(text: str, patterns: list[str]) -> None:
    assert matches_of_patterns(text, patterns) == sorted(all_matches(text, patterns))
    assert matches_of_forms(text, patterns) == expected_matches_of_forms(text, patterns)


@settings(max_examples=50, deadline=None)
@given(st.text(MANY[:20] + MANY[-20:], max_size=60), distinct_patterns(MANY[:20] + MANY[-20:]))
def test_patterns_of_many_symbols(text: str, patterns: list[str]) -> None:
    """Every symbol takes two bytes, and no match begins with the second byte of one."""
    patterns = list(dict.fromkeys([*patterns, *MANY]))
    assert matches_of_patterns(text, patterns) == sorted(all_matches(text, patterns))
    assert matches_of_forms(text, patterns) == expected_matches_of_forms(text, patterns)


COMMON = ["ab" * 50_000 + str(number) for number in range(3)]
"""Beside them the other letters are rare."""


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_rare_symbols_share_an_id(data: st.DataObject) -> None:
    letters = "ab" + MANY[-6:]
    forms = list(dict.fromkeys([*data.draw(distinct_patterns(letters)), *COMMON, *MANY]))
    search = FormSearch(forms)
    assert search._search.encode(to_code_points("a")).itemsize == 1
    text = data.draw(st.text(letters + ' "', max_size=60))
    columns = search.find(to_code_points(text), inside_words(character_classes(text)))
    matches = sorted((forms[number], start, end) for number, start, end in zip(*columns, strict=True))
    assert matches == expected_matches_of_forms(text, [form for form in forms if form not in COMMON])


def test_symbols_without_a_pattern_have_the_id_0() -> None:
    extra, merged = to_code_points("x"), to_code_points("bc")
    search = SymbolSearch(to_code_points("ab"), np.array([2]), extra=extra, merged=merged)
    a, b, c, x, other = search.encode(to_code_points("abcxy")).tolist()
    assert len({a, b, x, 0}) == 4 and c == b and other == 0


@pytest.mark.parametrize("count", [ONE_BYTE_SYMBOLS - 1, ONE_BYTE_SYMBOLS, ONE_BYTE_SYMBOLS + 1])
def test_as_many_symbols_as_fit_into_a_byte(count: int) -> None:
    forms = list(MANY[:count])
    text = " ".join(MANY[: count + 2])
    expected = expected_matches_of_forms(text, forms)
    assert matches_of_forms(text, forms) == matches_of_patterns(text, forms) == expected


def test_nothing_is_found_without_patterns() -> None:
    assert matches_of_patterns("ab", []) == [] == matches_of_forms("ab", [])
    assert matches_of_forms("", ["ab"]) == []
