"""Characters that matter at the end of a sentence, in all scripts, and a table of their flags."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

FULL_STOPS = "。！？｡।॥։۔؟።፧။។៕᙮᠃᠉꓿𑅁"
"""Marks that do nothing but end a sentence: no space need follow them."""

WORD_SPACE = "፡"
"""Ethiopic word separator; doubled, it is a full stop."""

SPACES = " \t\u3000"
"""Spaces that separate sentences. A no-break space does not: it binds what follows to what precedes."""

CLOSING_MARKS = "\"'”’»)])」』】〕》›〉）］"
LEFT_QUOTES = "“«‘"
"""They close a quotation in some languages, but only after a mark that a space follows."""

FRENCH_SPACES = " \u00a0\u202f"
"""Spaces before the closing mark of a French quotation."""

TITLE_CLOSING_MARKS = "》〉』"
"""A full stop before one of them belongs to the title of a work."""

TITLE_BRACKETS = (("《", "》"), ("『", "』"))
"""Pairs of brackets around the title of a work."""

OPENING_BRACKETS = "([（［"
"""A mark directly after one of them stands for an omission or a doubt."""

OPENING_MARKS = "\"'“”„‘’«»([（「『【〔《‹¿¡—–*-,"
CONTINUATION_MARKS = ";:)]}.!?…·&+=/%|~<>،؛、，；：・)）」』】》"
"""No sentence begins with one of these (a comma may be left over from a dropped template)."""

PARTICLES, KANA_PARTICLES = "のをが", "とはにでもへや"
"""Japanese particles after a name that ends in a mark; the latter also begin words, when hiragana follow."""

LETTER, LOWER, DIGIT, CLOSING, LEFT_QUOTE, SPACE = (1 << bit for bit in range(6))
OPENING, OPENING_BRACKET, CONTINUATION, FULL_STOP, HIRAGANA, THAI = (1 << bit for bit in range(6, 12))
"""Flags of characters, to be combined; LETTER includes combining marks."""

CHARACTERS_BY_FLAG = {
    CLOSING: CLOSING_MARKS,
    LEFT_QUOTE: LEFT_QUOTES,
    SPACE: SPACES,
    OPENING: OPENING_MARKS,
    OPENING_BRACKET: OPENING_BRACKETS,
    CONTINUATION: CONTINUATION_MARKS,
    FULL_STOP: FULL_STOPS,
}

TABLE_SIZE = 0x20000
"""Size of tables by code point. Larger code points, all Han characters, share the last entry, which is 0."""


@lru_cache(maxsize=1)
def flag_table() -> NDArray[np.uint16]:
    """The flags of every code point, shape [TABLE_SIZE]."""
    table = np.zeros(TABLE_SIZE, dtype=np.uint16)
    for code in range(TABLE_SIZE - 1):
        category = unicodedata.category(chr(code))
        if category[0] in "LM":
            table[code] = LETTER
            # Georgian letters count as lower case in Unicode, but no upper case begins its sentences.
            if category == "Ll" and not (0x10D0 <= code <= 0x10FF or 0x2D00 <= code <= 0x2D2F):
                table[code] |= LOWER
        elif category == "Nd":
            table[code] = DIGIT
    table[0x3041:0x3097] |= HIRAGANA
    table[0x0E00:0x0E80] |= THAI
    for flag, characters in CHARACTERS_BY_FLAG.items():
        table[[ord(character) for character in characters]] |= flag
    return table


def code_point_set(characters: str) -> NDArray[np.uint8]:
    """Which code points are among `characters`, as 0 and 1, shape [TABLE_SIZE]."""
    table = np.zeros(TABLE_SIZE, dtype=np.uint8)
    table[[ord(character) for character in characters]] = 1
    return table
