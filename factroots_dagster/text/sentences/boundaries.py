"""Where sentences begin.

A line end always ends a sentence. Within a line a sentence ends after a full stop of any script, together
with the closing quotes and brackets after it. A mark that has other uses as well (`.`, `!`, `?`, `…`) must be
followed by a space and by something that can begin a sentence. A `.` must not follow an initial, an
abbreviation of the language or, where languages write ordinals so, a short number, unless the next word is
one that begins sentences rather than names ("the U.S. The"). In doubt, the text is not split.

Marks are found and judged as arrays over a whole text, and only a mark after a short word or a number is
judged by itself; so many articles can be split in one call, joined by line ends.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CodePoints, look_up, to_code_points
from factroots_dagster.text.sentences.abbreviations import (
    MAX_ABBREVIATION,
    belongs_to_word,
    is_in_title,
    may_be_abbreviation,
)
from factroots_dagster.text.sentences.characters import (
    CHARACTERS_BY_FLAG,
    CLOSING,
    CONTINUATION,
    DIGIT,
    FRENCH_SPACES,
    FULL_STOP,
    HIRAGANA,
    KANA_PARTICLES,
    LEFT_QUOTE,
    LETTER,
    LOWER,
    OPENING,
    OPENING_BRACKET,
    PARTICLES,
    SPACE,
    TABLE_SIZE,
    THAI,
    TITLE_CLOSING_MARKS,
    WORD_SPACE,
    flag_table,
)
from factroots_dagster.text.sentences.rules import Rules, rules_for

PAD = "\n" * 12

LOWER_BEGINNING = re.compile(r"[a-z][A-Z]|(?:e\.g|i\.e)\.")
"""Words with a small first letter that begin sentences all the same: `pH`, `iPhone`, `e.g.`."""

THAI_SPACE = re.compile(r"(?<=[\u0e00-\u0e7f]) +(?=[\u0e00-\u0e7f])(?!ๆ)")
MIN_THAI_SENTENCE = 80
"""Thai does not mark the end of a sentence; a space ends one that is at least this many characters long."""

Positions = NDArray[np.int64]
Mask = NDArray[np.bool_]


def sentence_starts(text: str, language: str = "", *, block_characters: int = 1 << 19) -> Positions:
    """Where each sentence of `text` begins, ascending, the first at 0; shape [sentences].

    A sentence extends to the start of the next one: spaces and line ends belong to the sentence before them.

    language: code of a language; see `languages` for those with conventions of their own.
    block_characters: about how many characters are processed at a time (blocks end at line ends).
    """
    rules = rules_for(language)
    blocks, start = [np.zeros(1, dtype=np.int64)], 0
    while start < len(text):
        end = text.find("\n", start + block_characters) + 1 or len(text)
        while end < len(text) and text[end] == "\n":
            end += 1
        if start:
            blocks.append(np.array([start]))
        block = text if end - start == len(text) else text[start:end]
        blocks.append(start + later_starts(block, rules))
        start = end
    starts = np.concatenate(blocks)
    return add_thai_boundaries(text, starts) if rules.language == "th" else starts


def later_starts(text: str, rules: Rules) -> Positions:
    """Where the sentences of `text` except the first begin."""
    codes = to_code_points(f"{PAD}{text}{PAD}")
    is_terminator = look_up(rules.is_terminator, np.minimum(codes, TABLE_SIZE - 1))
    terminators = np.flatnonzero(is_terminator)[len(PAD) : -len(PAD)]
    is_line_end = codes[terminators] == ord("\n")
    line_ends, marks = terminators[is_line_end], terminators[~is_line_end]
    starts: Positions = line_ends[codes[line_ends + 1] != ord("\n")] + 1
    if len(marks):
        starts = np.sort(np.concatenate((starts, starts_after_marks(PaddedText(text, codes), marks, rules))))
    return starts - len(PAD)


@dataclass(frozen=True)
class PaddedText:
    """A text and its code points with PAD on both sides, so that every mark has neighbors.

    Positions are those in `codes`.
    """

    text: str
    codes: CodePoints

    def flags(self, positions: Positions) -> NDArray[np.uint16]:
        return flag_table().take(self.codes[positions], mode="clip")

    def is_any(self, positions: Positions, characters: str) -> Mask:
        """Whether the character at each position is one of `characters`."""
        return np.isin(self.codes[positions], [ord(character) for character in characters])

    def skip(self, positions: Positions, flag: int) -> Positions:
        """The positions after a run, possibly empty, of characters that have one of the bits of `flag`."""
        positions = positions.copy()
        inside = np.flatnonzero(self.flags(positions) & flag)
        for _ in range(8):
            positions[inside] += 1
            inside = inside[(self.flags(positions[inside]) & flag) != 0]
        for index in inside:
            # Longer runs do not occur in prose; a pattern skips each of them at once.
            run = run_pattern(flag).match(self.text, positions[index] - len(PAD))
            positions[index] = run.end() + len(PAD) if run else positions[index]
        return positions

    def count_letters_before(self, positions: Positions) -> NDArray[np.int64]:
        """How many letters directly precede each position, counted up to MAX_ABBREVIATION + 1."""
        lengths = np.zeros(len(positions), dtype=np.int64)
        inside = np.arange(len(positions))
        for step in range(1, MAX_ABBREVIATION + 2):
            inside = inside[(self.flags(positions[inside] - step) & LETTER) != 0]
            lengths[inside] = step
        return lengths


@lru_cache
def run_pattern(flag: int) -> re.Pattern[str]:
    """A pattern of a run of characters that have one of the bits of `flag`."""
    characters = "".join(group for bit, group in CHARACTERS_BY_FLAG.items() if bit & flag)
    return re.compile(f"[{re.escape(characters)}]*")


def starts_after_marks(text: PaddedText, marks: Positions, rules: Rules) -> Positions:
    """Where the sentences begin that follow the marks at `marks` (ascending)."""
    first, last, is_full_stop = runs_of_marks(text, marks)
    closed = skip_closing_marks(text, last, is_full_stop)
    after = text.skip(closed, SPACE)
    is_spaced = after > closed
    ends = ~(text.is_any(after, "\n") | (text.flags(after) & (CONTINUATION | FULL_STOP) != 0))
    ends &= np.where(is_full_stop, is_spaced | ~continues_unspaced(text, first, last, closed), is_spaced)
    next_word = text.skip(after, OPENING)
    # Armenian also writes its full stop after abbreviations.
    is_lower = text.flags(next_word) & LOWER != 0
    for run in np.flatnonzero(ends & is_lower).tolist():
        is_lower[run] = LOWER_BEGINNING.match(text.text, next_word[run] - len(PAD)) is None
    ends &= ~is_lower | (is_full_stop & ~text.is_any(last, "։"))

    for run in np.flatnonzero(ends & text.is_any(last, "!?！？")).tolist():
        ends[run] = not is_in_title(text.text, int(last[run]) - len(PAD))
    ends &= ~(text.is_any(last, ".") & (text.flags(first - 1) & THAI != 0))
    is_candidate = ends & (first == last) & text.is_any(last, ".!")
    ends[find_abbreviations(text, first, next_word, is_candidate, rules)] = False
    starts: Positions = after[ends]
    return starts


def runs_of_marks(text: PaddedText, marks: Positions) -> tuple[Positions, Positions, Mask]:
    """First and last mark of each run of adjacent marks, and whether it needs no space after it."""
    gaps = np.flatnonzero(np.diff(marks) != 1) + 1
    first, last = marks[np.append(0, gaps)], marks[np.append(gaps, len(marks)) - 1]
    is_word_space = text.is_any(last, WORD_SPACE)
    is_full_stop = (text.flags(first) | text.flags(last)) & FULL_STOP != 0
    is_full_stop |= is_word_space & (last > first)
    kept = (is_full_stop | ~is_word_space) & (text.flags(first - 1) & OPENING_BRACKET == 0)
    return first[kept], last[kept], is_full_stop[kept]


def skip_closing_marks(text: PaddedText, last: Positions, is_full_stop: Mask) -> Positions:
    """The positions after the closing quotes and brackets that follow the marks at `last`."""
    closed = text.skip(last + 1, CLOSING)
    closed[~is_full_stop] = text.skip(closed[~is_full_stop], CLOSING | LEFT_QUOTE)
    is_french = text.is_any(closed, FRENCH_SPACES) & text.is_any(closed + 1, "»")
    is_french &= text.flags(closed + 2) & (LETTER | DIGIT) == 0
    closed[is_french] += 2
    return closed


def continues_unspaced(text: PaddedText, first: Positions, last: Positions, closed: Positions) -> Mask:
    """Whether a full stop without a space after it is in a number, in a title or before a particle."""
    next_flags = text.flags(closed)
    is_closed = closed > last + 1
    in_number = (text.flags(first - 1) & DIGIT != 0) & (next_flags & DIGIT != 0) & ~is_closed
    in_title = is_closed & text.is_any(closed - 1, TITLE_CLOSING_MARKS)
    before_particle = text.is_any(closed, PARTICLES + ",") & ~text.is_any(closed + 1, "ちん")
    before_particle |= text.is_any(closed, KANA_PARTICLES) & (text.flags(closed + 1) & HIRAGANA == 0)
    before_particle |= is_closed & text.is_any(closed, "と")
    continues: Mask = in_number | in_title | before_particle
    return continues


def find_abbreviations(
    text: PaddedText, marks: Positions, next_word: Positions, is_candidate: Mask, rules: Rules
) -> list[int]:
    """Indices of the marks that belong to the word or number before them.

    marks, next_word, is_candidate: positions of single marks and of the words after them, and which of them
        to judge; each of shape [marks].
    """
    lengths = text.count_letters_before(marks)
    is_short = (lengths > 0) & (lengths <= MAX_ABBREVIATION)
    indices = np.flatnonzero(is_candidate & (is_short | (text.flags(marks - 1) & DIGIT != 0)))
    ends, lengths = marks[indices], lengths[indices]
    bounds = zip((ends - lengths - len(PAD)).tolist(), (ends - len(PAD)).tolist(), strict=True)
    words = [text.text[start:end] for start, end in bounds]
    may_be = np.array([may_be_abbreviation(word, rules.language) for word in words], dtype=bool)
    may_be |= text.is_any(ends - lengths - 1, ".")
    indices, ends, lengths = indices[may_be], ends[may_be] - len(PAD), lengths[may_be]
    columns = (indices, ends, lengths, next_word[indices] - len(PAD))
    return [
        index
        for index, mark, length, following in zip(*map(np.ndarray.tolist, columns), strict=True)
        if belongs_to_word(text.text, mark, length, following, rules)
    ]


def add_thai_boundaries(text: str, starts: Positions) -> Positions:
    """`starts` and the ends of spaces between Thai letters that end a long enough sentence."""
    merged: list[int] = []
    space_ends = [match.end() for match in THAI_SPACE.finditer(text)]
    number = 0
    for start, end in itertools.pairwise([*starts.tolist(), len(text)]):
        merged.append(start)
        while number < len(space_ends) and space_ends[number] < end:
            if space_ends[number] - merged[-1] >= MIN_THAI_SENTENCE:
                merged.append(space_ends[number])
            number += 1
    return np.array(merged, dtype=np.int64)
