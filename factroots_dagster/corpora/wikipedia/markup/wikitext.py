"""Prose out of wikitext, in time linear in its length, however hostile the nesting.

A page passes through a row of steps, each of which reads it once: comments; tags whose content is no
prose; templates and tables; links; the rest of the markup; lines. Brackets are paired with a stack, never
by a pattern that looks ahead for its end. An opening bracket that is never closed is text, as in
MediaWiki. List items, section titles and paragraphs come out as lines of their own.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from operator import itemgetter

from factroots_dagster.corpora.wikipedia.markup.templates import (
    NESTING,
    shielded,
    unshielded,
    without_templates,
)
from factroots_dagster.corpora.wikipedia.markup.variants import with_variants
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces, folded

DROPPED_TAGS = (
    "ref|references|gallery|math|chem|ce|syntaxhighlight|source|score|timeline|graph|imagemap|mapframe|maplink"
    "|templatedata|templatestyles|hiero|inputbox|categorytree|indicator|includeonly|table|style|script"
)
QUOTING_TAGS = "nowiki|pre"
SHOWN_TAGS = (
    "span|small|sub|sup|i|b|u|s|p|q|em|strong|big|font|code|cite|tt|kbd|samp|var|abbr|bdi|bdo|del|ins|strike"
    "|dfn|mark|time|data|wbr|ruby|rb|rbc|rt|rtc|rp|thead|tbody|tfoot|col|colgroup|section|label"
    "|translate|tvar|langconvert|noinclude|onlyinclude"
)
EXTENSION_TAG = re.compile(rf"<(/?)(?=[a-z])({DROPPED_TAGS}|{QUOTING_TAGS})\b([^<>]*)>", re.IGNORECASE)
QUOTING_TAG = re.compile(rf"<(?:{QUOTING_TAGS})\b", re.IGNORECASE)
SIMPLE_REFERENCE = re.compile(r"<ref\b(?:[^<>]*+(?<!/)>[^<]*+</ref\s*>|[^<>]*+(?<=/)>)", re.IGNORECASE)
"""A reference without tags in it: nearly all are, and go much faster this way."""
LIST_LINE = re.compile(r"\n[*#:;][^\n]*+")
LINE_BREAK = re.compile(r"<br\b[^<>]*>", re.IGNORECASE)
ITEM_TAG = re.compile(r"<(?:li|dd|dt)\b[^<>]*>", re.IGNORECASE)
BREAK_TAG = re.compile(
    r"</?(?=[a-z])(?:br|p|div|li|ul|ol|dl|dd|dt|tr|td|th|caption|blockquote|center|poem|hr|h[1-6])\b[^<>]*>",
    re.IGNORECASE,
)
TAG = re.compile(
    rf"</?(?=[a-z])(?:{SHOWN_TAGS}|{DROPPED_TAGS}|{QUOTING_TAGS}|[a-z]{{1,20}}+(?=[^<>]*=))\b[^<>]*>",
    re.IGNORECASE,
)
"""Tags of HTML and of MediaWiki; other words in angle brackets are shown, as MediaWiki does."""
READING = re.compile(r"<r[tp]\b[^<>]*+>[^<>]*+</r[tp]\s*>", re.IGNORECASE)
"""How a word in `<ruby>` is read; it would stand in the middle of the word."""

TABLE_BRACKET = re.compile(r"\n[ \t:*#;]*(\{\|)|\n[ \t]*(\|\})")
PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]|:\n]*+\|)?+((?<=\|)[^\[\]|\n]*+|[^\[\]|:\n]*+)\]\]")
EXTERNAL_LINK = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|news|gopher):)?(?://|mailto:)[^\s\[\]<>]*[ \t]*([^\[\]\n]*)\]",
    re.IGNORECASE,
)
FILE_ENDING = re.compile(
    r"\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|og[gav]|opus|webm|mp[34]|wav|flac|midi?|pdf|djvu)\s*$",
    re.IGNORECASE,
)
QUOTES = re.compile(r"'''''|'''|''")
BOLD = re.compile(r"'{3,}")
PARAGRAPH = re.compile(r"^[^\s*#:;=|{-].*(?:\n[^\s*#:;=|{-].*)*", re.MULTILINE)
SWITCH = re.compile(
    r"__(?:[A-Z\u00aa-\U0010ffff][A-Z_\u00aa-\U0010ffff]{2,40}"
    r"|(?i:(?:no|force)?toc|no(?:edit|new)section(?:link)?|newsectionlink|nogallery|hiddencat|(?:no)?index))__"
)
"""Switches in any language: capitals, or letters of a script without case."""
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
TABS = re.compile(r"[ \t\u00a0]{2,}")
BLANKS = re.compile("  +")
COMMAS = " ,;،؛、，；"
EMPTIED_BRACKETS = {
    opener: (
        re.compile(rf"{re.escape(opener)}[{COMMAS}]*+[)）]"),
        re.compile(rf"{re.escape(opener)} *+[{COMMAS[1:]}][{COMMAS}]*+"),
    )
    for opener in "(（"
}
"""Brackets left empty, and brackets that begin with commas, by their first character (a fast search)."""
GONE = "\ufdef"
"""Stands for a moment where something was taken out; a noncharacter, as those of quoted text are."""
FIRST_GROUP = itemgetter(1)

NAMES, NAME_LENGTH, FIRST_WORDS = 10, 200, 20_000
"""Bold names kept at most, the longest of them, and how far into the first paragraph they are sought."""


@dataclass(frozen=True, slots=True)
class Prose:
    """What `prose` reads off one page."""

    text: str
    """Paragraphs, list items and section titles, one a line, without blank lines."""
    list_lines: list[int]
    """Numbers of the lines of `text` that are list items, from 0, ascending."""
    names: list[str]
    """Distinct bold words of the first paragraph, in order: what the article's subject is called."""


