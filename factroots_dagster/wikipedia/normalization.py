"""Texts and labels as they are compared, and the way back to where a match stands in the stored text.

For matching only: NFC, no-break spaces as spaces, invisible characters dropped (but for ZWNJ and ZWJ,
which tell words apart), Chinese in simplified characters. Nothing of this changes a stored text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from itertools import chain

import numpy as np
from numpy.typing import NDArray

INVISIBLE = "\u200e\u200f\ufeff\u200b\u00ad"
"""LRM, RLM, byte order mark, zero-width space, soft hyphen."""

UNWANTED = re.compile(f"[{INVISIBLE}\u00a0]")
REPLACED = {ord(character): None for character in INVISIBLE} | {0xA0: " "}
LINE = re.compile(r"[^\n]+")
WORD = re.compile(r"[^ \n\u3400-\u9fff]+")
"""What normalisation can change as a whole: nothing joins a space or a Han character."""
CHINESE = ("zh", "gan", "wuu", "yue", "lzh", "hak", "cdo")


@lru_cache(maxsize=1)
def simplified() -> dict[int, str]:
    """Traditional to simplified characters, one for one, from OpenCC's character table.

    Its phrase table, which makes exceptions within some words, is left out: label and text go through
    the same table, and places must not shift.
    """
    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = [line.split() for line in lines if line.strip()]
    return {ord(pair[0]): pair[1] for pair in pairs if len(pair) > 1 and len(pair[0]) == len(pair[1]) == 1}


def is_chinese(language: str) -> bool:
    """Whether the language is written in Han characters of two kinds."""
    return language.replace("_", "-").split("-")[0] in CHINESE


@lru_cache(maxsize=1)
def simplified_codes() -> NDArray[np.uint32]:
    """`simplified` as a table of all code points, shape [0x110000]."""
    table = np.arange(0x110000, dtype=np.uint32)
    for code, character in simplified().items():
        table[code] = ord(character)
    return table


def in_simplified(text: str) -> str:
    """`text` in simplified characters, as long as before."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    return simplified_codes()[codes].tobytes().decode("utf-32-le", "surrogatepass")


def normalized(text: str, language: str = "") -> str:
    """`text` as it is compared."""
    text = unicodedata.normalize("NFC", UNWANTED.sub(lambda found: REPLACED[ord(found[0])] or "", text))
    return in_simplified(text) if is_chinese(language) else text


Places = tuple[NDArray[np.int64], NDArray[np.int64]]
"""For every character of a normalised text, where its source starts and ends in the text it came from."""


def is_clean(text: str) -> bool:
    """Whether `text` is already as it is compared, Chinese apart."""
    return UNWANTED.search(text) is None and unicodedata.is_normalized("NFC", text)


def normalized_with_places(text: str, language: str = "") -> tuple[str, Places | None]:
    """`text` as it is compared, and the places of its characters (None: each stands where it stood).

    A stretch [s, e) of the normalised text comes from [starts[s], ends[e - 1]) of `text`.
    """
    pieces: list[str] = []
    starts: list[NDArray[np.int64]] = []
    ends: list[NDArray[np.int64]] = []
    at = 0
    for word in unclean_words(text):
        pieces.append(text[at : word.start()])
        unchanged = np.arange(at, word.start())
        at = word.end()
        piece, first, last = normalized_word(word[0])
        pieces.append(piece)
        starts += [unchanged, np.array(first, dtype=np.int64) + word.start()]
        ends += [unchanged + 1, np.array(last, dtype=np.int64) + word.start()]
    whole = "".join([*pieces, text[at:]]) if pieces else text
    if is_chinese(language):
        whole = in_simplified(whole)
    if not pieces:
        return whole, None
    unchanged = np.arange(at, len(text))
    return whole, (np.concatenate([*starts, unchanged]), np.concatenate([*ends, unchanged + 1]))


def unclean_words(text: str) -> Iterator[re.Match[str]]:
    """The words of `text` that normalisation changes, line by line, since most lines hold none."""
    if is_clean(text):
        return
    for line in LINE.finditer(text):
        if not is_clean(line[0]):
            yield from (word for word in WORD.finditer(text, *line.span()) if not is_clean(word[0]))


def normalized_word(word: str) -> tuple[str, list[int], list[int]]:
    """A word as it is compared, and for each of its characters where its source starts and ends."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    at = 0
    while at < len(word):
        end = at + 1
        while end < len(word) and (joins_before(word[end]) or word[end] in INVISIBLE):
            end += 1
        piece = normalized(word[at:end])
        # An invisible character at the end belongs to nothing.
        stop = end
        while stop > at + 1 and word[stop - 1] in INVISIBLE:
            stop -= 1
        pieces.append(piece)
        starts += [at] * len(piece)
        ends += [stop] * len(piece)
        at = end
    return "".join(pieces), starts, ends


def joins_before(character: str) -> bool:
    """Whether NFC may join a character to the one before it, or order it among those before it."""
    return (
        unicodedata.combining(character) > 0
        or character in second_halves()
        or "\u1160" <= character <= "\u11ff"
    )


@lru_cache(maxsize=1)
def second_halves() -> frozenset[str]:
    """Characters that stand second in some canonical decomposition (of the blocks that hold such)."""
    found = set()
    for code in chain(range(0xC0, 0x3100), range(0x11000, 0x12000)):
        parts = unicodedata.decomposition(chr(code)).split()
        if len(parts) == 2 and not parts[0].startswith("<"):
            found.add(chr(int(parts[1], 16)))
    return frozenset(found)
