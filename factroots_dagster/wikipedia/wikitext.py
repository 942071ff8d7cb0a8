"""Prose out of wikitext, in time linear in its length, however hostile the nesting.

A page passes through a row of steps, each of which reads it once: comments; tags whose content is no
prose; templates and tables; links; the rest of the markup; lines. Brackets are paired with a stack, never
by a pattern that looks ahead for its end. An opening bracket that is never closed is text, as in
MediaWiki. List items, section titles and paragraphs come out as lines of their own.
"""

from __future__ import annotations

import html
import re

from factroots_dagster.wikipedia.namespaces import Namespaces, folded
from factroots_dagster.wikipedia.templates import UNSHIELD, shielded, without_templates

DROPPED_TAGS = (
    "ref references gallery math chem ce syntaxhighlight source score timeline graph imagemap mapframe "
    "maplink templatedata templatestyles hiero inputbox categorytree includeonly table style script"
)
KEPT_TAGS = "nowiki pre"
EXTENSION_TAG = re.compile(
    rf"<(/?)({'|'.join((DROPPED_TAGS + ' ' + KEPT_TAGS).split())})\b([^<>]*)>", re.IGNORECASE
)

TABLE_BRACKET = re.compile(r"\n[ \t:*#;]*(\{\|)|\n[ \t]*(\|\})")
VARIANT_BRACKET = re.compile(r"-\{|\}-")
PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]|:\n]*\|([^\[\]|\n]*)|([^\[\]|:\n]*))\]\]")
LINK_BRACKET = re.compile(r"\[\[|\]\]")
EXTERNAL_LINK = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|news|gopher):)?(?://|mailto:)[^\s\[\]<>]*[ \t]*([^\[\]\n]*)\]",
    re.IGNORECASE,
)
FILE_ENDING = re.compile(
    r"\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|og[gav]|opus|webm|mp[34]|wav|flac|midi?|pdf|djvu)\s*$",
    re.IGNORECASE,
)
BREAK_TAG = re.compile(
    r"</?(?:br|p|div|li|ul|ol|dl|dd|dt|tr|td|th|caption|blockquote|center|poem|hr|h[1-6])\b[^<>]*>",
    re.IGNORECASE,
)
TAG = re.compile(r"</?[a-zA-Z][^<>]*>")
APOSTROPHES = re.compile(r"'{2,}")
SWITCH = re.compile(r"__[^\W_a-z][^\Wa-z]{2,40}__")
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
BLANKS = re.compile(r"[ \t\u00a0]{2,}")
OPENED_BRACKET = re.compile(r"([(（]) *[,;،、][ ,;،、]*")
SHIELDED = re.compile("[\ufdd0-\ufddf]")
EMPTY_BRACKETS = re.compile(r" ?[(（][ ,;،、]*[)）]")

NESTING = 40
"""Links, tables or variants nested deeper than this are dropped: MediaWiki's own limit for templates."""


def clean(wikitext: str, namespaces: Namespaces, *, lists: bool = True) -> str:
    """The prose of one page: paragraphs, list items and section titles, one a line, without blank lines.

    Templates, tables, references, files with their captions, galleries, formulas, categories, links to
    other languages and comments are left out; of templates that mark up text or numbers the content stays
    (see `templates`). `lists=False` also leaves out list items, as the paper's text does.
    No-break spaces become spaces; nothing else is normalised.
    """
    text = without_comments(wikitext)
    text = without_extension_tags(text)
    if "{{" in text:
        text = without_templates(text)
    if "{|" in text:
        text = without_tables(text)
    if "-{" in text:
        text = with_variants(text, namespaces.language)
    if "[" in text:
        text = without_links(text, namespaces)
    return as_lines(inline(text), lists)


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


def without_extension_tags(text: str) -> str:
    """`text` without elements that are no prose; inside `nowiki` and `pre`, markup becomes plain characters.

    A tag whose end is missing is dropped alone: its neighbours are prose more often than not. So is a
    `<ref>` before the next `<ref>`, which a forgotten slash leaves open.
    """
    tags = list(EXTENSION_TAG.finditer(text))
    if not tags:
        return text
    kept, at, number = [], 0, 0
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
        at = tags[closing].end()
        number = closing + 1
    kept.append(text[at:])
    return "".join(kept)


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


