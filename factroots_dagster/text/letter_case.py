"""Capital letters as languages write them."""

from __future__ import annotations

from functools import lru_cache

DOTTED_I = frozenset(("tr", "az"))
"""Languages that distinguish i and ı."""


def capitalize(text: str, language: str) -> str:
    """`text` with a capital first letter, where that is a single character, else as it is."""
    first = text[:1]
    capital = _capital_of(first, language)
    return text if capital == first else capital + text[1:]


@lru_cache(maxsize=1 << 14)
def _capital_of(letter: str, language: str) -> str:
    capital = "İ" if letter == "i" and language in DOTTED_I else letter.title()
    return capital if len(capital) == 1 else letter
