"""Words and tokens of a text by character class: borders and counts, computed for whole texts at a time.

A text is looked up as an array of code points in one table of classes, so that a million characters take
milliseconds and no object is created per token.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CharacterProperty, to_code_points

SPACE, WORD, PUNCTUATION, UNSPACED = 0, 1, 2, 3
"""Character classes: space or control; part of a word; punctuation or symbol; character of a script that is
written without spaces."""

CHUNK_TOKENS = 512
"""Tokens of one chunk of an article."""

UNSPACED_RANGES = (
    (0x0E00, 0x0EFF),  # Thai, Lao
    (0x1000, 0x109F),  # Myanmar
    (0x1780, 0x17FF),  # Khmer
    (0x19E0, 0x19FF),  # Khmer symbols
    (0x2E80, 0x2FDF),  # CJK radicals
    (0x3005, 0x3007),  # iteration marks
    (0x3021, 0x3029),
    (0x3031, 0x303C),
    (0x3040, 0x30FF),  # hiragana, katakana
    (0x31F0, 0x31FF),
    (0x3400, 0x4DBF),  # Han
    (0x4E00, 0x9FFF),
    (0xA9E0, 0xA9FF),  # Myanmar extended
    (0xAA60, 0xAA7F),
    (0xF900, 0xFAFF),
    (0xFF66, 0xFF9F),  # half-width katakana
    (0x1AFF0, 0x1B16F),
    (0x20000, 0x3FFFF),
)
"""Ranges of code points (both ends included) whose letters are written without spaces between words."""

JOINERS = (0x200C, 0x200D)
"""ZWNJ and ZWJ are part of the word around them."""


def class_of(code: int) -> int:
    """The class of one code point."""
    if code in JOINERS:
        return WORD
    category = unicodedata.category(chr(code))
    if category[0] in "LMN" or category == "Pc":
        return UNSPACED if any(first <= code <= last for first, last in UNSPACED_RANGES) else WORD
    return SPACE if category[0] in "ZC" else PUNCTUATION


_character_class = CharacterProperty(lambda codes: [class_of(code) for code in codes])


def character_classes(text: str) -> NDArray[np.uint8]:
    """The class of every character, read-only, shape [len(text)]."""
    return _character_class(to_code_points(text))


def token_starts(classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether a token begins at each character, same shape as `classes`.

    A token is a word, or a single punctuation mark or character of an unspaced script, as in BERT's
    pre-tokenizer, except that combining marks are part of the word.
    """
    starts: NDArray[np.bool_] = (classes != SPACE) & ~inside_words(classes)[:-1]
    return starts


def count_words(texts: Sequence[str]) -> NDArray[np.int64]:
    """Number of words of each text, shape [len(texts)]; in unspaced scripts every character counts."""
    classes = character_classes("\n".join(texts))
    words = np.flatnonzero(token_starts(classes) & (classes != PUNCTUATION))
    starts, ends = joined_bounds(texts)
    return np.searchsorted(words, ends) - np.searchsorted(words, starts)


def joined_bounds(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each text starts and ends in "\\n".join(texts), both of shape [len(texts)]."""
    ends = np.cumsum(np.array([len(text) + 1 for text in texts], dtype=np.int64)) - 1
    return np.append(0, ends[:-1] + 1)[: len(texts)], ends


def inside_words(classes: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each position, from before the first character to after the last, is inside a word. Shape:
    [len(classes) + 1].

    A position is inside a word when the characters on both sides are of class WORD. Between characters of
    unspaced scripts, and between such a character and a letter, a match may begin or end anywhere.
    """
    is_word = classes == WORD
    inside = np.zeros(len(classes) + 1, dtype=bool)
    np.logical_and(is_word[1:], is_word[:-1], out=inside[1:-1])
    return inside


def word_ends(classes: NDArray[np.uint8], positions: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where the word around each position inside a word ends, same shape as `positions`."""
    outside = np.append(np.flatnonzero(classes != WORD), len(classes))
    return outside[np.searchsorted(outside, positions)]
