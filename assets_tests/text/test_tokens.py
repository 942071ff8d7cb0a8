"""Character classes against the names of characters in Unicode, and the bounds of texts, words and tokens."""

from __future__ import annotations

import unicodedata

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from assets_tests.text.strategies import WILD_TEXT
from factroots_dagster.text.tokens import (
    PUNCTUATION,
    SPACE,
    UNSPACED,
    WORD,
    character_classes,
    class_of,
    count_words,
    inside_words,
    joined_bounds,
    token_starts,
    word_ends,
)

UNSPACED_SCRIPTS = (
    *("THAI ", "LAO ", "MYANMAR ", "KHMER ", "CJK ", "KANGXI ", "HANGZHOU ", "MASU MARK", "HENTAIGANA "),
    *("HIRAGANA ", "KATAKANA", "HALFWIDTH KATAKANA", "VERTICAL KANA", "VERTICAL IDEOGRAPHIC"),
    *("IDEOGRAPHIC ITERATION", "IDEOGRAPHIC CLOSING", "IDEOGRAPHIC NUMBER"),
)


def test_scripts_without_spaces_are_those_with_these_names() -> None:
    """For every letter and number of Unicode, so that no range is off by one."""
    wrong = [
        f"{code:04X} {name}"
        for code in range(0x110000)
        if unicodedata.category(chr(code))[0] in "LN"
        and (name := unicodedata.name(chr(code), ""))
        and (class_of(code) == UNSPACED) != name.startswith(UNSPACED_SCRIPTS)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    ("characters", "expected"),
    [
        ("aßя१②\u0301_‿", WORD),
        ("\u200c\u200d", WORD),
        (" \n\t\u00a0\u3000\x00\u200b\ufeff\ud800\ue000\u0378", SPACE),
        (".,!-'$+©।「」、。", PUNCTUATION),
        ("日かカไກမក々〇ｱ", UNSPACED),
    ],
)
def test_classes_of_characters(characters: str, expected: int) -> None:
    assert character_classes(characters).tolist() == [expected] * len(characters)
    # The table is filled when characters first occur: the second time it is read.
    assert character_classes(characters).tolist() == [expected] * len(characters)


def test_empty_texts_have_no_tokens() -> None:
    assert token_starts(character_classes("")).tolist() == []
    assert count_words([]).tolist() == [] and count_words(["", ""]).tolist() == [0, 0]
    assert [bounds.tolist() for bounds in joined_bounds([])] == [[], []]
    assert [bounds.tolist() for bounds in joined_bounds(["ab", "", "c"])] == [[0, 3, 4], [2, 3, 5]]


def test_words_do_not_continue_in_the_next_text() -> None:
    assert count_words(["one two", "three", "四 five!"]).tolist() == [2, 1, 2]


def test_words_at_the_bounds_of_a_text() -> None:
    classes = character_classes("ab cd")
    assert np.flatnonzero(inside_words(classes)).tolist() == [1, 4]
    assert word_ends(classes, np.array([0, 1, 3, 4])).tolist() == [2, 2, 5, 5]


def tokens_by_loop(text: str) -> list[str]:
    """Words and single marks, character by character."""
    tokens: list[str] = []
    inside = False
    for character in text:
        (character_class,) = character_classes(character).tolist()
        if character_class == SPACE:
            inside = False
        elif character_class == WORD and inside:
            tokens[-1] += character
        else:
            tokens.append(character)
            inside = character_class == WORD
    return tokens


@given(st.text(max_size=40) | WILD_TEXT)
@settings(max_examples=300, deadline=None)
def test_tokens_equal_those_of_a_plain_loop(text: str) -> None:
    assert int(token_starts(character_classes(text)).sum()) == len(tokens_by_loop(text))
    marks = [token for token in tokens_by_loop(text) if character_classes(token)[0] == PUNCTUATION]
    texts = [text, "", f"two words {text}"]
    words = len(tokens_by_loop(text)) - len(marks)
    assert count_words(texts).tolist() == [words, 0, 2 + words]


def test_words_of_many_scripts() -> None:
    for text, words in {
        "Ça va, l'été?": ["Ça", "va", ",", "l", "'", "été", "?"],
        "বাংলা ভাষা।": ["বাংলা", "ভাষা", "।"],
        "東京タワー": list("東京タワー"),
        "ไทย ok": ["ไ", "ท", "ย", "ok"],
        "Հայաստան։": ["Հայաստան", "։"],
        "서울은": ["서울은"],
    }.items():
        assert tokens_by_loop(text) == words
        assert int(token_starts(character_classes(text)).sum()) == len(words)


@given(st.lists(WILD_TEXT, max_size=5))
@settings(deadline=None)
def test_joined_texts_are_at_their_bounds(texts: list[str]) -> None:
    joined = "\n".join(texts)
    starts, ends = joined_bounds(texts)
    assert [joined[start:end] for start, end in zip(starts, ends, strict=True)] == texts


@pytest.mark.parametrize(
    ("text", "label", "is_whole"),
    [
        ("New Yorker", "New York", False),
        ("in New York.", "New York", True),
        ("cab", "ab", False),
        ("l'Aigle", "Aigle", True),
        ("ভারতের", "ভারত", False),
        ("東京都", "東京", True),
        ("Sony製", "Sony", True),
        ("กรุงเทพมหานคร", "กรุงเทพ", True),
        ("C++", "C", True),
        ("U2", "U", False),
    ],
)
def test_word_borders(text: str, label: str, is_whole: bool) -> None:
    start = text.index(label)
    inside = inside_words(character_classes(text))
    assert (not inside[start] and not inside[start + len(label)]) is is_whole


def test_ends_of_words() -> None:
    text = "서울은 크다, budapesten"
    positions = np.array([text.index("은"), text.index("dap"), len(text) - 1])
    assert word_ends(character_classes(text), positions).tolist() == [3, len(text), len(text)]
