"""The text of one page, as the articles of a corpus hold it."""

from __future__ import annotations

from factroots_dagster.corpora.wikipedia.markup.lines import drop_lines
from factroots_dagster.corpora.wikipedia.markup.wikitext import extract_prose
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces


def clean(wikitext: str, namespaces: Namespaces, *, lists: bool = True) -> str:
    """The text of `extract_prose`; with `lists=False` without list items, as in the paper."""
    page = extract_prose(wikitext, namespaces)
    return page.text if lists else drop_lines(page.text, page.list_lines)
