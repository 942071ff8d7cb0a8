"""Redirects that a dump does not tag, as in those before 2009: pages that begin with `#REDIRECT [[..]]`."""

from __future__ import annotations

import re

from factroots_dagster.corpora.wikipedia.markup.magic_words import REDIRECT, fold_name, magic_words

BEGINNING = re.compile(r"\s*([#＃][^\[\]\n]{1,40}?)\s*:?\s*\[\[:?([^\[\]|#\n]{1,255})(?:[#|][^\[\]\n]*)?\]\]")
"""The word for a redirect and the title that it leads to."""


def find_redirect(wikitext: str, language: str) -> str | None:
    """The title that a page of a language's wiki leads to, None for an article."""
    beginning = BEGINNING.match(wikitext)
    if beginning is None or fold_name(beginning[1]) not in magic_words(language.split("-")[0], REDIRECT):
        return None
    title = " ".join(beginning[2].replace("_", " ").split())
    # Wikipedias' titles begin with a capital, whatever a link says.
    return title[:1].upper() + title[1:] or None
