"""Patterns found in rows of symbols, and forms in texts, against one `find` after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.code_points import codes_of
from factroots_dagster.text.symbols import SymbolSearch
from factroots_dagster.text.tokens import character_classes, inside_words
from factroots_dagster.tracing.forms import ONE_BYTE_SYMBOLS, FormSearch

Found = list[tuple[str, int, int]]

FEW = "aAbé京1 ."
MANY = "".join(map(chr, range(0x100, 0x400)))
"""Letters, more than a byte has numbers."""


def every_place(text: str, forms: Sequence[str]) -> Iterator[tuple[str, int, int]]:
    for form in set(forms):
        start = text.find(form)
        while start >= 0:
            yield form, start, start + len(form)
            start = text.find(form, start + 1)


def searched(text: str, patterns: Sequence[str]) -> Found:
    lengths = np.array([len(pattern) for pattern in patterns], dtype=np.int64)
    search = SymbolSearch(codes_of("".join(patterns)), lengths)
    columns = search.find(search.numbers(codes_of(text)))
    return sorted((patterns[number], start, end) for number, start, end in zip(*columns, strict=True))


def forms_found(text: str, forms: Sequence[str]) -> Found:
    columns = FormSearch(forms).find(codes_of(text), inside_words(character_classes(text)))
    return sorted((forms[number], start, end) for number, start, end in zip(*columns, strict=True))


def forms_expected(text: str, forms: Sequence[str]) -> Found:
    inside = inside_words(character_classes(text))
    return sorted(place for place in every_place(text, forms) if not inside[place[1]])


def distinct(alphabet: str) -> st.SearchStrategy[list[str]]:
    return st.lists(st.text(alphabet, min_size=1, max_size=4), max_size=12, unique=True)


@given(st.text(FEW, max_size=60), distinct(FEW))
def test_patterns_of_few_symbols(text: str, patterns: list[str]) -> None:
    assert searched(text, patterns) == sorted(every_place(text, patterns))
    assert forms_found(text, patterns) == forms_expected(text, patterns)


@settings(max_examples=50)
@given(st.text(MANY[:20] + MANY[-20:], max_size=60), distinct(MANY[:20] + MANY[-20:]))
def test_patterns_of_many_symbols(text: str, patterns: list[str]) -> None:
    """Every symbol takes two bytes, and no match begins with the second of one."""
    patterns = list(dict.fromkeys([*patterns, *MANY]))
    assert searched(text, patterns) == sorted(every_place(text, patterns))
    assert forms_found(text, patterns) == forms_expected(text, patterns)


COMMON = ["ab" * 50_000 + str(number) for number in range(3)]
"""Beside them the other letters are rare."""


@settings(max_examples=50)
@given(st.data())
def test_rare_symbols_share_a_number(data: st.DataObject) -> None:
    letters = "ab" + MANY[-6:]
    forms = list(dict.fromkeys([*data.draw(distinct(letters)), *COMMON, *MANY]))
    search = FormSearch(forms)
    assert search._search.numbers(codes_of("a")).itemsize == 1
    text = data.draw(st.text(letters + ' "', max_size=60))
    columns = search.find(codes_of(text), inside_words(character_classes(text)))
    seen = sorted((forms[number], start, end) for number, start, end in zip(*columns, strict=True))
    assert seen == forms_expected(text, [form for form in forms if form not in COMMON])


def test_symbols_without_a_pattern_have_the_number_0() -> None:
    search = SymbolSearch(codes_of("ab"), np.array([2]), also=codes_of("x"), alike=codes_of("bc"))
    a, b, c, x, other = search.numbers(codes_of("abcxy")).tolist()
    assert len({a, b, x, 0}) == 4 and c == b and other == 0


@pytest.mark.parametrize("count", [ONE_BYTE_SYMBOLS - 1, ONE_BYTE_SYMBOLS, ONE_BYTE_SYMBOLS + 1])
def test_as_many_symbols_as_a_byte_has_numbers(count: int) -> None:
    forms = list(MANY[:count])
    text = " ".join(MANY[: count + 2])
    assert forms_found(text, forms) == forms_expected(text, forms) == searched(text, forms)


def test_nothing_is_found_without_patterns() -> None:
    assert searched("ab", []) == [] == forms_found("ab", [])
    assert forms_found("", ["ab"]) == []
