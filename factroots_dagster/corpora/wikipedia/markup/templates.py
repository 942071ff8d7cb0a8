"""Templates in wikitext: most are removed, those that only format words or numbers are replaced by these.

What a reader sees in the middle of a sentence is kept: numbers (`formatnum`, `convert`, dates), words in
another language or script (`lang`, `nihongo`), names that link to an article of another language, single
characters. Everything else (infoboxes, notes, navigation, block quotations) is removed with all that it
contains. `template_names` lists the templates by what is kept of them; a template with another name is
treated as a measure or a date when its arguments show that it is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from factroots_dagster.corpora.wikipedia.markup.template_names import (
    CHARACTERS,
    DATE_WORD,
    NUMBER_FUNCTION,
    ORDINAL,
    RENDERER_BY_NAME,
    UNITS,
)
from factroots_dagster.corpora.wikipedia.namespace_names import LANGUAGE_CODES

NAMED_ARGUMENT = re.compile(r"\s*([^\s=<>\[\]][^=<>\[\]]{0,40}?)\s*=")
LINK_OR_VARIANT = re.compile(r"\[\[[^\[\]]*+\]\]|-\{[^{}]*+\}-")
NUMBER_FIRST = re.compile(r"\s*[-−–+]?\d[\d.,\u00a0 ]*(?:\||$)")

MAX_NESTING = 40
"""Depth beyond which nothing is kept; MediaWiki itself expands no deeper. It keeps the time linear."""

MAX_NAME_LENGTH = 80

MARKUP = "[]{}'<>=*#:;|&_-!~"
"""Characters that the cleaner interprets, except inside `nowiki`."""

FIRST_NONCHARACTER = 0xFDD0
ESCAPES = {ord(character): FIRST_NONCHARACTER + number for number, character in enumerate(MARKUP)}
ESCAPED = re.compile(f"[{''.join(map(chr, ESCAPES.values()))}]")
ESCAPED_BAR = chr(ESCAPES[ord("|")])

RANGE_WORDS = {"-": "-", "–": "–", "to(-)": " to "} | {
    word: f" {word} " for word in ("to", "and", "or", "by", "x")
}
"""What `convert` shows between the ends of a range, by the argument between them."""


def escape_markup(text: str) -> str:
    """`text` with markup characters replaced by Unicode noncharacters, which no page may contain."""
    return text.translate(ESCAPES)


def unescape_markup(text: str) -> str:
    """`text` as it was before `escape_markup`."""
    # A pattern, since a page has few of them and `str.translate` looks up every character.
    return ESCAPED.sub(lambda match: MARKUP[ord(match[0]) - FIRST_NONCHARACTER], text)


def replace_templates(text: str) -> str:
    """`text` with every closed `{{...}}` replaced by what a reader sees of it; unclosed braces remain.

    Braces pair as in MediaWiki: a run of closing ones takes three (a parameter) or two (a template) at a
    time from the innermost open run.
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
            body = render_template(out) if pair == 2 and len(stack) < MAX_NESTING else ""
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
                out.append(body)
        # `|}}}` ends a table and a template; MediaWiki would leave a brace.
        if count > 1 or (count and text[closing - 1 : closing] != "|"):
            out.append("}" * count)
        closing = text.find("}}", position)
    out.append(text[position:])
    unclosed = [piece for opened, before in stack for piece in (*before, "{" * opened)]
    return "".join(unclosed + out)


def render_template(pieces: list[str]) -> str:
    """What a reader sees of a template whose inner text (templates in it already replaced) is `pieces`."""
    if not pieces:
        return ""
    head = pieces[0]
    bar = head.find("|", 0, MAX_NAME_LENGTH)
    title = head[: bar if bar >= 0 else MAX_NAME_LENGTH].strip()
    name = title.lower().replace("_", " ")
    if ":" in name and NUMBER_FUNCTION.match(name):
        return "".join(pieces).partition(":")[2].partition("|")[0].strip()
    renderer = RENDERER_BY_NAME.get(name)
    if bar < 0:
        return CHARACTERS.get(name, "") or (title if ORDINAL.fullmatch(title) else "")
    if renderer is None:
        if name in CHARACTERS:
            return CHARACTERS[name]
        if NUMBER_FIRST.match(head, bar + 1):
            return render_number(name, Arguments("".join(pieces)[bar + 1 :]))
        if not name.startswith("lang-"):
            return ""
    return RENDERERS[renderer or "first argument"](Arguments("".join(pieces)[bar + 1 :]))


