"""Spellings that matching takes for one: typographic variants everywhere, and variants of single languages.

Every fold gives one character for one, except SEQUENCES. Whether a fold gains more than it costs was counted
on the distinct labels of mLAMA 1.1: those that it changes, which another spelling in the text would hide, and
the pairs that it makes one. Of these pairs nearly all are two spellings of one name.

| fold | labels changed | pairs made one |
|---|---|---|
| spaces, apostrophes, quotes, hyphens, in all languages | 903 | 0 |
| reading aids (`normalization`), in all languages | 389 | 1 |
| ar: hamza of alef; dotless yeh | 4,154; 146 | 8; 1 |
| fa: ZWNJ; kaf, yeh, alef, heh | 1,505; 31 | 1; 0 |
| ur: kaf, yeh, heh | 24 | 0 |
| ru: ё as е | 362 | 1 |
| sr: Cyrillic as Latin | 8,970 | 2 |
| hy: ligature and classical spelling of "ev" | 172 | 0 |
| ro: cedilla as comma; vi: place of the tone mark; ja: width | 10; 9; 4 | 0 |
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator
from functools import lru_cache
from importlib.resources import files

import numpy as np

from factroots_dagster.text.code_points import (
    CODE_POINT_LIMIT,
    CodePoints,
    from_code_points,
    look_up,
    to_code_points,
)

CHINESE = ("zh", "gan", "wuu", "yue", "lzh", "hak", "cdo")

TYPOGRAPHY = {
    " ": "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",
    "'": "\u2018\u2019\u201b\u02b9\u02bb\u02bc\u00b4\u2032\u055a\u05f3",
    '"': "\u201c\u201d\u201e\u201f\u00ab\u00bb\u2033\u05f4",
    "-": "\u2010\u2011\u2012\u2013\u2212\u058a\u05be",
}
"""Spaces; apostrophes, single quotes and geresh; double quotes and gershayim; hyphens, en dash, maqaf.

Not the em dash, which separates parts of a sentence.
"""

FULL_WIDTH = range(0xFF01, 0xFF5F)
"""Full-width forms of ASCII, in its order."""

CYRILLIC_STRESSED = {"и": "ѝ", "И": "Ѝ", "е": "ѐ", "Е": "Ѐ"}
"""Stressed letters that have a code point of their own; for others see `normalization.READING_AIDS`."""

SERBIAN_LETTERS = dict(
    zip(
        "abvgdđežzijklmnoprstćufhcčšABVGDĐEŽZIJKLMNOPRSTĆUFHCČŠǉǌǆǈǋǅ",
        "абвгдђежзијклмнопрстћуфхцчшАБВГДЂЕЖЗИЈКЛМНОПРСТЋУФХЦЧШљњџЉЊЏ",
        strict=True,
    )
)
"""Latin to Cyrillic; the Latin digraphs as single characters (see SEQUENCES)."""

FOLDS: dict[str, dict[str, str]] = {
    "ar": {"ا": "أإآٱ", "ي": "ىی", "ك": "ک"},
    "fa": {"ک": "ك", "ی": "يى", "ا": "أإٱ", "ه": "ۀة"},
    "ja": {"=": "\u30a0"}
    | {unicodedata.normalize("NFKC", chr(code)): chr(code) for code in range(0xFF65, 0xFF9E)},
    "ro": {"ș": "ş", "ț": "ţ", "Ș": "Ş", "Ț": "Ţ"},
    "ru": {"е": "ё", "Е": "Ё"},
    "sr": SERBIAN_LETTERS,
    "ur": {"ک": "ك", "ی": "يى", "ہ": "ه", "ا": "أٱ"},
}  # fmt: skip
"""By language: the character that stands for others, and these."""

LATIN_SERBIAN = str.maketrans({cyrillic: latin for latin, cyrillic in SERBIAN_LETTERS.items()})
SERBIAN_DIGRAPHS = {
    "lj": "ǉ", "Lj": "ǈ", "LJ": "ǈ", "nj": "ǌ", "Nj": "ǋ", "NJ": "ǋ", "dž": "ǆ", "Dž": "ǅ", "DŽ": "ǅ"
}  # fmt: skip

SEQUENCES: dict[str, tuple[re.Pattern[str], Callable[[str], str]]] = {
    # ZWNJ within compounds, which are also written as one.
    "fa": (re.compile("\u200c"), lambda _: ""),
    # "Ev" in classical spelling, and as two letters that have a ligature.
    "hy": (re.compile("ե[ւվ]|Եւ"), lambda match: "և" if match[0] == "ե" else "Եվ"),
    # Half-width kana whose voicing is a character of its own.
    "ja": (re.compile("[ｳｶ-ﾄﾊ-ﾎ][ﾞﾟ]"), lambda match: unicodedata.normalize("NFKC", match)),
    # Two letters that are one in the other script: "nj" is "њ", and "нј" in "инјекција".
    "sr": (
        re.compile("[LlЛл][jј]|[LЛ][JЈ]|[NnНн][jј]|[NН][JЈ]|[DdДд][žж]|[DД][ŽЖ]"),
        lambda match: SERBIAN_DIGRAPHS[match.translate(LATIN_SERBIAN)],
    ),
    # Sara am as two characters, in either order with a tone mark.
    "th": (
        re.compile("\u0e4d[\u0e48-\u0e4b]?\u0e32|[\u0e48-\u0e4b]\u0e4d\u0e32"),
        lambda match: match.strip("\u0e4d\u0e32") + "\u0e33",
    ),
    # The tone mark on the second vowel of an open syllable, as it is placed since the 1980s.
    "vi": (
        re.compile("(?:[oO][àáảãạèéẻẽẹÀÁẢÃẠÈÉẺẼẸ]|[uU][ỳýỷỹỵỲÝỶỸỴ])(?![^\\W\\d_])"),
        lambda match: unicodedata.normalize("NFC", _move_mark(unicodedata.normalize("NFD", match))),
    ),
}
"""By language: a pattern, and what stands for its matches, perhaps in another number of characters."""


def _move_mark(syllable: str) -> str:
    """Two vowels, the mark of the second on the first."""
    return syllable[0] + syllable[2:] + syllable[1]


def base_language(language: str) -> str:
    """A language's code without what follows the first hyphen or underscore."""
    return language.replace("_", "-").split("-")[0]


