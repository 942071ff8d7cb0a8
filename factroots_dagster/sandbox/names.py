"""Made-up words for names: morphemes in Latin letters, and words that never contain one another.

The words depend on the world's seed; callers transliterate them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.lexicon import capitalize

SHORTEST_WORD = 4
COMPANY_SUFFIXES = ("Group", "Media", "Works", "Line", "House")


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
        raise InputError("no unused name is left in the generated world", "take another seed or fewer facts")