def prose(wikitext: str, namespaces: Namespaces) -> Prose:
    """The prose of one page, which of its lines are list items, and its subject's names.

    Templates, tables, references, files with their captions, galleries, formulas, categories, links to
    other languages and comments are left out; of templates that mark up text or numbers the content stays
    (see `templates`). No-break spaces become spaces; nothing else is normalised.
    """
    text = without_comments(wikitext)
    text, quoted = without_extension_tags(text)
    if "{{" in text:
        text = without_templates(text)
    if "{|" in text:
        text = without_tables(text)
    if "-{" in text:
        text = with_variants(text, namespaces.language)
    if "[" in text:
        text = without_links(text, namespaces)
    lines, list_lines = as_lines(inline(text))
    shown = finished("\n".join(lines))
    if "\n\n" in shown or shown.startswith("\n") or shown.endswith("\n"):
        shown, list_lines = without_blank_lines(shown, list_lines)
    page = Prose(shown, list_lines, names_in(text))
    if quoted:
        page = Prose(unshielded(page.text), list_lines, [unshielded(name) for name in page.names])
    return page


def clean(wikitext: str, namespaces: Namespaces, *, lists: bool = True) -> str:
    """The text that `prose` gives; `lists=False` leaves out list items, as the paper's text does."""
    page = prose(wikitext, namespaces)
    return page.text if lists else without_lines(page.text, page.list_lines)


def without_lines(text: str, lines: Sequence[int]) -> str:
    """`text` without the lines of these numbers (from 0)."""
    if not len(lines):
        return text
    left_out = set(lines)
    return "\n".join(line for number, line in enumerate(text.split("\n")) if number not in left_out)


def without_comments(text: str) -> str:
    """`text` without `<!-- ... -->`; an unclosed one reaches to the end, and its own line goes with it."""
    start = text.find("<!--")
    if start < 0:
        return text
    kept, at = [], 0
    while start >= 0:
        kept.append(text[at:start])
        end = text.find("-->", start + 4)
        if end < 0:
            return "".join(kept)
        at = end + 3
        if text.startswith("\n", at) and (start == 0 or text[start - 1] == "\n"):
            at += 1
        start = text.find("<!--", at)
    kept.append(text[at:])
    return "".join(kept)


