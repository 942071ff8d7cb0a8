"""Normalization of texts and labels for matching, and the way back from a match to the stored text.

For matching only: NFC, no-break spaces as spaces, invisible characters dropped (except ZWNJ and ZWJ, which
distinguish words), Chinese in simplified characters. Stored texts are never changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import (
    CODE_POINT_LIMIT,
    CharacterProperty,
    CodePoints,
    from_code_points,
    to_code_points,
)

INVISIBLE = "\u200e\u200f\ufeff\u200b\u00ad"
"""LRM, RLM, byte order mark, zero-width space, soft hyphen."""

REPLACEMENTS = {**dict.fromkeys(INVISIBLE, ""), "\u00a0": " "}
REPLACED = re.compile(f"[{''.join(REPLACEMENTS)}]")
WORD = re.compile(r"[^ \n\u3400-\u9fff]+")
"""The largest spans that NFC treats as a whole: nothing composes with a space or a Han character."""

CHINESE = ("zh", "gan", "wuu", "yue", "lzh", "hak", "cdo")


@lru_cache(maxsize=1)
def simplified_characters() -> dict[int, str]:
    """Traditional to simplified characters, one to one, from OpenCC's character table.

    Its phrase table, which makes exceptions within some words, is left out: labels and texts go through the
    same table, and positions must not shift.
    """
    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = (line.split()[:2] for line in lines)
    return {ord(pair[0]): pair[1] for pair in pairs if list(map(len, pair)) == [1, 1]}


def is_chinese(language: str) -> bool:
    """Whether the language is written in both traditional and simplified characters."""
    return language.replace("_", "-").split("-")[0] in CHINESE


@lru_cache(maxsize=1)
def simplified_code_points() -> CodePoints:
    """`simplified_characters` as a table, shape [CODE_POINT_LIMIT]."""
    table = np.arange(CODE_POINT_LIMIT, dtype=np.uint32)
    for code, character in simplified_characters().items():
        table[code] = ord(character)
    return table


def to_simplified(text: str) -> str:
    """`text` in simplified characters, of the same length."""
    return from_code_points(simplified_code_points()[to_code_points(text)])


def normalize(text: str, language: str = "") -> str:
    """`text` in the form in which texts and labels are compared."""
    text = unicodedata.normalize("NFC", REPLACED.sub(lambda match: REPLACEMENTS[match[0]], text))
    return to_simplified(text) if is_chinese(language) else text


def normalize_all(texts: Sequence[str], language: str = "") -> list[str]:
    """Each of `texts` normalized; they are joined by line ends, across which nothing composes."""
    joined = "\n".join(texts)
    if joined.count("\n") != len(texts) - 1:  # no text at all, or one that holds a line end
        return [normalize(text, language) for text in texts]
    return normalize(joined, language).split("\n")


@dataclass(frozen=True)
class SourcePositions:
    """Where the characters of a normalized text come from in the source text.

    The normalized text consists of segments that begin at `breaks` (shape [segments], the first at 0).
    `starts` and `ends` are the source bounds of each segment's first character; the characters after it
    follow one by one.
    """

    breaks: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]

    def start(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the sources of the characters at `positions` start, same shape."""
        segment = np.searchsorted(self.breaks, positions, side="right") - 1
        return self.starts[segment] + positions - self.breaks[segment]

    def end(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the sources of the characters at `positions` end, same shape."""
        segment = np.searchsorted(self.breaks, positions, side="right") - 1
        return self.ends[segment] + positions - self.breaks[segment]


def is_normalized(text: str) -> bool:
    """Whether `normalize` leaves `text` as it is, Chinese characters aside."""
    return REPLACED.search(text) is None and unicodedata.is_normalized("NFC", text)


def normalize_with_positions(text: str, language: str = "") -> tuple[str, SourcePositions | None]:
    """`text` normalized, and where its characters come from (None: each is where it was).

    The span [s, e) of the normalized text comes from [start(s), end(e - 1)) of `text`.
    """
    pieces: list[str] = []
    breaks: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    position = length = 0
    for word in words_to_normalize(text):
        piece, first, last = normalize_word(word[0])
        piece_start = length + word.start() - position
        breaks += [length, *range(piece_start, piece_start + len(piece))]
        starts += [position, *(offset + word.start() for offset in first)]
        ends += [position + 1, *(offset + word.start() for offset in last)]
        pieces += [text[position : word.start()], piece]
        position, length = word.end(), piece_start + len(piece)
    whole = "".join([*pieces, text[position:]]) if pieces else text
    if is_chinese(language):
        whole = to_simplified(whole)
    if not pieces:
        return whole, None
    columns = ([*breaks, length], [*starts, position], [*ends, position + 1])
    return whole, SourcePositions(*(np.array(column, dtype=np.int64) for column in columns))


def words_to_normalize(text: str) -> Iterator[re.Match[str]]:
    """The words of `text` that normalization changes; only lines that may hold one are searched."""
    codes = to_code_points(text)
    line_ends = np.concatenate([[-1], np.flatnonzero(codes == ord("\n")), [len(codes)]])
    lines = np.unique(np.searchsorted(line_ends, find_possible_changes(codes))) - 1
    for start, end in zip((line_ends[lines] + 1).tolist(), line_ends[lines + 1].tolist(), strict=True):
        if not is_normalized(text[start:end]):
            yield from (word for word in WORD.finditer(text, start, end) if not is_normalized(word[0]))


CHANGES, SECOND, FIRST, MARK = 1, 2, 4, 8
"""What normalization may do with a character: change it by itself; compose it with the one before; compose it
with the one after; reorder it among combining marks."""


@lru_cache(maxsize=1 << 12)
def normalization_flags(character: str) -> int:
    """The flags above for one character."""
    first_halves, second_halves = composition_halves()
    decomposed = unicodedata.normalize("NFD", character)
    changes = character in REPLACEMENTS or unicodedata.normalize("NFC", character) != character
    first = character in first_halves or "\u1100" <= character <= "\u115f" or decomposed != character
    second = character in second_halves or "\u1160" <= character <= "\u11ff"
    moves = unicodedata.combining(decomposed[0]) > 0
    return CHANGES * changes | SECOND * second | FIRST * first | MARK * moves


_flags = CharacterProperty(lambda codes: [normalization_flags(chr(code)) for code in codes])
_first_combining_class = CharacterProperty(
    lambda codes: [unicodedata.combining(unicodedata.normalize("NFD", chr(code))[0]) for code in codes]
)
"""Combining class of the first character of the decomposition (at most 240)."""
_last_combining_class = CharacterProperty(
    lambda codes: [unicodedata.combining(unicodedata.normalize("NFD", chr(code))[-1]) for code in codes]
)


def find_possible_changes(codes: CodePoints) -> NDArray[np.int64]:
    """Positions where normalization may change a text, ascending; every change is at one of them.

    Unicode's quick check for NFC looks at single characters and doubts every other word of Bengali; this
    looks at two neighbours, and takes a tenth of the time.
    """
    flags = _flags(codes)
    positions = np.flatnonzero((flags & (CHANGES | SECOND | MARK)) != 0)
    own, before = flags[positions], flags[positions - 1]
    own_class = _first_combining_class(codes[positions])
    class_before = _last_combining_class(codes[positions - 1])
    composes = (own & SECOND != 0) & ((before & FIRST != 0) | ((class_before > 0) & (own_class > 0)))
    moves = (own & MARK != 0) & (own_class < class_before)
    # Nothing precedes the first character.
    changed: NDArray[np.int64] = positions[(own & CHANGES != 0) | ((composes | moves) & (positions > 0))]
    return changed


def normalize_word(word: str) -> tuple[str, list[int], list[int]]:
    """A word normalized, and for each character of the result where its source starts and ends in `word`."""
    whole, starts, ends = "", [], []
    joined = [may_join_previous(character) or character in INVISIBLE for character in word[1:]]
    for start, end in pairwise([0, *(at for at, joins in enumerate(joined, 1) if not joins), len(word)]):
        piece = normalize(word[start:end])
        # Invisible characters at the end do not belong to the source of any character.
        source_end = start + len(word[start:end].rstrip(INVISIBLE) or word[start])
        whole += piece
        starts += [start] * len(piece)
        ends += [source_end] * len(piece)
    return whole, starts, ends


def may_join_previous(character: str) -> bool:
    """Whether NFC may compose a character with the one before it, or reorder it among those before it."""
    return normalization_flags(character) & (SECOND | MARK) != 0


@lru_cache(maxsize=1)
def composition_halves() -> tuple[frozenset[str], frozenset[str]]:
    """Characters that come first, and second, in a pair that NFC composes (Hangul aside)."""
    first, second = set(), set()
    for code in chain(range(0xC0, 0x3100), range(0x11000, 0x18000)):  # holds all composed characters
        parts = unicodedata.decomposition(chr(code)).split()
        is_composed = unicodedata.normalize("NFC", chr(code)) == chr(code)
        if is_composed and len(parts) == 2 and not parts[0].startswith("<"):
            first.add(chr(int(parts[0], 16)))
            second.add(chr(int(parts[1], 16)))
    return frozenset(first), frozenset(second)
