"""Links in wikitext: replaced by the words that they show."""

from __future__ import annotations

import re
from operator import itemgetter

from factroots_dagster.corpora.wikipedia.markup.templates import MAX_NESTING
from factroots_dagster.corpora.wikipedia.namespaces import Namespaces, fold_name

PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]|:\n]*+\|)?+((?<=\|)[^\[\]|\n]*+|[^\[\]|:\n]*+)\]\]")
EXTERNAL_LINK = re.compile(
    r"\[(?:(?:https?|ftps?|ircs?|news|gopher):)?(?://|mailto:)[^\s\[\]<>]*[ \t]*([^\[\]\n]*)\]", re.IGNORECASE
)
FILE_ENDING = re.compile(
    r"\.(?:jpe?g|png|gif|svg|tiff?|webp|xcf|og[gav]|opus|webm|mp[34]|wav|flac|midi?|pdf|djvu)\s*$",
    re.IGNORECASE,
)
FIRST_GROUP = itemgetter(1)


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
        if FILE_ENDING.search(target[-300:]):
            return ""
    return label if bar else target.strip().removeprefix(":")