def is_chinese(language: str) -> bool:
    """Whether the language is written in both traditional and simplified characters."""
    return base_language(language) in CHINESE


@lru_cache(maxsize=1)
def simplified_characters() -> dict[int, str]:
    """Traditional to simplified characters, one to one, from OpenCC's character table.

    Its phrase table, which makes exceptions within some words, is left out: labels and texts go through the
    same table, and positions must not shift.
    """
    lines = (files("opencc") / "dictionary" / "TSCharacters.txt").read_text("utf-8").splitlines()
    pairs = (line.split()[:2] for line in lines)
    return {ord(pair[0]): pair[1] for pair in pairs if list(map(len, pair)) == [1, 1]}


def folding_table(language: str) -> CodePoints:
    """What stands for each code point in a language, shape [CODE_POINT_LIMIT]. No ASCII character changes."""
    base = base_language(language)
    return _folding_table(base if base in FOLDS or base in CHINESE else "")


@lru_cache(maxsize=10)  # 4 MB each; most languages have the same
def _folding_table(language: str) -> CodePoints:
    table = np.arange(CODE_POINT_LIMIT, dtype=np.uint32)
    table[FULL_WIDTH] = np.arange(0x21, 0x7F)
    for folds in (TYPOGRAPHY, CYRILLIC_STRESSED, FOLDS.get(language, {})):
        for character, others in folds.items():
            table[list(map(ord, others))] = ord(character)
    table = table[table]  # stressed letters of Serbian
    if is_chinese(language):
        for code, character in simplified_characters().items():
            table[code] = ord(character)
    return table


def fold_characters(text: str, language: str) -> str:
    """`text` with every character replaced by that which stands for it; of the same length."""
    if text.isascii():
        return text
    return from_code_points(look_up(folding_table(language), to_code_points(text)))


def fold_sequences(text: str, language: str) -> Iterator[tuple[int, int, str]]:
    """The sequences of `text` that others stand for: start, end and replacement of each, ascending."""
    if base_language(language) in SEQUENCES:
        pattern, replacement = SEQUENCES[base_language(language)]
        for match in pattern.finditer(text):
            yield match.start(), match.end(), replacement(match[0])