def without_extension_tags(text: str) -> tuple[str, bool]:
    """`text` without elements that are no prose, and whether some of it is quoted (`nowiki`, `pre`).

    Markup characters of quoted text are replaced by noncharacters (`templates.shielded`).
    A tag whose end is missing is dropped alone: its neighbours are prose more often than not. So is a
    `<ref>` before the next `<ref>`, which a forgotten slash leaves open.
    """
    if "<" not in text:
        return text, False
    if not QUOTING_TAG.search(text):
        text = SIMPLE_REFERENCE.sub("", text)
    tags = list(EXTENSION_TAG.finditer(text))
    if not tags:
        return text, False
    kept, at, number, quoted = [], 0, 0, False
    last = {tag[2].lower(): place for place, tag in enumerate(tags) if tag[1]}
    while number < len(tags):
        tag = tags[number]
        number += 1
        kept.append(text[at : tag.start()])
        at = tag.end()
        name = tag[2].lower()
        if tag[1] or tag[3].endswith("/") or last.get(name, -1) < number:
            continue
        closing = number
        while tags[closing][2].lower() != name or tags[closing][3].endswith("/"):
            closing += 1
        if not tags[closing][1]:
            if name not in ("nowiki", "pre"):
                continue
            while tags[closing][2].lower() != name or not tags[closing][1]:
                closing += 1
        if name in ("nowiki", "pre"):
            kept.append(shielded(text[at : tags[closing].start()]))
            quoted = True
        at = tags[closing].end()
        number = closing + 1
    kept.append(text[at:])
    return "".join(kept), quoted


def without_tables(text: str) -> str:
    """`text` without `{| ... |}`, nested ones too. A table without an end remains (its rows go as lines)."""
    opened: list[int] = []
    spans: list[tuple[int, int]] = []
    text = "\n" + text
    for bracket in TABLE_BRACKET.finditer(text):
        if bracket[1]:
            opened.append(bracket.start() + 1)
        elif opened:
            start = opened.pop()
            while spans and spans[-1][0] > start:
                spans.pop()
            spans.append((start, bracket.end()))
    kept, at = [], 1
    for start, end in spans:
        kept.append(text[at:start])
        at = end
    kept.append(text[at:])
    return "".join(kept)


def without_links(text: str, namespaces: Namespaces) -> str:
    """`text` with links replaced by the words they show, files, categories and languages by nothing."""
    text = PLAIN_LINK.sub(FIRST_GROUP, text)
    text = EXTERNAL_LINK.sub(FIRST_GROUP, text)
    if "[[" not in text:
        return text
    out: list[str] = []
    stack: list[list[str]] = []
    at = 0
    opening, closing = text.find("[["), text.find("]]")
    while closing >= 0:
        if 0 <= opening < closing:
            out.append(text[at:opening])
            at = opening + 2
            stack.append(out)
            out = []
            opening = text.find("[[", at)
            continue
        out.append(text[at:closing])
        at = closing + 2
        if stack:
            shown = link_text("".join(out), namespaces) if len(stack) <= NESTING else ""
            out = stack.pop()
            out.append(shown)
        closing = text.find("]]", at)
    out.append(text[at:])
    return "".join([piece for before in stack for piece in before] + out)


def link_text(link: str, namespaces: Namespaces) -> str:
    """The words that the inside of a `[[...]]` shows."""
    target, bar, label = link.partition("|")
    if "\n\n" in target:
        # No title reaches over paragraphs: brackets that were never closed have met a stray end.
        return link
    prefix, colon, _ = target.partition(":")
    if colon and prefix.strip():
        prefix = folded(prefix)
        if prefix in namespaces.files or prefix in namespaces.categories or prefix in namespaces.languages:
            return ""
        if FILE_ENDING.search(target[-300:]):
            return ""
    return label if bar else target.strip().removeprefix(":")


