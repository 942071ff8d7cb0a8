"""The entities of a generated world and how each language spells them.

Names are made of Latin stems. A language spells a name alike, or as a cognate (its own ending or letters), or
calls the entity by a stem of its own; other scripts transliterate. Natural names come from CLDR as they are.
"""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.languages import Language
from factroots_dagster.sandbox.lexicon import capitalize
from factroots_dagster.sandbox.names import NameMaker
from factroots_dagster.sandbox.natural import Named, natural_name
from factroots_dagster.sandbox.records import Spelling
from factroots_dagster.sandbox.scripts import transliterate

_COGNATE_ENDINGS = ("o", "a", "us", "en", "ia", "ek", "is", "ur", "ina", "os")
_COGNATE_LETTERS = (("k", "g"), ("b", "p"), ("d", "t"), ("z", "s"), ("v", "f"), ("e", "i"), ("o", "u"))
SIMILAR = 0.6
"""Natural names of one script whose `difflib` ratio is at least this count as cognates."""


@dataclass
class Entities:
    """All entities so far: `spellings[language][uri]`."""

    languages: Mapping[str, Language]
    dials: Dials
    maker: NameMaker
    random: np.random.Generator
    spellings: dict[str, dict[str, Spelling]] = field(default_factory=dict)
    _taken: set[tuple[str, str]] = field(default_factory=set)
    _natural: dict[Named, str | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.spellings = {code: {} for code in self.languages}

    def add_natural(self, entity: Named) -> str | None:
        """Add a natural entity, once; returns its uri, None if a language lacks a name or used it up."""
        if entity not in self._natural:
            names = {code: natural_name(entity, language) for code, language in self.languages.items()}
            spellings = {code: Spelling("", name) for code, name in names.items() if name is not None}
            self._natural[entity] = self._add(spellings)
        return self._natural[entity]

    def add_made(self, first: str = "", last: str = "", *, is_object: bool = False) -> str:
        """Add an entity with a made-up name, between the Latin words `first` and `last`; returns its uri."""
        unrelated = self.dials.exonyms if is_object else self.dials.unrelated
        for _ in range(100):
            base = self.maker.make_word()
            spellings = {}
            for number, (code, language) in enumerate(self.languages.items()):
                draw = self.random.random() if number else 1.0  # the hub's is the name that others go by
                stem = word = base
                if draw < unrelated:
                    stem = word = self.maker.make_word()
                elif draw < unrelated + self.dials.cognates:
                    word = make_cognate(base, code)
                text = " ".join(filter(None, (first, word, last)))
                spellings[code] = Spelling(stem, transliterate(text, language))
            if uri := self._add(spellings):
                return uri
        raise InputError("no unused name is left in the generated world", "take another seed or fewer facts")

    def exchange_names(self, one: str, other: str, codes: Iterable[str]) -> None:
        """Let two entities exchange their names in some languages."""
        for code in codes:
            names = self.spellings[code]
            names[one], names[other] = names[other], names[one]

    def _add(self, spellings: dict[str, Spelling]) -> str | None:
        """Add an entity unless one of its names is missing or taken; names that differ in case are alike."""
        keys = {(code, spelling.text.casefold()) for code, spelling in spellings.items()}
        if len(keys) < len(self.languages) or keys & self._taken:
            return None
        self._taken |= keys
        uri = f"Q{990_000_000 + len(self.spellings[next(iter(self.languages))])}"
        for code, spelling in spellings.items():
            self.spellings[code][uri] = spelling
        return uri


def make_cognate(stem: str, code: str) -> str:
    """The cognate of a Latin stem in a language: an ending of its own, in half of them another letter."""
    number = zlib.crc32(code.encode())
    ending = _COGNATE_ENDINGS[number % len(_COGNATE_ENDINGS)]
    old, new = _COGNATE_LETTERS[number // 16 % len(_COGNATE_LETTERS)]
    head, tail = stem[:2], stem[2:].replace(old, new) if number // 128 % 2 else stem[2:]
    return capitalize(head + tail.rstrip("aeiou") + ending)


def name_link(one: Spelling, other: Spelling, *, same_script: bool) -> str:
    """How one language's name of an entity goes with another's (schema.NAME_LINKS).

    Natural names in two scripts count as transliterated: nearly all those of cities and countries are.
    """
    if not same_script:
        return "transliterated" if one.stem == other.stem else "unrelated"
    if one.text == other.text:
        return "identical"
    if one.stem != other.stem or (not one.stem and _ratio(one.text, other.text) < SIMILAR):
        return "unrelated"
    return "cognate"


def _ratio(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other, autojunk=False).ratio()
