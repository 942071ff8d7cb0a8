"""Normalization of texts and labels for matching, and the way back from a match to the stored text.

For matching only: NFC, without invisible characters (ZWNJ and ZWJ distinguish words and stay) and reading
aids (stress marks, vowel points, tatweel), and then spellings folded that one name may have (`folding`).
Stored texts are never changed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain, pairwise

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CharacterProperty, CodePoints, to_code_points
from factroots_dagster.text.folding import fold_characters, fold_sequences

INVISIBLE = "\u200e\u200f\ufeff\u200b\u00ad\u2060\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""LRM, RLM, byte order mark, zero-width space, soft hyphen, word joiner, marks of direction."""
DROPPED = re.compile(f"[{INVISIBLE}]")

STRESS_MARKS = "\u0300\u0301"
"""Grave and acute, which in Cyrillic mark stress, but for the Macedonian letters that NFC composes."""
VOWEL_POINTS = "".join(map(chr, (*range(0x591, 0x5BE), 0x5BF, 0x5C1, 0x5C2, 0x5C4, 0x5C5, 0x5C7))) + "".join(
    map(chr, (*range(0x610, 0x61B), 0x640, *range(0x64B, 0x653), *range(0x656, 0x660), 0x670))
)
"""Points in Hebrew; vowel signs, tatweel and the superscript alef in Arabic."""
READING_AIDS = re.compile(f"(?<=[\u0400-\u052f])[{STRESS_MARKS}]+|[{VOWEL_POINTS}]")
"""Marks that only first sentences and textbooks have."""
WORD = re.compile(r"[^ \n\u3400-\u9fff]+")
"""The largest spans that NFC treats as a whole: nothing composes with a space or a Han character."""


def normalize(text: str, language: str = "") -> str:
    """`text` in the form in which texts and labels are compared."""
    text = compose(text)
    return fold_characters(_join_sequences(text, list(fold_sequences(text, language))), language)


def compose(text: str) -> str:
    """`text` in NFC, without invisible characters and reading aids."""
    text = DROPPED.sub("", text)
    while (plain := READING_AIDS.sub("", unicodedata.normalize("NFC", text))) != text:
        text = plain  # a mark may have kept others from composing
    return text


def _join_sequences(text: str, sequences: list[tuple[int, int, str]]) -> str:
    """`text` with replacements put between what is around them."""
    ends = [0, *(end for _, end, _ in sequences)]
    starts = [*(start for start, _, _ in sequences), len(text)]
    parts = [text[end:start] for end, start in zip(ends, starts, strict=True)]
    words = [*(replacement for _, _, replacement in sequences), ""]
    return "".join(chain.from_iterable(zip(parts, words, strict=True))) if sequences else text


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
    follow one by one. `before`: where the characters of that source come from, if it was made from another.
    """

    breaks: NDArray[np.int64]
    starts: NDArray[np.int64]
    ends: NDArray[np.int64]
    before: SourcePositions | None = None

    def start(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the sources of the characters at `positions` start, same shape."""
        segment = np.searchsorted(self.breaks, positions, side="right") - 1
        starts = self.starts[segment] + positions - self.breaks[segment]
        return starts if self.before is None else self.before.start(starts)

    def end(self, positions: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the sources of the characters at `positions` end, same shape."""
        segment = np.searchsorted(self.breaks, positions, side="right") - 1
        ends = self.ends[segment] + positions - self.breaks[segment]
        return ends if self.before is None else self.before.end(ends - 1)


def is_composed(text: str) -> bool:
    """Whether `compose` leaves `text` as it is."""
    return (
        DROPPED.search(text) is None
        and unicodedata.is_normalized("NFC", text)
        and READING_AIDS.search(text) is None
    )


def normalize_with_positions(text: str, language: str = "") -> tuple[str, SourcePositions | None]:
    """`text` normalized, and where its characters come from (None: each is where it was).

    The span [s, e) of the normalized text comes from [start(s), end(e - 1)) of `text`.
    """
    text, positions = compose_with_positions(text)
    sequences = list(fold_sequences(text, language))
    whole = _join_sequences(text, sequences)
    shift = 0
    columns = [(0, 0, 1)]  # of SourcePositions, by segment
    for start, end, replacement in sequences:
        first = start + shift
        columns += [(at, start, end) for at in range(first, first + len(replacement))]
        columns.append((first + len(replacement), end, end + 1))
        shift += len(replacement) - (end - start)
    if any(end - start != len(replacement) for start, end, replacement in sequences):
        breaks, starts, ends = np.array(columns, dtype=np.int64).T
        positions = SourcePositions(breaks, starts, ends, positions)
    return fold_characters(whole, language), positions


def compose_with_positions(text: str) -> tuple[str, SourcePositions | None]:
    """`text` composed, and where its characters come from, as from `normalize_with_positions`."""
    pieces: list[str] = []
    breaks: list[int] = []
    starts: list[int] = []
    ends: list[int] = []
    position = length = 0
    for word in words_to_compose(text):
        piece, first, last = compose_word(word[0])
        piece_start = length + word.start() - position
        breaks += [length, *range(piece_start, piece_start + len(piece))]
        starts += [position, *(offset + word.start() for offset in first)]
        ends += [position + 1, *(offset + word.start() for offset in last)]
        pieces += [text[position : word.start()], piece]
        position, length = word.end(), piece_start + len(piece)
    if not pieces:
        return text, None
    columns = ([*breaks, length], [*starts, position], [*ends, position + 1])
    arrays = np.array(columns, dtype=np.int64)
    return "".join([*pieces, text[position:]]), SourcePositions(arrays[0], arrays[1], arrays[2])


def words_to_compose(text: str) -> Iterator[re.Match[str]]:
    """The words of `text` that `compose` changes; only lines that may hold one are searched."""
    codes = to_code_points(text)
    line_ends = np.concatenate([[-1], np.flatnonzero(codes == ord("\n")), [len(codes)]])
    lines = np.unique(np.searchsorted(line_ends, find_possible_changes(codes))) - 1
    for start, end in zip((line_ends[lines] + 1).tolist(), line_ends[lines + 1].tolist(), strict=True):
        if not is_composed(text[start:end]):
            yield from (word for word in WORD.finditer(text, start, end) if not is_composed(word[0]))


CHANGES, SECOND, FIRST, MARK = 1, 2, 4, 8
"""What composition may do with a character: change it by itself; compose it with the one before; compose it
with the one after; reorder it among combining marks."""


@lru_cache(maxsize=1 << 12)
def normalization_flags(character: str) -> int:
    """The flags above for one character."""
    first_halves, second_halves = composition_halves()
    decomposed = unicodedata.normalize("NFD", character)
    changes = compose(character) != character
    first = (
        character in first_halves
        or "\u1100" <= character <= "\u115f"
        or "\u0400" <= character <= "\u052f"  # a stress mark after it is dropped
        or decomposed != character
    )
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
    """Positions where `compose` may change a text, ascending; every change is at one of them.

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


def compose_word(word: str) -> tuple[str, list[int], list[int]]:
    """A word composed, and for each character of the result where its source starts and ends in `word`."""
    whole, starts, ends = "", [], []
    joined = [may_join_previous(character) or character in INVISIBLE for character in word[1:]]
    for start, end in pairwise([0, *(at for at, joins in enumerate(joined, 1) if not joins), len(word)]):
        piece = compose(word[start:end])
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
