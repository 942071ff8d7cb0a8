"""What stands around the two sides of a fact in a passage: from this its words and its form are read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CharacterProperty, to_code_points
from factroots_dagster.text.tokens import (
    PUNCTUATION,
    SPACE,
    WORD,
    character_classes,
    joined_bounds,
    token_starts,
)

BETWEEN, BESIDE = 200, 60
"""Characters of a context: at most between the sides (the halves nearest to them), and at each end."""

STEM = 6
"""Letters of a word that count, so that inflected forms of a word are one cue."""

HASH_FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that no letter is lost: words are told apart by a polynomial in it, modulo 2 ** 64."""

Span = tuple[int, int]

_is_decimal = CharacterProperty(lambda codes: [chr(code).isdecimal() for code in codes])


class Context(NamedTuple):
    """The text before the first side, between the sides and after the second, each within its line.

    lines: ends of lines between the sides.
    """

    before: str
    between: str
    after: str
    lines: int


def cut_context(text: str, subject: Span, object_: Span) -> Context:
    """The context of two disjoint spans in a text."""
    (first, start), (end, last) = sorted((subject, object_))
    between = text[start:end]
    lines = between.count("\n")
    if len(between) > BETWEEN:
        between = f"{between[: BETWEEN // 2]}\n{between[-BETWEEN // 2 :]}"
    before = text[max(0, first - BESIDE) : first].rpartition("\n")[2]
    after = text[last : last + BESIDE].partition("\n")[0]
    return Context(before, between, after, lines)


class HashedWords(NamedTuple):
    """The distinct words of texts, as parallel arrays of text and word, by both; and of each text the share
    of punctuation among its tokens, 0 without tokens."""

    text: NDArray[np.int64]
    word: NDArray[np.int64]
    marks: NDArray[np.float64]


def hash_words(texts: Sequence[str]) -> HashedWords:
    """The words of each text, as numbers from their letters.

    A word is its first letters, in small ones; a pair of characters in a script without spaces; a mark of
    punctuation. Numbers are one word.
    """
    # Of all letters only this one's small form is two characters long.
    joined = "\n".join(texts).replace("İ", "i").lower()
    classes = character_classes(joined)
    starts = np.flatnonzero(token_starts(classes))
    # So that the last words can be read on.
    codes = np.append(to_code_points(joined), np.zeros(STEM, np.uint32))
    kinds = np.append(classes, np.full(STEM, SPACE, np.uint8))
    kind = kinds[starts]
    words, going_on = codes[starts] * HASH_FACTOR, np.flatnonzero(kind != PUNCTUATION)
    for offset in range(1, STEM):
        if offset == 2:
            going_on = going_on[kind[going_on] == WORD]
        position = starts[going_on] + offset
        goes_on = kinds[position] == kind[going_on]
        going_on = going_on[goes_on]
        words[going_on] = (words[going_on] + codes[position[goes_on]]) * HASH_FACTOR
    words[_is_decimal(codes[starts]) == 1] = 0
    _, text_ends = joined_bounds(texts)
    text, word = np.searchsorted(text_ends, starts), words.view(np.int64)
    tokens, marks = (
        np.bincount(numbers, minlength=len(texts)) for numbers in (text, text[kind == PUNCTUATION])
    )
    order = np.lexsort((word, text))
    text, word = text[order], word[order]
    differs = np.append(True, (np.diff(text) != 0) | (np.diff(word) != 0))[: len(starts)]
    return HashedWords(text[differs], word[differs], marks / np.maximum(1, tokens))
