"""Templates in wikitext: most are removed, those that only format words or numbers are replaced by these.

What a reader sees in the middle of a sentence is kept: numbers (`formatnum`, `convert`, dates), words in
another language or script (`lang`, `nihongo`), names that link to an article of another language, names of
countries, single characters; and so are the values of parser functions and the page's title (`PAGENAME`).
Everything else (infoboxes, notes, navigation, block quotations) is removed with all that it contains.
`dialect` says what is kept of which template in which wiki; a template with another name is treated as a
measure or a date when its arguments show that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from factroots_dagster.corpora.wikipedia.markup.arguments import Arguments
from factroots_dagster.corpora.wikipedia.markup.dates import date_renderer
from factroots_dagster.corpora.wikipedia.markup.dialect import Dialect
from factroots_dagster.corpora.wikipedia.markup.functions import call_function
from factroots_dagster.corpora.wikipedia.markup.magic_words import TITLE_VARIABLES
from factroots_dagster.corpora.wikipedia.markup.renderers import render_measure
from factroots_dagster.corpora.wikipedia.markup.template_names import DATE_WORD, MAX_CODE_LENGTH, ORDINAL
from factroots_dagster.corpora.wikipedia.markup.units import UNITS, parse_measure

NUMBER_FIRST = re.compile(r"\s*[-−–+]?\d[\d.,\u00a0 ]*(?:\||$)")

MAX_NESTING = 40
"""Depth beyond which nothing is kept; MediaWiki itself expands no deeper. It keeps the time linear."""

MAX_NAME_LENGTH = 80

PROTECTED = {"=": "\ufdec", "|": "\ufded"}
"""Temporary noncharacters for what `{{=}}` and `{{!}}` show in a template, where they separate nothing."""

CLOSING_PUNCTUATION = frozenset(",.;:!?)]،؛؟。、，；")
"""Before these the space that a removed template leaves is removed too."""


OnRemoved = Callable[[list[str], list[str], int], None]
"""Called with a template's inner text, in pieces, what precedes it, and how many templates it is in."""


def replace_templates(text: str, dialect: Dialect, title: str, on_removed: OnRemoved | None = None) -> str:
    """`text` with every closed `{{...}}` replaced by what a reader sees of it; unclosed braces remain.

    title: that of the page. on_removed: told of templates of which nothing is seen. Braces pair as in
    MediaWiki: a run of closing ones takes three (a parameter) or two (a template) at a time from the
    innermost open run.
    """
    stack: list[tuple[int, list[str]]] = []
    out: list[str] = []
    position = 0
    opening, closing = text.find("{{"), text.find("}}")
    while closing >= 0:
        if 0 <= opening < closing:
            if position < opening:
                out.append(text[position:opening])
            position = opening + 2
            while text[position] == "{":
                position += 1
            stack.append((position - opening, out))
            out = []
            opening = text.find("{{", position)
            continue
        if position < closing:
            out.append(text[position:closing])
        position = closing + 2
        while text[position : position + 1] == "}":
            position += 1
        count = position - closing
        while count >= 2 and stack:
            opened, before = stack.pop()
            pair = 3 if opened >= 3 and count >= 3 else 2
            body = render_template(out, dialect, title) if pair == 2 and len(stack) < MAX_NESTING else ""
            if on_removed and not body and pair == 2:
                on_removed(out, before, len(stack))
            count -= pair
            opened -= pair
            if opened >= 2:
                stack.append((opened, before))
                out = []
            else:
                out = before
                if opened:
                    out.append("{")
            if body:
                out.append(PROTECTED.get(body, body) if stack else body)
            elif text[position : position + 1] in CLOSING_PUNCTUATION:
                remove_space(out)
        # `|}}}` ends a table and a template; MediaWiki would leave a brace.
        if count > 1 or (count and text[closing - 1 : closing] != "|"):
            out.append("}" * count)
        closing = text.find("}}", position)
    out.append(text[position:])
    unclosed = [piece for opened, before in stack for piece in (*before, "{" * opened)]
    text = "".join(unclosed + out)
    for sign, protected in PROTECTED.items():
        text = text.replace(protected, sign)
    return text


def remove_space(pieces: list[str]) -> None:
    """Remove the spaces that the pieces end with, if they follow a word."""
    spaces = 0
    while spaces < len(pieces) and not pieces[-1 - spaces].strip(" "):
        spaces += 1
    if spaces == len(pieces):
        return
    last = pieces[-1 - spaces]
    if last.endswith(" ") or spaces:
        words = last.rstrip(" ")
        if words[-1].isalnum() or words[-1] in "])}'":
            pieces[-1 - spaces :] = [words]


def render_template(pieces: list[str], dialect: Dialect, title: str) -> str:
    """What a reader sees of a template whose inner text (templates in it already replaced) is `pieces`."""
    if not pieces:
        return ""
    head = pieces[0]
    bar = head.find("|", 0, MAX_NAME_LENGTH)
    written = head[: bar if bar >= 0 else MAX_NAME_LENGTH].strip()
    name = written.lower().replace("_", " ").replace("i\u0307", "i")
    colon = name.find(":")
    if colon >= 0 and (function := dialect.functions.get(name[:colon])):
        body = "".join(pieces).partition(":")[2]
        return (
            body.strip() if function in TITLE_VARIABLES else call_function(function, body, dialect.language)
        )
    if bar < 0:
        return render_without_arguments(written, name, dialect, title)
    renderer = dialect.renderers.get(name)
    if renderer is None:
        if name in dialect.characters:
            return dialect.characters[name]
        if name.startswith("lang-"):
            return Arguments("".join(pieces)[bar + 1 :]).at(0)
        if NUMBER_FIRST.match(head, bar + 1) and (
            shown := render_number(name, Arguments("".join(pieces)[bar + 1 :]), dialect.language)
        ):
            return shown
        if len(written) > MAX_CODE_LENGTH and not dialect.prefixes:
            return ""
        return dialect.render_by_title(written, "".join(pieces)[bar + 1 :])
    return renderer(Arguments("".join(pieces)[bar + 1 :]))


def render_without_arguments(written: str, name: str, dialect: Dialect, title: str) -> str:
    """What a reader sees of a template or variable that is only a name."""
    if name in dialect.characters:
        return dialect.characters[name]
    if dialect.functions.get(name) in TITLE_VARIABLES:
        return title
    if ORDINAL.fullmatch(written):
        return written
    return dialect.render_by_title(written)


def render_number(name: str, arguments: Arguments, language: str) -> str:
    """A template that begins with a number: a measure when a unit follows, a date when its name says so."""
    if parse_measure(arguments)[1] in UNITS:
        return render_measure(arguments)
    if DATE_WORD.search(name) and is_date(arguments):
        return date_renderer(language)(arguments)
    return ""


def is_date(arguments: Arguments) -> bool:
    """Whether a number is followed by another, or by a word (a month) and another."""
    second = arguments.at(1)
    return second[:1].isdecimal() or (second.isalpha() and arguments.at(2)[:1].isdecimal())
