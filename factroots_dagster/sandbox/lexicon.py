"""Words and sentence patterns of the generated worlds' languages.

A pattern is written once, as an English gloss. Every language has made-up words of its own for the words of
the gloss, and its own word order; the made-up hub alone uses the gloss itself. The words are the same in
every world: only names, facts and corpora depend on the seed.
"""

from __future__ import annotations

import functools
import zlib
from collections.abc import Iterable

import numpy as np

from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.relations import EASY_RELATIONS, STATEMENTS, SUBJECT_TYPES
from factroots_dagster.sandbox.scripts import transliterate

FRAME_WORDS = ("indeed", "today", "officially")
PAIR_FILLERS = ("[X] and [Z] appear on the same page", "[X] was compared with [Z] by visitors")
SUBJECT_FILLERS = (
    "[X] is mentioned in old records",
    "many travellers wrote about [X]",
    "little else is known about [X]",
)
NEUTRAL_FILLERS = ("the winters there are long", "most records were lost", "there are several reasons")
LEAD = "[X] is a {}"
ALIAS = "[X] is also called [Z]"
OBJECT_TYPES = ("country", "city", "language", "owner", "religion", "maker")
SECTIONS = ("history", "overview", "notes")

_PHONOLOGY = {  # consonants, vowels and endings of a made-up language's syllables
    "qab": ("bcdlmnprst", "aeio", ("", "", "s", "n")),
    "qac": ("bcdflmnprt", "aeio", ("", "", "l")),
    "qad": ("bgjkmnpst", "aiu", ("", "", "ng", "k")),
    "qae": ("bdghklrvw", "aeou", ("", "r", "k", "n")),
    "qaf": ("bdgkmnprvz", "aeioy", ("", "", "t", "v")),
    "qag": ("bdhklmpstv", "aiouy", ("", "", "m", "l")),
    "qah": ("dgklmnpstz", "aeiou", ("", "", "s", "r")),
}


def capitalize(text: str) -> str:
    """Capitalize the first letter and, unlike `str.capitalize`, leave the rest as it is."""
    return text[:1].title() + text[1:]  # not upper(): Georgian has capitals that nobody uses in titles


def _words_of(patterns: Iterable[str]) -> list[str]:
    words = {word for pattern in patterns for word in pattern.split()}
    return sorted(word for word in words if word[0] not in "[{")


@functools.cache
def _gloss_words() -> tuple[str, ...]:
    """All words of all patterns; those of the first release first, whose words later ones must not change."""
    first = _words_of([
        *(pattern for relation in EASY_RELATIONS for pattern in STATEMENTS[relation][:2]),
        *FRAME_WORDS, *PAIR_FILLERS, *SUBJECT_FILLERS, *NEUTRAL_FILLERS, LEAD,
        *(SUBJECT_TYPES[relation] for relation in EASY_RELATIONS), *OBJECT_TYPES, *SECTIONS,
        "it", "she", "list",
    ])  # fmt: skip
    later = _words_of(
        [*(pattern for wordings in STATEMENTS.values() for pattern in wordings), ALIAS, "currency"]
    )
    return (*first, *(word for word in later if word not in first))


@functools.cache
def lexicon(language: Language, loanwords: float = 0.0) -> dict[str, str]:
    """Gloss word to the word of a language, in its script; no two gloss words share a translation.

    `loanwords` is the share of gloss words whose word the languages have in common, each in its own script.
    """
    if language.code == "qaa":
        return {gloss: gloss for gloss in _gloss_words()}
    words: dict[str, str] = {}
    for gloss in _gloss_words():
        is_loanword = (
            loanwords > 0 and np.random.default_rng([8, zlib.crc32(gloss.encode())]).random() < loanwords
        )
        random = np.random.default_rng(
            [zlib.crc32(b"" if is_loanword else language.code.encode()), zlib.crc32(gloss.encode())]
        )
        phonology = _phonology("" if is_loanword else language.code)
        while (word := transliterate(_make_word(random, gloss, phonology), language)) in words.values():
            pass
        words[gloss] = word
    return words


def _make_word(random: np.random.Generator, gloss: str, phonology: tuple[str, str, tuple[str, ...]]) -> str:
    consonants, vowels, endings = phonology
    shortest = 1 if phonology in _PHONOLOGY.values() else 2  # two letters and a full stop are an abbreviation
    syllables = shortest if len(gloss) <= 3 else int(random.integers(2, 4))
    return "".join(
        str(random.choice(list(consonants))) + str(random.choice(list(vowels))) + str(random.choice(endings))
        for _ in range(syllables)
    )


@functools.cache
def _phonology(code: str) -> tuple[str, str, tuple[str, ...]]:
    """The consonants, vowels and endings of a language's syllables; of a real language: drawn by its code."""
    if code in _PHONOLOGY:
        return _PHONOLOGY[code]
    random = np.random.default_rng([9, zlib.crc32(code.encode())])
    consonants = "".join(sorted(random.choice(list("bdfgjklmnprstvz"), size=10, replace=False)))
    vowels = "".join(sorted(random.choice(list("aeiou"), size=4, replace=False)))
    return (
        consonants,
        vowels,
        ("", "", *sorted(str(letter) for letter in random.choice(list("lnrs"), size=2))),
    )


def translate(pattern: str, language: Language, loanwords: float = 0.0) -> str:
    """Translate a gloss pattern into a language, words and word order; slots stay as they are."""
    words = lexicon(language, loanwords)
    translated = [word if word[0] == "[" else words[word] for word in pattern.split()]
    if language.order == "sov" and translated[0] == "[X]" and len(translated) > 1:
        slots = [word for word in translated[1:] if word[0] == "["]
        rest = [word for word in translated[1:] if word[0] != "["]
        translated = ["[X]", *slots, *reversed(rest)]
    return " ".join(translated)
