"""Words and tokens of a text by character class: borders, counts, chunks. Whole texts at a time.

A text is looked up as an array of code points in one table of classes, so that a million characters take
milliseconds and nothing is made for each token.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import Property, codes_of

BLANK, WORD, MARK, SINGLE = 0, 1, 2, 3
"""Space or control; part of a word; punctuation or symbol; a character of a script without spaces."""

CHUNK_TOKENS = 512

UNSPACED = (
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
"""Blocks whose letters stand without spaces between words."""

IGNORED = (0x200C, 0x200D)
"""ZWNJ and ZWJ belong to the word they stand in."""


def class_of(code: int) -> int:
    """The class of one code point."""
    if code in IGNORED:
        return WORD
    category = unicodedata.category(chr(code))
    if category[0] in "LMN" or category == "Pc":
        return SINGLE if any(first <= code <= last for first, last in UNSPACED) else WORD
    return BLANK if category[0] in "ZC" else MARK


def _fill_classes(table: NDArray[np.uint8], codes: list[int]) -> None:
    table[codes] = [class_of(code) for code in codes]


_classes = Property(_fill_classes)


def character_classes(text: str) -> NDArray[np.uint8]:
    """The class of every character, read-only, shape [len(text)]."""
    return _classes(codes_of(text))


def token_starts(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Where a token begins: a word, or any single mark or character, shape as `kinds`.

    These are the tokens that BERT's pre-tokenizer makes, with combining marks inside words.
    """
    starts: NDArray[np.bool_] = (kinds != BLANK) & ~inside_words(kinds)[:-1]
    return starts


def word_counts(texts: Sequence[str]) -> NDArray[np.int64]:
    """Words of each text; in scripts without spaces every character counts. Shape [len(texts)]."""
    kinds = character_classes("\n".join(texts))
    words = np.flatnonzero(token_starts(kinds) & (kinds != MARK))
    starts, ends = edges_when_joined(texts)
    return np.searchsorted(words, ends) - np.searchsorted(words, starts)


def edges_when_joined(texts: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where each text starts and ends in "\\n".join(texts), both [len(texts)]."""
    ends = np.cumsum(np.array([len(text) + 1 for text in texts], dtype=np.int64)) - 1
    return np.append(0, ends[:-1] + 1)[: len(texts)], ends


def inside_words(kinds: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each place, from before the first character to behind the last, lies inside a word. Shape:
    [len(kinds) + 1].

    Inside a word is where two word characters meet; between characters of scripts without spaces, and between
    such a one and a letter, there is no border to keep.
    """
    words = kinds == WORD
    inside = np.zeros(len(kinds) + 1, dtype=bool)
    np.logical_and(words[1:], words[:-1], out=inside[1:-1])
    return inside


def word_ends(kinds: NDArray[np.uint8], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each place inside a word where that word ends. Shape: [n]."""
    outside = np.append(np.flatnonzero(kinds != WORD), len(kinds))
    return outside[np.searchsorted(outside, places)]
