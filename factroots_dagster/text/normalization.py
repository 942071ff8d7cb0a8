"""Texts and labels as they are compared, and the way back to where a match stands in the stored text.

For matching only: NFC, no-break spaces as spaces, invisible characters dropped (but for ZWNJ and ZWJ,
which tell words apart), Chinese in simplified characters. Nothing of this changes a stored text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CODE_POINTS, Property, codes_of, text_of

INVISIBLE = "\u200e\u200f\ufeff\u200b\u00ad"
"""LRM, RLM, byte order mark, zero-width space, soft hyphen."""

UNWANTED = re.compile(f"[{INVISIBLE}\u00a0]")
REPLACED_CHARACTERS = frozenset(INVISIBLE + "\u00a0")
REPLACED = {ord(character): None for character in INVISIBLE} | {0xA0: " "}
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
    """`simplified` as a table of all code points."""
    table = np.arange(CODE_POINTS, dtype=np.uint32)
    for code, character in simplified().items():
        table[code] = ord(character)
    return table


def in_simplified(text: str) -> str:
    """`text` in simplified characters, as long as before."""
    return text_of(simplified_codes()[codes_of(text)])


def normalized(text: str, language: str = "") -> str:
    """`text` as it is compared."""
    text = unicodedata.normalize("NFC", UNWANTED.sub(lambda found: REPLACED[ord(found[0])] or "", text))
    return in_simplified(text) if is_chinese(language) else text


def all_normalized(texts: Sequence[str], language: str = "") -> list[str]:
    """Each of `texts` as it is compared. All go at once, since nothing joins a line end."""
    joined = "\n".join(texts)
    if joined.count("\n") != len(texts) - 1:  # none, or one holds a line end
        return [normalized(text, language) for text in texts]
    return normalized(joined, language).split("\n")


@dataclass(frozen=True)
class Places:
    """Where the characters of a normalised text come from in the text that was normalised.

    Of stretches that begin at `breaks` (shape [stretches], the first at 0): where the source of the first
    character starts and ends. The others' follow one by one.
    """

    breaks: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def start(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the sources of these characters start, shape as `places`."""
        stretch = np.searchsorted(self.breaks, places, side="right") - 1
        return self.starts[stretch] + places - self.breaks[stretch]

    def end(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the sources of these characters end, shape as `places`."""
        stretch = np.searchsorted(self.breaks, places, side="right") - 1
        return self.ends[stretch] + places - self.breaks[stretch]


def is_clean(text: str) -> bool:
    """Whether `text` is already as it is compared, Chinese apart."""
    return UNWANTED.search(text) is None and unicodedata.is_normalized("NFC", text)


def normalized_with_places(text: str, language: str = "") -> tuple[str, Places | None]:
    """`text` as it is compared, and the places of its characters (None: each stands where it stood).

    A stretch [s, e) of the normalised text comes from [start(s), end(e - 1)) of `text`.
    """
    pieces: list[str] = []
    breaks: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    at = length = 0
    for word in unclean_words(text):
        piece, first, last = normalized_word(word[0])
        changed = length + word.start() - at
        breaks += [length, *range(changed, changed + len(piece))]
        starts += [at, *(place + word.start() for place in first)]
        ends += [at + 1, *(place + word.start() for place in last)]
        pieces += [text[at : word.start()], piece]
        at, length = word.end(), changed + len(piece)
    whole = "".join([*pieces, text[at:]]) if pieces else text
    if is_chinese(language):
        whole = in_simplified(whole)
    if not pieces:
        return whole, None
    columns = (
        np.array(column, dtype=np.int64) for column in ([*breaks, length], [*starts, at], [*ends, at + 1])
    )
    return whole, Places(*columns)


def unclean_words(text: str) -> Iterator[re.Match[str]]:
    """The words of `text` that normalisation changes, line by line, since most lines hold none."""
    codes = codes_of(text)
    doubtful = doubtful_places(codes)
    if not len(doubtful):
        return
    edges = np.concatenate([[-1], np.flatnonzero(codes == ord("\n")), [len(codes)]])
    lines = np.unique(np.searchsorted(edges, doubtful)) - 1
    for start, end in zip((edges[lines] + 1).tolist(), edges[lines + 1].tolist(), strict=True):
        if not is_clean(text[start:end]):
            yield from (word for word in WORD.finditer(text, start, end) if not is_clean(word[0]))


CHANGES, SECOND, FIRST, MARK = 1, 2, 4, 8
"""What NFC may do with a character: change it by itself; join it to the one before; join the one behind to
it; order it among marks."""

_orders = np.zeros((2, CODE_POINTS), dtype=np.uint8)
"""Combining classes of the first and the last character of each one's decomposition."""


def _fill_roles(table: NDArray[np.uint8], codes: list[int]) -> None:
    for code in codes:
        table[code], _orders[:, code] = role_of(chr(code))


_roles = Property(_fill_roles)


def doubtful_places(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    """Where a text, given as code points, may differ from how it is compared; all that differ are among them.

    NFC's quick check is of single characters and doubts every other word of Bengali; this looks at two
    neighbours, and takes a tenth of the time.
    """
    roles = _roles(codes)
    places = np.flatnonzero((roles & (CHANGES | SECOND | MARK)) != 0)
    own, before = roles[places], roles[places - 1]
    order, order_before = _orders[0, codes[places]], _orders[1, codes[places - 1]]
    before[places == 0] = order_before[places == 0] = 0
    joins = (own & SECOND != 0) & ((before & FIRST != 0) | ((order_before > 0) & (order > 0)))
    moves = (own & MARK != 0) & (order < order_before)
    changed: NDArray[np.int64] = places[(own & CHANGES != 0) | joins | moves]
    return changed


def role_of(character: str) -> tuple[int, tuple[int, int]]:
    """The bits above for one character, and the combining classes of its ends."""
    decomposed = unicodedata.normalize("NFD", character)
    changes = character in REPLACED_CHARACTERS or unicodedata.normalize("NFC", character) != character
    first = character in first_halves() or "\u1100" <= character <= "\u115f" or decomposed != character
    orders = unicodedata.combining(decomposed[0]), unicodedata.combining(decomposed[-1])
    roles = (
        CHANGES * changes
        | SECOND * (character in second_halves() or "\u1160" <= character <= "\u11ff")
        | FIRST * first
        | MARK * (orders[0] > 0)
    )
    return roles, orders


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
        unicodedata.combining(unicodedata.normalize("NFD", character)[0]) > 0
        or character in second_halves()
        or "\u1160" <= character <= "\u11ff"
    )


@lru_cache(maxsize=1)
def halves() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that stand first, and second, in what NFC joins (Hangul apart)."""
    first, second = set(), set()
    for code in chain(range(0xC0, 0x3100), range(0x11000, 0x18000)):  # what NFC joins stands here
        parts = unicodedata.decomposition(chr(code)).split()
        joined = unicodedata.normalize("NFC", chr(code)) == chr(code)
        if joined and len(parts) == 2 and not parts[0].startswith("<"):
            first.add(chr(int(parts[0], 16)))
            second.add(chr(int(parts[1], 16)))
    return frozenset(first), frozenset(second)


def first_halves() -> frozenset[str]:
    return halves()[0]


def second_halves() -> frozenset[str]:
    return halves()[1]