def with_variants(text: str, language: str) -> str:
    """`text` with `-{...}-` replaced by the words that one variant of the language shows."""
    out: list[str] = []
    stack: list[list[str]] = []
    at = 0
    for bracket in VARIANT_BRACKET.finditer(text):
        out.append(text[at : bracket.start()])
        at = bracket.end()
        if bracket[0] == "-{":
            stack.append(out)
            out = []
        elif stack:
            body = "".join(out) if len(stack) <= NESTING else ""
            out = stack.pop()
            out.append(variant(body, language))
        else:
            out.append(bracket[0])
    out.append(text[at:])
    return "".join([piece for before in stack for piece in before] + out)


VARIANTS = {
    "zh": ("zh-hans", "zh-cn", "zh-sg", "zh", "zh-hant", "zh-tw", "zh-hk"),
    "sr": ("sr-ec", "sr-cyrl", "sr-el", "sr-latn"),
}
VARIANT_RULE = re.compile(r"\s*([a-z]{2,3}(?:-[a-z]+)?)\s*:(.*)", re.DOTALL)
HIDING_FLAGS = frozenset("HT-")


def variant(body: str, language: str) -> str:
    """What is shown of a variant block: the preferred variant's words, the only words, or nothing."""
    flags, bar, words = body.partition("|")
    if not bar or len(flags) > 20:
        flags, words = "", body
    elif HIDING_FLAGS & set(flags.upper().replace("ZH-", "").split(";")):
        return ""
    rules: dict[str, str] = {}
    for part in words.split(";"):
        if found := VARIANT_RULE.fullmatch(part):
            rules.setdefault(found[1], found[2].strip())
    if not rules:
        return words
    wanted = VARIANTS.get(language.split("-")[0], ())
    return next((rules[code] for code in wanted if code in rules), next(iter(rules.values())))


def without_links(text: str, namespaces: Namespaces) -> str:
    """`text` with links replaced by the words they show, files, categories and languages by nothing."""
    text = PLAIN_LINK.sub(r"\1\2", text)
    text = EXTERNAL_LINK.sub(r"\1", text)
    if "[[" not in text:
        return text
    out: list[str] = []
    stack: list[list[str]] = []
    at = 0
    for bracket in LINK_BRACKET.finditer(text):
        out.append(text[at : bracket.start()])
        at = bracket.end()
        if bracket[0] == "[[":
            stack.append(out)
            out = []
        elif stack:
            shown = link_text("".join(out), namespaces) if len(stack) <= NESTING else ""
            out = stack.pop()
            out.append(shown)
    out.append(text[at:])
    return "".join([piece for before in stack for piece in before] + out)


def link_text(link: str, namespaces: Namespaces) -> str:
    """The words that the inside of a `[[...]]` shows."""
    target, bar, label = link.partition("|")
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
        text = APOSTROPHES.sub(lambda run: "'" if len(run[0]) == 4 else "", text)
    if "<" in text:
        text = BREAK_TAG.sub("\n\n", text)
        text = TAG.sub("", text)
    if "__" in text:
        text = SWITCH.sub("", text)
    if "&" in text:
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), text)
    return text


def as_lines(text: str, lists: bool) -> str:
    """Paragraphs (their lines joined), list items, section titles and preformatted lines, one a line."""
    lines: list[str] = []
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
            line = line.lstrip("*#:; ") if lists else ""
        elif mark == "=":
            line = line.strip("= ")
        elif mark == "|" or line.startswith(("{|", "----")):
            # What is left of a table or template whose brackets don't pair.
            line = line.lstrip("-") if mark == "-" else ""
        if line:
            lines.append(line)
    if paragraph:
        lines.append(" ".join(paragraph))
    text = BLANKS.sub(" ", "\n".join(lines)).replace("\u00a0", " ")
    if "(" in text or "（" in text:
        text = OPENED_BRACKET.sub(r"\1", EMPTY_BRACKETS.sub("", text))
    return text.translate(UNSHIELD) if SHIELDED.search(text) else text
