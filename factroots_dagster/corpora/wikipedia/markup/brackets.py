"""Brackets in wikitext: tables are removed, variants and links replaced by the words that they show.

Language-variant markup is `-{zh-hans:..;zh-hant:..}-`, of which one spelling is kept.
"""

from __future__ import annotations

import re
from operator import itemgetter

from factroots_dagster.corpora.wikipedia.markup.magic_words import fold_name
from factroots_dagster.corpora.wikipedia.markup.templates import MAX_NESTING
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces

TABLE_BRACKET = re.compile(r"\n[ \t:*#;]*(\{\|)|\n[ \t]*(\|\})")

VARIANT_BRACKET = re.compile(r"-\{|\}-")
PREFERRED_VARIANTS = {
    "zh": ("zh-hans", "zh-cn", "zh-sg", "zh", "zh-hant", "zh-tw", "zh-hk"),
    "sr": ("sr-ec", "sr-cyrl", "sr-el", "sr-latn"),
}
"""Variant codes by language, in order of preference."""
VARIANT_RULE = re.compile(r"(?:^|;)\s*([a-z]{2,3}(?:-[a-z]{2,8})?)\s*:")
VARIANT_FLAGS = re.compile(r"[\sA-Za-z;-]{0,60}")
HIDING_FLAGS = frozenset("HT-")
"""Flags of blocks that define a conversion and show nothing."""

PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]|:\n]*+\|)?+((?<=\|)[^\[\]|\n]*+|[^\[\]|:\n]*+)\]\]")
EXTERNAL_LINK = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|news|gopher):)?(?://|mailto:)[^\s\[\]<>]*[ \t]*"
    r"([^\[\]\n]*(?:\[[^\[\]\n]*)?)\]",
    re.IGNORECASE,
)
FILE_ENDING = re.compile(
    r"\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|og[gav]|opus|webm|mp[34]|wav|flac|midi?|pdf|djvu)\s*$",
    re.IGNORECASE,
)
FIRST_GROUP = itemgetter(1)


def remove_tables(text: str) -> tuple[str, list[str]]:
    """`text` without `{| ... |}`, and what was removed; nested tables are part of the outer one.

    A table without an end remains; `split_lines` drops its rows.
    """
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
    kept, position = [], 1
    for start, end in spans:
        kept.append(text[position:start])
        position = end
    kept.append(text[position:])
    return "".join(kept), [text[start:end] for start, end in spans]


def choose_variants(text: str, language: str) -> str:
    """`text` with each `-{...}-` replaced by the words of one variant of the language."""
    out: list[str] = []
    stack: list[list[str]] = []
    position = 0
    for bracket in VARIANT_BRACKET.finditer(text):
        out.append(text[position : bracket.start()])
        position = bracket.end()
        if bracket[0] == "-{":
            stack.append(out)
            out = []
        elif stack:
            body = "".join(out) if len(stack) <= MAX_NESTING else ""
            out = stack.pop()
            out.append(render_variant(body, language))
        else:
            out.append(bracket[0])
    out.append(text[position:])
    return "".join([piece for before in stack for piece in before] + out)


def render_variant(body: str, language: str) -> str:
    """The words of a variant block: those of the preferred variant, the only ones, or none."""
    flags, bar, words = body.partition("|")
    if not bar or not VARIANT_FLAGS.fullmatch(flags):
        words = body
    elif not HIDING_FLAGS.isdisjoint(flag.strip().upper() for flag in flags.split(";")):
        return ""
    codes = list(VARIANT_RULE.finditer(words))
    if not codes:
        return words
    rules: dict[str, str] = {}
    ends = [*(code.start() for code in codes[1:]), len(words)]
    for code, end in zip(codes, ends, strict=True):
        rules.setdefault(code[1], words[code.end() : end].strip().removesuffix(";").rstrip())
    preferred = PREFERRED_VARIANTS.get(language.split("-")[0], ())
    return next((rules[code] for code in preferred if code in rules), next(iter(rules.values())))


def replace_links(text: str, namespaces: Namespaces) -> str:
    """`text` with links replaced by the words that they show; files, categories and languages removed."""
    text = PLAIN_LINK.sub(FIRST_GROUP, text)
    text = EXTERNAL_LINK.sub(FIRST_GROUP, text)
    if "[[" not in text:
        return text
    out: list[str] = []
    stack: list[list[str]] = []
    position = 0
    opening, closing = text.find("[["), text.find("]]")
    while closing >= 0:
        if 0 <= opening < closing:
            out.append(text[position:opening])
            position = opening + 2
            stack.append(out)
            out = []
            opening = text.find("[[", position)
            continue
        out.append(text[position:closing])
        position = closing + 2
        if stack:
            words = render_link("".join(out), namespaces) if len(stack) <= MAX_NESTING else ""
            out = stack.pop()
            out.append(words)
        closing = text.find("]]", position)
    out.append(text[position:])
    return "".join([piece for before in stack for piece in before] + out)


def render_link(link: str, namespaces: Namespaces) -> str:
    """The words that a link shows, given what is between its brackets."""
    target, bar, label = link.partition("|")
    if "\n\n" in target:
        # No title spans paragraphs: an unclosed bracket was paired with a stray closing one.
        return link
    prefix, colon, _ = target.partition(":")
    if colon and prefix.strip():
        prefix = fold_name(prefix)
        if prefix in namespaces.files or prefix in namespaces.categories or prefix in namespaces.languages:
            return ""
        if prefix in namespaces.media:
            return label
        if FILE_ENDING.search(target[-300:]):
            return ""
    return label if bar else target.strip().removeprefix(":")
