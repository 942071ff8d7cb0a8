"""The conventions of one language (`languages`), compiled for fast lookup."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.sentences.characters import FULL_STOPS, WORD_SPACE, code_point_set
from factroots_dagster.text.sentences.languages import (
    EVERY_LANGUAGE,
    LANGUAGES,
    SAME_CONVENTIONS,
    Conventions,
)


@dataclass(frozen=True)
class Rules:
    """The rules of one language.

    `is_terminator` tells which code points may end a sentence, line ends included, shape [TABLE_SIZE]. No
    word is in more than one of `titles`, `abbreviations` and `before_numbers`, which hold those of every
    language, too; see Conventions for these.
    """

    language: str
    own: Conventions
    is_terminator: NDArray[np.uint8]
    titles: frozenset[str]
    abbreviations: frozenset[str]
    before_numbers: frozenset[str]
    first_words: frozenset[str]


def rules_for(language: str) -> Rules:
    """The rules of a language by its code, of which only the first part counts (`zh` of `zh-yue`).

    A language without conventions of its own has those of every language.
    """
    code = language.replace("_", "-").partition("-")[0]
    return compile_rules(SAME_CONVENTIONS.get(code, code))


@lru_cache(maxsize=64)
def compile_rules(language: str) -> Rules:
    """The rules of a language that no other language lends its conventions."""
    own = LANGUAGES.get(language, Conventions())
    titles = frozenset(f"{EVERY_LANGUAGE.titles} {own.titles}".split())
    abbreviations = frozenset(f"{EVERY_LANGUAGE.abbreviations} {own.abbreviations}".split())
    before_numbers = frozenset(f"{EVERY_LANGUAGE.before_numbers} {own.before_numbers}".split())
    return Rules(
        language=language,
        own=own,
        is_terminator=code_point_set("\n" + WORD_SPACE + FULL_STOPS + own.terminators),
        titles=titles,
        # A word that is also a title, or also an abbreviation, need not be followed by a number.
        abbreviations=abbreviations - titles,
        before_numbers=before_numbers - abbreviations - titles,
        first_words=frozenset(own.first_words.split()),
    )
