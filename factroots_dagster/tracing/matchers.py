"""The matchers: in which window, and by which forms of their names, both sides of a fact must stand."""

from __future__ import annotations

from factroots_dagster.text.inflection.suffixes import SUFFIX_LANGUAGES

WINDOWS = ("sentence", "chunk", "article")

SURFACE = WINDOWS
WITH_ALIASES = tuple(f"{window}_with_aliases" for window in WINDOWS)
WITH_SUFFIXES = tuple(f"{window}_with_suffixes" for window in WINDOWS)
WORDPIECE = "wordpiece_chunk"

MATCHERS = (*SURFACE, *WITH_ALIASES, *WITH_SUFFIXES, WORDPIECE)
"""All matchers. The surface ones ask for labels, or labels and other names of the entities' articles, or
labels as they stand and inflected by suffix; `wordpiece_chunk` is the paper's (`wikipedia.wordpieces`)."""


def matchers_of(language: str, wordpieces: bool) -> tuple[str, ...]:
    """The matchers that a language's sources are told for."""
    suffixes = WITH_SUFFIXES if language in SUFFIX_LANGUAGES else ()
    return (*SURFACE, *WITH_ALIASES, *suffixes, *((WORDPIECE,) if wordpieces else ()))
