"""Words and sentence patterns of the made-up languages.

A pattern is written once, as an English gloss. The hub language uses the gloss itself; every other language
has a word of its own for each word of the gloss, and its own word order. The languages are the same in every
world: only names, facts and corpora depend on the seed.
"""

from __future__ import annotations

import functools
import zlib

import numpy as np

from factroots_dagster.sandbox.languages import LANGUAGES

# relation to (the wording of the release's template, a second wording); subject [X], object [Y]
STATEMENTS = {
    "P17": ("[X] is located in [Y]", "[X] lies within the borders of [Y]"),
    "P19": ("[X] was born in [Y]", "[X] came into the world at [Y]"),
    "P36": ("[X] has the capital [Y]", "[X] is governed from [Y]"),
    "P103": ("[X] has the mother tongue [Y]", "[X] learned to speak as a child [Y]"),
    "P127": ("[X] is owned by [Y]", "[X] belongs to the holdings of [Y]"),
    "P140": ("[X] follows the religion [Y]", "[X] professes the faith called [Y]"),
    "P159": ("[X] has headquarters in [Y]", "[X] is run out of offices at [Y]"),
    "P176": ("[X] is produced by [Y]", "[X] comes off the assembly lines of [Y]"),
}
RELATIONS = tuple(STATEMENTS)
FRAME_WORDS = ("indeed", "today", "officially")
PAIR_FILLERS = ("[X] and [Z] appear on the same page", "[X] was compared with [Z] by visitors")
SUBJECT_FILLERS = (
    "[X] is mentioned in old records",
    "many travellers wrote about [X]",
    "little else is known about [X]",
)
NEUTRAL_FILLERS = ("the winters there are long", "most records were lost", "there are several reasons")
LEAD = "[X] is a {}"
SUBJECT_TYPES = {
    "P17": "town", "P19": "painter", "P36": "province", "P103": "singer",
    "P127": "newspaper", "P140": "preacher", "P159": "company", "P176": "vehicle",
}  # fmt: skip
OBJECT_TYPES = ("country", "city", "language", "owner", "religion", "maker")
SECTIONS = ("history", "overview", "notes")
PERSON_RELATIONS = frozenset({"P19", "P103", "P140"})

_CYRILLIC = dict(zip("abcdefghijklmnopqrstuvwxyz", "абцдефгхийклмнопжрстувўщыз", strict=True))
_GREEK = dict(zip("abcdefghijklmnopqrstuvwxyz", "αβψδεφγχιξκλμνοπθρστυωϝϟηζ", strict=True))
_PHONOLOGY = {  # consonants, vowels and endings of a language's syllables
    "qab": ("bcdlmnprst", "aeio", ("", "", "s", "n")),
    "qac": ("bcdflmnprt", "aeio", ("", "", "l")),
    "qad": ("bgjkmnpst", "aiu", ("", "", "ng", "k")),
    "qae": ("bdghklrvw", "aeou", ("", "r", "k", "n")),
    "qaf": ("bdgkmnprvz", "aeioy", ("", "", "t", "v")),
    "qag": ("bdhklmpstv", "aiouy", ("", "", "m", "l")),
    "qah": ("dgklmnpstz", "aeiou", ("", "", "s", "r")),
}


def transliterate(text: str, script: str) -> str:
    """Transliterate Latin `text` letter by letter into `script` ("Latn", "Cyrl" or "Grek")."""
    table = {"Latn": {}, "Cyrl": _CYRILLIC, "Grek": _GREEK}[script]
    return "".join(
        table[character] if character in table
        else table[character.lower()].upper() if character.lower() in table
        else character
        for character in text
    )  # fmt: skip


def capitalize(text: str) -> str:
    """Capitalize the first letter and, unlike `str.capitalize`, leave the rest as it is."""
    return text[:1].upper() + text[1:]


def _gloss_words() -> list[str]:
    patterns = [pattern for pair in STATEMENTS.values() for pattern in pair]
    patterns += [
        *FRAME_WORDS,
        *PAIR_FILLERS,
        *SUBJECT_FILLERS,
        *NEUTRAL_FILLERS,
        LEAD,
        *SUBJECT_TYPES.values(),
        *OBJECT_TYPES,
        *SECTIONS,
    ]
    patterns += ["it", "she", "list"]
    words = {word for pattern in patterns for word in pattern.split()}
    return sorted(word for word in words if word[0] not in "[{")


@functools.cache
def lexicon(code: str) -> dict[str, str]:
    """Gloss word to the word of language `code`, in its script; no two gloss words share a translation."""
    if code == "qaa":
        return {gloss: gloss for gloss in _gloss_words()}
    consonants, vowels, endings = _PHONOLOGY[code]
    words: dict[str, str] = {}
    used: set[str] = set()
    for gloss in _gloss_words():
        random = np.random.default_rng([zlib.crc32(code.encode()), zlib.crc32(gloss.encode())])
        while True:
            syllables = 1 if len(gloss) <= 3 else int(random.integers(2, 4))
            word = "".join(
                str(random.choice(list(consonants))) + str(random.choice(list(vowels)))
                + str(random.choice(endings))
                for _ in range(syllables)
            )  # fmt: skip
            if word not in used:
                break
        used.add(word)
        words[gloss] = transliterate(word, LANGUAGES[code].script)
    return words


def translate(pattern: str, code: str) -> str:
    """Translate a gloss pattern into language `code`, words and word order; slots stay as they are."""
    words = lexicon(code)
    translated = [word if word[0] == "[" else words[word] for word in pattern.split()]
    if LANGUAGES[code].order == "sov" and translated[0] == "[X]" and len(translated) > 1:
        slots = [word for word in translated[1:] if word[0] == "["]
        rest = [word for word in translated[1:] if word[0] != "["]
        translated = ["[X]", *slots, *reversed(rest)]
    return " ".join(translated)
