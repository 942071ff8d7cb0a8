"""Characters looked up by their code points, against plain loops."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from factroots_dagster.text.code_points import Property, codes_of, looked_up, text_of

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aéя日😀\n"), max_size=300)


@given(TEXTS)
def test_texts_are_their_code_points(text: str) -> None:
    codes = codes_of(text)
    assert codes.tolist() == [ord(character) for character in text]
    assert text_of(codes) == text


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
