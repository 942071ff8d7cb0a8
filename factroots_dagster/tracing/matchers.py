"""The registry of matchers: how close together, and by which names, a text must mention both sides of a fact.

To add a matcher, add a row: whatever lists matchers is derived from these rows, in their order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from factroots_dagster.roots.markup import (
    BY_PAGE,
    BY_TITLE,
    HEADING,
    INFOBOX,
    LIST,
    QUOTATION,
    TABLE,
)
from factroots_dagster.text.inflection.suffixes import SUFFIX_LANGUAGES
from factroots_dagster.tracing.kinds import ALIAS, FORM, LABEL, SUFFIX, WORDPIECE

WINDOWS = ("sentence", "chunk", "article")
"""Windows of the running text from narrow to wide; a chunk has 512 tokens."""

CELLS = (INFOBOX, TABLE, QUOTATION)
"""Matchers on what stands outside the text, by the kinds in column `cells` of WIKIPEDIA_ARTICLES."""

ANY_NAME = (LABEL, ALIAS, SUFFIX, FORM)


@dataclass(frozen=True)
class Matcher:
    """A fact is found in every window in which both of its sides have a mention of one of the kinds.

    name: as in column `matcher` of FACT_SOURCES. window: one of WINDOWS, or for MARKUP its name. kinds:
    numbers of the kinds of mentions that count. languages: those for which the matcher exists; None: all.
    """

    name: str
    window: str
    kinds: tuple[int, ...]
    description: str
    languages: frozenset[str] | None = None

    @property
    def needs_tokenizer(self) -> bool:
        """Whether it exists only where a checkpoint's tokenizer has cut the texts into wordpieces."""
        return WORDPIECE in self.kinds


_ROWS = (
    Matcher("sentence", "sentence", (LABEL,), "Both labels in one sentence."),
    Matcher("chunk", "chunk", (LABEL,), "Both labels in one chunk of 512 tokens."),
    Matcher("article", "article", (LABEL,), "Both labels in one article."),
    *(
        Matcher(f"{window}_with_aliases", window, (LABEL, ALIAS), f"Labels or aliases in one {window}.")
        for window in WINDOWS
    ),
    *(
        Matcher(
            f"{window}_with_suffixes",
            window,
            (LABEL, SUFFIX),
            f"Labels, inflected by suffix or not, in one {window}.",
            SUFFIX_LANGUAGES,
        )
        for window in WINDOWS
    ),
    *(
        Matcher(
            f"{window}_with_forms",
            window,
            (LABEL, SUFFIX, FORM),
            f"Labels, inflected as links show or by suffix, or not, in one {window}.",
        )
        for window in WINDOWS
    ),
    Matcher(
        "wordpiece_chunk",
        "chunk",
        (WORDPIECE,),
        "The paper's: the labels' wordpieces in one chunk of 512 wordpieces, also within longer words.",
    ),
    *(
        Matcher(name, name, ANY_NAME, f"{what}, or the object in one on the subject's page; by any name.")
        for name, what in (
            (INFOBOX, "Both in one parameter of an infobox, the object in its value"),
            (TABLE, "Both in one row of a table"),
            (LIST, "Both in one list item"),
            (HEADING, "Both in one heading"),
            (QUOTATION, "Both in one block quotation"),
        )
    ),
    Matcher(
        BY_TITLE,
        "sentence",
        ANY_NAME,
        "The object in a sentence of the lead that leaves out the subject, which the article is about.",
    ),
)

MATCHERS: Mapping[str, Matcher] = {matcher.name: matcher for matcher in _ROWS}
"""All matchers by name."""

IN_TEXT = tuple(name for name in MATCHERS if name not in BY_PAGE)
"""Matchers on windows of the running text, whatever kind of line it is."""


def matchers_by_kinds(*kinds: int) -> tuple[str, ...]:
    """Names of the matchers for which exactly these kinds of mentions count."""
    return tuple(matcher.name for matcher in _ROWS if matcher.kinds == kinds)


SURFACE = matchers_by_kinds(LABEL)
WITH_ALIASES = matchers_by_kinds(LABEL, ALIAS)
WITH_SUFFIXES = matchers_by_kinds(LABEL, SUFFIX)
WITH_FORMS = matchers_by_kinds(LABEL, SUFFIX, FORM)
(WORDPIECE_CHUNK,) = matchers_by_kinds(WORDPIECE)


def names_of_matcher(name: str) -> str:
    """The names that count for a matcher, as NAME_COVERAGE spells them: label, with_aliases, ..."""
    _, _, names = name.partition("_with_")
    return f"with_{names}" if names else "label"


def matchers_for(language: str, *, has_tokenizer: bool) -> tuple[str, ...]:
    """Names of the matchers by which a language's sources are searched for."""
    return tuple(
        matcher.name
        for matcher in _ROWS
        if (matcher.languages is None or language in matcher.languages)
        and (has_tokenizer or not matcher.needs_tokenizer)
    )
