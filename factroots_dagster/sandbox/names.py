"""Made-up names: morphemes, words that never contain one another, and the labels of objects.

`NameMaker` makes names in Latin letters; callers transliterate them. The names depend on the world's seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.sandbox.lexicon import capitalize, transliterate

COUNTRY_ENDINGS = {"qaa": "land", "qab": "ia", "qac": "ica", "qad": "stan", "qae": "rike",
                   "qaf": "iya", "qag": "shina", "qah": "ada"}  # fmt: skip
LANGUAGE_ENDINGS = {"qaa": "ish", "qab": "es", "qac": "ano", "qad": "asa", "qae": "taal",
                    "qaf": "ski", "qag": "ska", "qah": "ika"}  # fmt: skip
OBJECT_COUNTS = {"country": 20, "city": 30, "language": 20, "owner": 24, "religion": 12, "maker": 20}
EXONYMS = ("city", "owner", "maker")
OBJECT_CLASS = {"P17": "country", "P19": "city", "P36": "city", "P103": "language",
                "P127": "owner", "P140": "religion", "P159": "city", "P176": "maker"}  # fmt: skip
SHORTEST_WORD = 4


@dataclass
class NameMaker:
    """Makes words of two or more morphemes; none of its words is part of another one."""

    random: np.random.Generator
    morpheme_count: int = 140
    morphemes: list[str] = field(default_factory=list)
    _parts: set[str] = field(default_factory=set)
    _words: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        syllables = [c + v + e for c in "bdfgjklmnprstvz" for v in "aeiou" for e in ("", "l", "n", "r", "s")]
        chosen = self.random.choice(len(syllables), size=self.morpheme_count, replace=False)
        self.morphemes = [syllables[index] for index in chosen]

    def make_word(self, morphemes: int = 2) -> str:
        """Make a new capitalized word; after every 200 rejected candidates it gets one morpheme more."""
        for attempt in range(10_000):
            count = morphemes + attempt // 200
            indices = self.random.integers(0, self.morpheme_count, size=count)
            candidate = "".join(self.morphemes[index] for index in indices)
            parts = {
                candidate[start:end]
                for start in range(len(candidate))
                for end in range(start + SHORTEST_WORD, len(candidate) + 1)
            }
            is_new = candidate not in self._parts and not parts & self._words
            if len(candidate) >= SHORTEST_WORD and is_new:
                self._words.add(candidate)
                self._parts |= parts
                return capitalize(candidate)
        raise InputError(
            "no unused name is left in the generated world", "set FACTROOTS_SANDBOX_SEED to another seed"
        )


def make_object_labels(maker: NameMaker) -> dict[str, list[dict[str, str]]]:
    """Make the labels of all objects: object class to a list of {language code: label}.

    Cities, owners and makers are spelled alike within a script (a quarter of them with two words), except for
    another quarter with a different name in every language, as exonyms have; so has every second religion. A
    country and its language share a stem, to which each language adds its own endings.
    """
    labels: dict[str, list[dict[str, str]]] = {name: [] for name in OBJECT_COUNTS}
    country_stems = [maker.make_word() for _ in range(OBJECT_COUNTS["country"])]
    for name, count in OBJECT_COUNTS.items():
        for index in range(count):
            stem = country_stems[index] if name in ("country", "language") else maker.make_word()
            if name == "city" and index % 4 == 0:
                stem = f"Port {stem}"
            elif name in ("owner", "maker") and index % 4 == 0:
                stem = f"{stem} Holding" if name == "owner" else f"{stem} Motors"
            exonym = (name == "religion" and index % 2 == 1) or (name in EXONYMS and index % 4 == 3)
            translations = {}
            for code, language in LANGUAGES.items():
                label = stem
                if name == "country":
                    label = stem + COUNTRY_ENDINGS[code]
                elif name == "language":
                    label = stem + LANGUAGE_ENDINGS[code]
                elif exonym and code != "qaa":
                    label = maker.make_word()
                translations[code] = transliterate(label, language.script)
            labels[name].append(translations)
    return labels
