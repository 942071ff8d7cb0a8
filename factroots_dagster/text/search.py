"""Names as a reader types them: without marks, in any case and word order, perhaps with a typo.

`factroots trace` searches by this, and the page by the same rules in JavaScript (folding.js and search.js of
`report/templates/explorer`); both are tested on `assets_tests/text/search_cases.json`. Only for what a reader
types: texts are matched by `normalization`, which keeps marks that tell words apart.

The form in which names are compared, in this order:

1. compatibility decomposition (NFKD), lower case, decomposition again;
2. without the MARKS, and without format characters such as joiners and marks of direction;
3. LETTERS that do not decompose are replaced, such as ø by o;
4. apostrophes are dropped, and everything else but letters, marks and numbers separates words;
5. composed again (NFC), with single spaces between words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence

MARKS = (
    "\u0300-\u036f\u0483-\u0487\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7\u0610-\u061a\u0640"
    "\u064b-\u065f\u0670\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
)
"""Combining marks of Latin, Greek and Cyrillic letters, points of Hebrew, vowel signs and tatweel of Arabic.

Marks of other scripts are letters of their own to those who type them.
"""
MARK = re.compile(f"[{MARKS}]")

LETTERS = {
    "ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ħ": "h", "ı": "i",
    "ŋ": "n", "ς": "σ",
}  # fmt: skip
APOSTROPHES = "'’‘‛ʹʻʼ´`′՚׳"

SHORTEST_WITH_TYPO, SHORTEST_WITH_TWO = 4, 8
"""Letters of the shortest words in which one edit, and two, are taken for a typo."""


class _Characters(dict[int, str]):
    """What each character of a decomposed name in lower case becomes; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if character in LETTERS:
            folded = LETTERS[character]
        elif MARK.match(character) or character in APOSTROPHES or category == "Cf":
            folded = ""
        else:
            folded = character if character == "\n" or category[0] in "LMN" else " "
        self[code] = folded
        return folded


_CHARACTERS = _Characters()
_SPACES = re.compile("  +")


def fold_names(names: Sequence[str]) -> list[str]:
    """Each of `names` in the form in which names are compared; "" where nothing of it is left."""
    if not names:
        return []
    joined = "\n".join(names)
    if joined.count("\n") >= len(names):
        joined = "\n".join(name.replace("\n", " ") for name in names)
    lowered = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", joined).lower())
    folded = unicodedata.normalize("NFC", lowered.translate(_CHARACTERS))
    spaced = _SPACES.sub(" ", folded)
    return spaced.replace(" \n", "\n").replace("\n ", "\n").strip(" ").split("\n")


def fold_name(name: str) -> str:
    """One name in the form in which names are compared."""
    return fold_names([name])[0]


def may_begin(character: str, folded: str) -> bool:
    """Whether a name that begins with a character may have a folded form; rules out most names at once."""
    own = unicodedata.normalize("NFD", fold_name(character))
    if not own or unicodedata.combining(own[0]):  # what follows may come first
        return True
    return unicodedata.normalize("NFD", folded).startswith(own[0])


def allowed_edits(word: str) -> int:
    """How many edits of a word count as a typo."""
    return (len(word) >= SHORTEST_WITH_TYPO) + (len(word) >= SHORTEST_WITH_TWO)


def count_edits(a: str, b: str) -> int:
    """Letters that are put in, left out, replaced, or swapped with the next, from `a` to `b`.

    The optimal string alignment distance: no letter is edited twice.
    """
    before: list[int] = []
    last = list(range(len(b) + 1))
    for i, letter in enumerate(a, 1):
        row = [i]
        for j, other in enumerate(b, 1):
            edits = min(last[j] + 1, row[j - 1] + 1, last[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                edits = min(edits, before[j - 2] + 1)
            row.append(edits)
        before, last = last, row
    return last[-1]


def find_spellings(query: str, words: Iterable[str], *, typos: bool) -> dict[str, frozenset[str]]:
    """Each word of a folded query to those of `words` that it may stand for.

    words: of folded names. typos: whether words count that are `allowed_edits` away, not just itself.
    """
    distinct = set(words)
    spellings = {}
    for word in set(query.split()):
        most = allowed_edits(word) if typos else 0
        spellings[word] = frozenset(
            other
            for other in (distinct if most else distinct & {word})
            if other == word or (abs(len(other) - len(word)) <= most and count_edits(word, other) <= most)
        )
    return spellings


def is_named(
    spellings: Collection[frozenset[str]], subject: Collection[str], target: Collection[str]
) -> bool:
    """Whether a query names a fact: all words of its subject, and nothing that is in neither name.

    spellings: of each word of the query. subject, target: words of the folded names of subject and object.
    """
    subject_words, both = set(subject), {*subject, *target}
    return all(not both.isdisjoint(words) for words in spellings) and all(
        any(word in words for words in spellings) for word in subject_words
    )