class Arguments(list[str]):
    """A template's unnamed and numbered arguments, stripped, in order (gaps are empty); `named`: the rest."""

    def __init__(self, body: str) -> None:
        # Bars inside links and variants do not separate arguments.
        has_brackets = "[[" in body or "-{" in body
        if has_brackets:
            body = LINK_OR_VARIANT.sub(lambda match: match[0].replace("|", ESCAPED_BAR), body)
        self.named: dict[str, str] = {}
        numbered: dict[int, str] = {}
        counted = 0
        for argument in body.split("|"):
            value = argument.replace(ESCAPED_BAR, "|") if has_brackets else argument
            name = NAMED_ARGUMENT.match(value) if "=" in value else None
            if name is None:
                counted += 1
                numbered[counted] = value.strip()
            elif name[1].isdecimal() and 0 < int(name[1]) < 100:
                numbered[int(name[1])] = value[name.end() :].strip()
            else:
                self.named[name[1].lower()] = value[name.end() :].strip()
        super().__init__(numbered.get(number, "") for number in range(1, max(numbered, default=0) + 1))

    def at(self, index: int) -> str:
        """The argument with this index, from 0; empty when there is none."""
        return self[index] if index < len(self) else ""

    def first_named(self, *names: str) -> str:
        """The first of these named arguments that is not empty; empty when there is none."""
        return next((self.named[name] for name in names if self.named.get(name)), "")


def render_number(name: str, arguments: Arguments) -> str:
    """A template that begins with a number: a measure when a unit follows, a date when its name says so."""
    _, unit = parse_amount(arguments)
    if unit in UNITS:
        return render_measure(arguments)
    if DATE_WORD.search(name) and arguments.at(1)[:1].isdecimal():
        return render_date(arguments)
    return ""


def render_interlanguage_link(arguments: Arguments) -> str:
    """The label of a link to another Wikipedia, else its target in this one, not the one there."""
    if label := arguments.first_named("lt", "label", "trad", "text", "d"):
        return label
    if arguments.at(0) in LANGUAGE_CODES and len(arguments) > 1:
        return arguments.at(2) or arguments[1]
    if not arguments:
        return arguments.first_named("fr")
    return arguments[0] if arguments.at(1) in LANGUAGE_CODES else arguments.at(1) or arguments[0]


def render_nihongo(arguments: Arguments) -> str:
    """English, kanji, romaji as `English (kanji, romaji)`."""
    words = arguments.at(0)
    gloss = ", ".join(part for part in arguments[1:3] if part)
    return f"{words} ({gloss})".strip() if gloss else words


def render_chinese_names(arguments: Arguments) -> str:
    """`zh`: the name in each script and romanization that is given by name, else the first argument."""
    forms = dict.fromkeys(arguments.named.get(name, "") for name in ("c", "s", "t", "p", "w", "j", "poj"))
    return "; ".join(form for form in forms if form) or arguments.at(0)


def parse_amount(arguments: Arguments) -> tuple[str, str]:
    """The number or range that a measure begins with, as it is written, and its unit."""
    parts, index = [arguments.at(0)], 1
    while index + 1 < len(arguments) and arguments[index] in RANGE_WORDS:
        parts += [RANGE_WORDS[arguments[index]], arguments[index + 1]]
        index += 2
    return "".join(parts), arguments.at(index)


def render_measure(arguments: Arguments) -> str:
    """`convert`: the number or range and its unit."""
    return " ".join(parse_amount(arguments)).strip()


def render_date(arguments: Arguments) -> str:
    """Year, month and day as ISO 8601 when they are numbers, in either order, else as they are written."""
    parts = [argument for argument in arguments[:3] if argument]
    if not all(part.isdecimal() for part in parts):
        return " ".join(parts)
    if len(parts) > 1 and len(parts[0]) < 3 <= len(parts[-1]):
        parts.reverse()
    return "-".join(part.zfill(2) if part.isascii() else part for part in parts)


def render_life_dates(arguments: Arguments) -> str:
    """Chinese `bd`: year and day of birth, year and day of death."""
    born, died = "".join(arguments[:2]), "".join(arguments[2:4])
    return f"（{born}－{died}）" if died else f"（{born}－）"


def render_fraction(arguments: Arguments) -> str:
    if len(arguments) < 2:
        return f"1/{arguments.at(0)}"
    return f"{' '.join(arguments[:-2])} {arguments[-2]}/{arguments[-1]}".strip()


def render_country(arguments: Arguments) -> str:
    """A flag with a country's name; of a code (`USA`) a reader sees only the flag."""
    name = arguments.at(0)
    return "" if len(name) <= 3 and name.isupper() else name


RENDERERS: dict[str, Callable[[Arguments], str]] = {
    "first argument": lambda arguments: arguments.at(0) or arguments.first_named("text"),
    "second argument": lambda arguments: arguments.at(1) or arguments.first_named("text", "texte"),
    "last argument": lambda arguments: arguments[-1] if arguments else "",
    "all arguments": "".join,
    "interlanguage link": render_interlanguage_link,
    "nihongo": render_nihongo,
    "chinese names": render_chinese_names,
    "measure": render_measure,
    "date": render_date,
    "life dates": render_life_dates,
    "fraction": render_fraction,
    "power of ten": lambda arguments: f"×10^{arguments.at(0)}",
    "circa": lambda arguments: f"c. {arguments.at(0)}",
    "ship": lambda arguments: " ".join(arguments[:2]).strip(),
    "country": render_country,
}
"""What the keys of `template_names.ROWS` stand for."""
