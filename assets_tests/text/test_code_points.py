"""Characters looked up by their code points, against plain loops."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.text.code_points import CharacterProperty, from_code_points, look_up, to_code_points

TEXTS = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from("aéя日😀\n"), max_size=300)


@given(TEXTS)
@settings(deadline=None)
def test_texts_are_their_code_points(text: str) -> None:
    codes = to_code_points(text)
    assert codes.tolist() == [ord(character) for character in text]
    assert from_code_points(codes) == text


@given(TEXTS)
@settings(deadline=None)
def test_lookups_equal_those_of_numpy(text: str) -> None:
    table = (np.arange(0x110000) * 7 % 251).astype(np.uint8)
    codes = to_code_points(text)
    assert np.array_equal(look_up(table, codes), table[codes])


@pytest.mark.parametrize("block_size", [1, 16])
def test_a_property_is_computed_once_for_each_block(block_size: int) -> None:
    computed: list[range] = []

    def last_digits(codes: range) -> list[int]:
        computed.append(codes)
        return [code % 10 for code in codes]

    last_digit = CharacterProperty(last_digits, block_size)
    for text in ("cab", "", "abcd", "😀a"):
        assert last_digit(to_code_points(text)).tolist() == [ord(character) % 10 for character in text]
    starts = [*map(ord, "abcd😀")] if block_size == 1 else [0x60, 0x1F600]
    assert computed == [range(start, start + block_size) for start in starts]


def test_a_property_may_be_the_same_for_a_whole_block() -> None:
    plane = CharacterProperty(lambda codes: codes.start >> 16, 256)
    assert plane(to_code_points("a日😀\U0010ffff")).tolist() == [0, 0, 1, 16]
