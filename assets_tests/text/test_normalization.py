"""How texts and labels are compared, and where the characters of the result come from."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from factroots_dagster.text.normalization import (
    INVISIBLE,
    doubtful_places,
    in_simplified,
    is_chinese,
    is_clean,
    joins_before,
    normalized,
    normalized_with_places,
    simplified,
    simplified_codes,
)


@pytest.mark.parametrize(
    ("language", "chinese"),
    [
        *((code, True) for code in ("zh", "zh-yue", "zh_min_nan", "yue", "cdo")),
        *((code, False) for code in ("ja", "", "zha", "en-zh")),
    ],
)
def test_languages_written_in_two_kinds_of_han(language: str, chinese: bool) -> None:
    assert is_chinese(language) is chinese
    assert (normalized("漢", language) == "汉") is chinese
    assert (normalized_with_places("漢", language)[0] == "汉") is chinese


def test_simplified_characters_are_one_for_one() -> None:
    table = simplified()
    assert len(table) > 3000 and table[ord("漢")] == "汉" and ord("a") not in table
    assert all(len(character) == 1 for character in table.values())
    codes = simplified_codes()
    assert codes.shape == (0x110000,) and codes[ord("a")] == ord("a") and codes[0x10FFFF] == 0x10FFFF
    assert in_simplified("a漢\U00020000\ud800") == "a汉\U00020000\ud800"


def test_what_is_clean() -> None:
    assert is_clean("") and is_clean("São Paulo\n漢") and is_clean("می\u200cخواهم")
    assert not any(is_clean(f"a{character}b") for character in INVISIBLE + "\u00a0")
    assert not is_clean("Sa\u0303o")


@pytest.mark.parametrize(
    ("text", "seen", "places"),
    [
        ("ab", "ab", None),
        ("a\u200bb", "ab", [(0, 1), (2, 3)]),
        ("\u200bab\u00ad", "ab", [(1, 2), (2, 3)]),
        ("x Sa\u0303o y", "x São y", [(0, 1), (1, 2), (2, 3), (3, 5), (5, 6), (6, 7), (7, 8)]),
        ("a\u00a0b", "a b", [(0, 1), (1, 2), (2, 3)]),
        ("one\ntw\u00ado\nthree", "one\ntwo\nthree", None),
        ("e\u0323\u0301", unicodedata.normalize("NFC", "e\u0323\u0301"), None),
        ("\u1112\u1161\u11ab", "한", [(0, 3)]),
        ("가\u11a8", "각", [(0, 2)]),
    ],
)
def test_places_by_hand(text: str, seen: str, places: list[tuple[int, int]] | None) -> None:
    found, where = normalized_with_places(text)
    assert found == seen == normalized(text)
    if where is None:
        assert text == seen
    elif places is not None:
        every = np.arange(len(seen))
        assert list(zip(where.start(every).tolist(), where.end(every).tolist(), strict=True)) == places


def test_every_character_that_joins_the_one_before_is_known() -> None:
    """Wherever NFC puts two characters together, or changes their order, the second says so."""
    for code in range(0x110000):
        character = chr(code)
        if 0xD800 <= code < 0xE000:
            continue
        parts = unicodedata.normalize("NFD", character)
        if len(parts) > 1 and unicodedata.normalize("NFC", parts) == character:
            assert joins_before(parts[-1]), f"{code:04X}"
        if unicodedata.combining(character):
            assert joins_before(character), f"{code:04X}"
    assert not any(joins_before(character) for character in "abcÉ漢字가 \u115f.")
    assert joins_before("\u1160") and joins_before("\u11ff") and not joins_before("\u1200")


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("", []),
        ("abc é 漢 가", []),
        ("বাংলা ভাষা", []),  # what NFC's quick check doubts
        ("a\u00a0b\u200b", [1, 3]),  # replaced, wherever they stand
        ("\u0958", [0]),  # NFC changes it by itself
        ("e\u0301", [1]),
        ("1\u0301", []),  # nothing joins a digit to an accent
        ("\u0301e", []),  # nothing stands before the first
        ("\u0334a\u0301", [2]),  # neither does the last stand before it
        ("ae", []),
        ("1\u0301\u0334", [2]),  # marks out of their order
        ("1\u0335\u0334", []),  # of one order
        ("1\u0334\u0301", [2]),  # may join over the mark between them
        ("1\u0301a", []),
        ("1\u0301\u1161", []),  # a vowel of Hangul is no mark
        ("\u1100\u1161", [1]),
        ("가\u11a8", [1]),
        ("1\u1161", []),
        ("\u09c7\u09be", [1]),  # two halves of a vowel, no marks by class
        ("\u09be\u09c7", []),
    ],
)
def test_where_a_text_may_differ_from_how_it_is_compared(text: str, places: list[int]) -> None:
    """Few places, since every doubtful line is looked at again, character by character."""
    codes = np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)
    assert doubtful_places(codes).tolist() == places
