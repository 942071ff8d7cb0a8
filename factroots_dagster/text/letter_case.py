"""Capital letters as languages write them."""

from __future__ import annotations

DOTTED_I = frozenset(("tr", "az"))
"""Languages that distinguish i and ı."""


def capitalize(text: str, language: str) -> str:
    """`text` with a capital first letter, where that is a single character, else as it is."""
    first = "İ" if text[:1] == "i" and language in DOTTED_I else text[:1].title()
    return first + text[1:] if len(first) == 1 else text
