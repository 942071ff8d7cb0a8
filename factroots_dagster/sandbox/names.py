"""Made-up names: morphemes, words that never contain one another, and the labels of objects.

Names are made in Latin letters and transliterated by the caller; which names a world holds depends on its
seed.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.sandbox.lexicon import capitalized, transliterate

COUNTRY_ENDINGS = {"qaa": "land", "qab": "ia", "qac": "ica", "qad": "stan", "qae": "rike",
                   "qaf": "iya", "qag": "shina", "qah": "ada"}  # fmt: skip
LANGUAGE_ENDINGS = {"qaa": "ish", "qab": "es", "qac": "ano", "qad": "asa", "qae": "taal",
                    "qaf": "ski", "qag": "ska", "qah": "ika"}  # fmt: skip
OBJECT_COUNTS = {"country": 20, "city": 30, "language": 20, "owner": 24, "religion": 12, "maker": 20}
EXONYMS = ("city", "owner", "maker")
OBJECT_CLASS = {"P17": "country", "P19": "city", "P36": "city", "P103": "language",
                "P127": "owner", "P140": "religion", "P159": "city", "P176": "maker"}  # fmt: skip


@dataclass
class NameMaker:
    """Makes words of two or three morphemes; no word it ever made is a part of another one."""

    random: np.random.Generator
    pool: int = 140
    morphemes: list[str] = field(default_factory=list)
    _parts: set[str] = field(default_factory=set)
    _words: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        syllables = [c + v + e for c in "bdfgjklmnprstvz" for v in "aeiou" for e in ("", "l", "n", "r", "s")]
        chosen = self.random.choice(len(syllables), size=self.pool, replace=False)
        self.morphemes = [syllables[index] for index in chosen]

    def word(self, morphemes: int = 2) -> str:
        """A new capitalized word; one morpheme more after many clashes."""
        for attempt in range(10_000):
            count = morphemes + attempt // 200
            candidate = "".join(self.morphemes[i] for i in self.random.integers(0, self.pool, size=count))
            parts = {candidate[i:j] for i in range(len(candidate)) for j in range(i + 4, len(candidate) + 1)}
            if len(candidate) >= 4 and candidate not in self._parts and not parts & self._words:
                self._words.add(candidate)
                self._parts |= parts
                return capitalized(candidate)
        raise RuntimeError("the pool of morphemes is too small for so many names")


def object_labels(maker: NameMaker) -> dict[str, list[dict[str, str]]]:
    """Labels of all objects: class to a list of {language code: label}.

    Cities, owners and makers are spelt alike within a script (a quarter of them with two words), but another
    quarter has a name of its own in every language, as exonyms are; so has every second religion. A country
    and its language share a stem and take the language's own endings.
    """
    labels: dict[str, list[dict[str, str]]] = {name: [] for name in OBJECT_COUNTS}
    peoples = [maker.word() for _ in range(OBJECT_COUNTS["country"])]
    for name, count in OBJECT_COUNTS.items():
        for index in range(count):
            stem = peoples[index] if name in ("country", "language") else maker.word()
            if name == "city" and index % 4 == 0:
                stem = f"Port {stem}"
            elif name in ("owner", "maker") and index % 4 == 0:
                stem = f"{stem} Holding" if name == "owner" else f"{stem} Motors"
            exonym = (name == "religion" and index % 2 == 1) or (name in EXONYMS and index % 4 == 3)
            row = {}
            for code, language in LANGUAGES.items():
                label = stem
                if name == "country":
                    label = stem + COUNTRY_ENDINGS[code]
                elif name == "language":
                    label = stem + LANGUAGE_ENDINGS[code]
                elif exonym and code != "qaa":
                    label = maker.word()
                row[code] = transliterate(label, language.script)
            labels[name].append(row)
    return labels