def inline(text: str) -> str:
    """`text` without quotes marks of bold and italic, tags, switches such as `__TOC__`, and entities."""
    if "''" in text:
        text = QUOTES.sub("", text)
    if "<" in text:
        if "<r" in text:
            text = READING.sub("", text)
        text = ITEM_TAG.sub("\n*", text)
        if "<br" in text:
            text = LIST_LINE.sub(broken_item, "\n" + text)
        text = BREAK_TAG.sub("\n\n", text)
        text = TAG.sub("", text)
    if "__" in text:
        text = SWITCH.sub("", text)
    if "&" in text:
        text = text.replace("&nbsp;", "\u00a0")
    if "&" in text:
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def broken_item(line: re.Match[str]) -> str:
    """A list item, each of whose lines is an item when it has line breaks."""
    return LINE_BREAK.sub("\n*", line[0]) if "<" in line[0] else line[0]


def as_lines(text: str) -> tuple[list[str], list[int]]:
    """Paragraphs (lines joined), list items, section titles, preformatted lines; and the items' numbers."""
    lines: list[str] = []
    items: list[int] = []
    paragraph: list[str] = []
    for raw in text.split("\n"):
        line = raw.strip()
        mark = line[:1]
        if line and mark not in "*#:;=|-{ " and raw[0] != " ":
            paragraph.append(line)
            continue
        if mark == "=" and line[-1] != "=":
            paragraph.append(line)
            continue
        if paragraph:
            lines.append(" ".join(paragraph))
            paragraph = []
        if mark and mark in "*#:;":
            line = line.lstrip("*#:; \t\u00a0")
            if line:
                items.append(len(lines))
        elif mark == "=":
            line = line.strip("= \t\u00a0")
        elif mark == "|" or line.startswith(("{|", "----")):
            # What is left of a table or template whose brackets don't pair.
            line = line.lstrip("-") if mark == "-" else ""
        if line:
            lines.append(line)
    if paragraph:
        lines.append(" ".join(paragraph))
    return lines, items


def finished(text: str) -> str:
    """`text` without the brackets and blanks that the removed markup leaves behind."""
    for opener, (empty, begun) in EMPTIED_BRACKETS.items():
        if opener in text:
            text = begun.sub(opener, empty.sub(GONE, text))
    if GONE in text:
        text = text.replace(" " + GONE, "").replace(GONE, "").replace("\n ", "\n").removeprefix(" ")
    if "\t" in text:
        text = TABS.sub(" ", text)
    if "\u00a0" in text:
        text = text.replace("\u00a0", " ")
    return BLANKS.sub(" ", text)


def without_blank_lines(text: str, list_lines: list[int]) -> tuple[str, list[int]]:
    """`text` without lines that empty brackets have left blank, and the new numbers of its list items."""
    items = set(list_lines)
    kept = [(number in items, line) for number, line in enumerate(text.split("\n")) if line]
    return "\n".join(line for _, line in kept), [number for number, (item, _) in enumerate(kept) if item]


def names_in(text: str) -> list[str]:
    """The bold words of the first paragraph of `text`, whose templates, tables and links are gone."""
    for paragraph in PARAGRAPH.finditer(text):
        words = paragraph[0][:FIRST_WORDS]
        if inline(words).strip():
            return bold_words(words)
    return []


def bold_words(words: str) -> list[str]:
    """What stands between two marks of bold, as `Prose.names` has it. Of four quotes, the first is one."""
    names: list[str] = []
    start = -1
    for mark in BOLD.finditer(words):
        if start < 0:
            start = mark.end()
            continue
        end = mark.start() + (len(mark[0]) == 4)
        name = " ".join(finished(inline(words[start:end])).split())
        start = -1
        if name and len(name) <= NAME_LENGTH and name not in names:
            names.append(name)
            if len(names) == NAMES:
                break
    return names
