"""Prose out of wikitext, in time linear in its length, however hostile the nesting.

A page passes through a series of steps, each of which reads it once: comments; tags whose content is not
prose; templates and tables; links; the rest of the markup; lines. Brackets are paired with a stack, never
by a pattern that looks ahead for the closing one. An opening bracket that is never closed is text, as in
MediaWiki. List items, headings and paragraphs become lines of their own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from factroots_dagster.corpora.wikipedia.markup.brackets import choose_variants, remove_tables, replace_links
from factroots_dagster.corpora.wikipedia.markup.cells import Cell, Removed
from factroots_dagster.corpora.wikipedia.markup.dialect import dialect_of
from factroots_dagster.corpora.wikipedia.markup.escapes import unescape_markup
from factroots_dagster.corpora.wikipedia.markup.lines import drop_blank_lines, split_lines, tidy
from factroots_dagster.corpora.wikipedia.markup.magic_words import SWITCHES, magic_words
from factroots_dagster.corpora.wikipedia.markup.quotes import BOLD, mark_bold, mark_labels, remove_quotes
from factroots_dagster.corpora.wikipedia.markup.tags import (
    remove_comments,
    remove_extension_tags,
    remove_tags,
    shorten_attributes,
)
from factroots_dagster.corpora.wikipedia.markup.templates import replace_templates
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

PARAGRAPH = re.compile(r"^[^\s*#:;=|{-].*(?:\n[^\s*#:;=|{-].*)*", re.MULTILINE)
BEHAVIOR_SWITCH = re.compile(
    r"__(?:[A-Z\u00aa-\U0010ffff][A-Z_\u00aa-\U0010ffff]{2,40}"
    r"|(?i:(?:no|force)?toc|no(?:edit|new)section(?:link)?|newsectionlink|nogallery|hiddencat|(?:no)?index))__"
)
"""Such as `__NOTOC__`, in any language: capitals, or letters of a script without case."""
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
MAX_NAMES, MAX_NAME_LENGTH, NAME_SEARCH_LENGTH = 10, 200, 20_000
"""How many bold names are kept, how long they may be, and how much of the first paragraph is searched."""


@dataclass(frozen=True, slots=True)
class Prose:
    """What `extract_prose` finds on one page."""

    text: str
    """Paragraphs, list items and headings, one per line, without blank lines."""
    list_lines: list[int]
    """Numbers of the lines of `text` that are list items, from 0, ascending."""
    names: list[str]
    """Distinct bold words of the first paragraph, in order: the names of the article's subject."""
    heading_lines: list[int]
    """Numbers of the lines of `text` that are headings, from 0, ascending."""
    read_cells: Callable[[], list[Cell]]
    """Reads what the page says outside `text`: parameters of boxes, rows of tables, block quotations.

    It is a function so that who needs the text alone does not pay for it."""


def extract_prose(wikitext: str, namespaces: Namespaces, title: str = "") -> Prose:
    """The prose of one page, which of its lines are list items, and its subject's names.

    title: that of the page, which its wikitext may name by a variable (`PAGENAME`).
    Templates, tables, references, files with their captions, galleries, formulas, categories, links to
    other languages and comments are removed; of templates that format text or numbers the content is kept
    (see `templates`). Boxes, tables and quotations are kept as cells. No-break spaces become spaces; nothing
    else is normalized.
    """
    text = shorten_attributes(remove_comments(wikitext))
    text, quoted = remove_extension_tags(text)
    removed = Removed()
    if "{{" in text:
        text = replace_templates(text, dialect_of(namespaces.language), title, removed.add_template)
    if "{|" in text:
        text, removed.tables = remove_tables(text)
    read_cells = partial(removed.cells, text, partial(clean_cells, namespaces=namespaces, quoted=quoted))
    if "-{" in text:
        text = choose_variants(text, namespaces.language)
    if "[" in text:
        if "''" in text:
            text = mark_labels(text)
        text = replace_links(text, namespaces)
    lines, list_lines, headings = split_lines(remove_inline_markup(text, namespaces.language))
    tidied = tidy("\n".join(lines))
    if "\n\n" in tidied or tidied.startswith("\n") or tidied.endswith("\n"):
        tidied, (list_lines, headings) = drop_blank_lines(tidied, list_lines, headings)
    names = find_names(text, namespaces.language)
    if quoted:
        tidied, names = unescape_markup(tidied), list(map(unescape_markup, names))
    return Prose(tidied, list_lines, names, headings, read_cells)


def clean_cells(text: str, namespaces: Namespaces, quoted: bool) -> str:
    """The plain text of cells' wikitext, in which templates are replaced.

    quoted: whether markup is escaped in it.
    """
    if "-{" in text:
        text = choose_variants(text, namespaces.language)
    if "[" in text:
        text = replace_links(text, namespaces)
    plain = tidy(remove_inline_markup(text, namespaces.language))
    return unescape_markup(plain) if quoted else plain


def remove_inline_markup(text: str, language: str) -> str:
    """`text` without bold and italic marks, tags and behavior switches, and with entities resolved."""
    if "''" in text:
        text = remove_quotes(text)
    if BOLD in text:
        text = text.replace(BOLD, "")
    if "<" in text:
        text = remove_tags(text)
    if "__" in text:
        text = BEHAVIOR_SWITCH.sub("", text)
        for switch in magic_words(language, SWITCHES):
            text = text.replace(switch, "")
    if "&" in text:
        text = text.replace("&nbsp;", "\u00a0")
    if "&" in text:
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def find_names(text: str, language: str) -> list[str]:
    """The bold words of the first paragraph of `text`, in which templates, tables and links are replaced."""
    for paragraph in PARAGRAPH.finditer(text):
        beginning = paragraph[0][:NAME_SEARCH_LENGTH]
        if remove_inline_markup(beginning, language).strip():
            return find_bold_words(beginning, language)
    return []


def find_bold_words(text: str, language: str) -> list[str]:
    """What is between two marks of bold, as in `Prose.names`, even where a line ends between them."""
    names: list[str] = []
    pieces = "\n".join(map(mark_bold, text.split("\n"))).split(BOLD)
    for words in pieces[1 : len(pieces) - 1 : 2]:
        name = " ".join(tidy(remove_inline_markup(words, language)).split())
        if name and len(name) <= MAX_NAME_LENGTH and name not in names:
            names.append(name)
            if len(names) == MAX_NAMES:
                break
    return names
