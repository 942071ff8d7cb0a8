"""Characters looked up by their code points, and counted in UTF-8, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from factroots_dagster.wikipedia.code_points import (
    Property,
    characters_before,
    codes_of,
    looked_up,
    text_of,
)

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aéя日😀\n"), max_size=300)


@given(TEXTS)
def test_texts_are_their_code_points(text: str) -> None:
    codes = codes_of(text)
    assert codes.tolist() == [ord(character) for character in text]
    assert text_of(codes) == text


@given(TEXTS)
def test_characters_are_counted_in_utf8(text: str) -> None:
    utf8 = text.encode()
    edges = np.cumsum([0, *(len(character.encode()) for character in text)])
    assert characters_before(utf8, edges).tolist() == list(range(len(text) + 1))


@pytest.mark.parametrize("size", [63, 64, 65, 128])
def test_characters_are_counted_where_words_of_bits_end(size: int) -> None:
    for text in ("a" * size, "é" * size, "é" + "a" * size):
        utf8 = text.encode()
        places = np.array([[0, len(utf8)], [len(utf8[:-1].decode(errors="ignore").encode()), 0]])
        assert characters_before(utf8, places).tolist() == [[0, len(text)], [len(text) - 1, 0]]


@given(TEXTS)
def test_lookups_are_those_of_numpy(text: str) -> None:
    table = (np.arange(0x110000) * 7 % 251).astype(np.uint8)
    codes = codes_of(text)
    assert np.array_equal(looked_up(table, codes), table[codes])


def test_a_property_is_worked_out_once() -> None:
    asked: list[int] = []

    def fill(table: NDArray[np.uint8], codes: list[int]) -> None:
        asked.extend(codes)
        table[codes] = [code % 10 for code in codes]

    digit = Property(fill)
    for text in ("cab", "", "abcd", "😀a"):
        assert digit(codes_of(text)).tolist() == [ord(character) % 10 for character in text]
    assert asked == [*map(ord, "abcd"), ord("😀")]
