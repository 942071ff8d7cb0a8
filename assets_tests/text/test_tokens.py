"""Classes of characters against the names that Unicode gives them, and the edges of texts and words."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest

from factroots_dagster.text.tokens import (
    BLANK,
    MARK,
    SINGLE,
    WORD,
    character_classes,
    class_of,
    edges_when_joined,
    inside_words,
    token_starts,
    word_counts,
    word_ends,
)

UNSPACED_SCRIPTS = (
    *("THAI ", "LAO ", "MYANMAR ", "KHMER ", "CJK ", "KANGXI ", "HANGZHOU ", "MASU MARK", "HENTAIGANA "),
    *("HIRAGANA ", "KATAKANA", "HALFWIDTH KATAKANA", "VERTICAL KANA", "VERTICAL IDEOGRAPHIC"),
    *("IDEOGRAPHIC ITERATION", "IDEOGRAPHIC CLOSING", "IDEOGRAPHIC NUMBER"),
)


def test_scripts_without_spaces_are_told_by_their_names() -> None:
    """Every letter and number of Unicode, so that no border of a block is one off."""
    wrong = [
        f"{code:04X} {name}"
        for code in range(0x110000)
        if unicodedata.category(chr(code))[0] in "LN"
        and (name := unicodedata.name(chr(code), ""))
        and (class_of(code) == SINGLE) != name.startswith(UNSPACED_SCRIPTS)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("aßя१②\u0301_‿", WORD),
        ("\u200c\u200d", WORD),
        (" \n\t\u00a0\u3000\x00\u200b\ufeff\ud800\ue000\u0378", BLANK),
        (".,!-'$+©।「」、。", MARK),
        ("日かカไກမក々〇ｱ", SINGLE),
    ],
)
def test_classes_of_characters(characters: str, expected: int) -> None:
    assert character_classes(characters).tolist() == [expected] * len(characters)
    # the table is filled as characters are seen: asked again, it says the same
    assert character_classes(characters).tolist() == [expected] * len(characters)


def test_nothing_has_no_tokens() -> None:
    assert token_starts(character_classes("")).tolist() == []
    assert word_counts([]).tolist() == [] and word_counts(["", ""]).tolist() == [0, 0]
    assert [edges.tolist() for edges in edges_when_joined([])] == [[], []]
    assert [edges.tolist() for edges in edges_when_joined(["ab", "", "c"])] == [[0, 3, 4], [2, 3, 5]]


def test_words_do_not_go_on_from_text_to_text() -> None:
    assert word_counts(["one two", "three", "四 five!"]).tolist() == [2, 1, 2]


def test_words_at_the_ends_of_a_text() -> None:
    kinds = character_classes("ab cd")
    assert np.flatnonzero(inside_words(kinds)).tolist() == [1, 4]
    assert word_ends(kinds, np.array([0, 1, 3, 4])).tolist() == [2, 2, 5, 5]
