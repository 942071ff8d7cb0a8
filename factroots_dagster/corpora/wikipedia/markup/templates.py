"""Templates in wikitext: most go, those that only mark up words or numbers leave these behind.

What is kept is kept because a reader sees it in the middle of a sentence: numbers (`formatnum`,
`convert`, dates), words in another language or script (`lang`, `nihongo`), names that link to an article
of another language, signs. Everything else (infoboxes, notes, navigation, quotations set apart) is
dropped with all that is in it. Which template leaves what stands in `template_names`; a template of
another name is taken for a measure or a date when its arguments show that it is one.
"""

from __future__ import annotations

import re

from factroots_dagster.corpora.wikipedia.markup.template_names import DATE_WORD, NAMES, ORDINAL, SIGNS, UNITS
from factroots_dagster.corpora.wikipedia.namespaces import LANGUAGE_CODES

NAMED = re.compile(r"\s*([^\s=<>\[\]][^=<>\[\]]{0,40}?)\s*=")
BARRED = re.compile(r"\[\[[^\[\]]*+\]\]|-\{[^{}]*+\}-")
NUMBER_FIRST = re.compile(r"\s*[-−–+]?\d[\d.,\u00a0 ]*(?:\||$)")
NUMBER_PREFIX = re.compile(
    r"(?:formatnum|#formatdate|#dateformat|숫자형식|格式化数字|格式化數字|صيغة رقم):", re.IGNORECASE
)

NESTING = 40
"""Depth beyond which nothing is kept; MediaWiki itself expands no deeper. It keeps the time linear."""

NAME_LENGTH = 80

MARKUP = "[]{}'<>=*#:;|&_-!~"
"""Characters that mean something to the cleaner; inside `nowiki` they stand for themselves."""

SHIELD_START = 0xFDD0
SHIELD = {ord(character): SHIELD_START + number for number, character in enumerate(MARKUP)}
SHIELDED = re.compile(f"[{''.join(map(chr, SHIELD.values()))}]")
BAR = chr(SHIELD[ord("|")])

JOINERS = {
    "to": " to ",
    "and": " and ",
    "or": " or ",
    "by": " by ",
    "x": " x ",
    "-": "-",
    "–": "–",
    "to(-)": " to ",
}
"""What stands between the ends of a range in `convert`."""


def shielded(text: str) -> str:
    """`text` with markup characters replaced by Unicode noncharacters, which no page may contain."""
    return text.translate(SHIELD)


def unshielded(text: str) -> str:
    """`text` with the noncharacters of `shielded` replaced by what they stand for; a pattern, since a page
    has few of them and `str.translate` asks for every character."""
    return SHIELDED.sub(lambda found: MARKUP[ord(found[0]) - SHIELD_START], text)


def without_templates(text: str) -> str:
    """`text` with every closed `{{...}}` replaced by what stays of it; unclosed braces remain.

    Braces pair as in MediaWiki: a run of closing ones takes three (a parameter) or two (a template) at a
    time from the innermost open run.
    """
    stack: list[tuple[int, list[str]]] = []
    out: list[str] = []
    at = 0
    opening, closing = text.find("{{"), text.find("}}")
    while closing >= 0:
        if 0 <= opening < closing:
            if at < opening:
                out.append(text[at:opening])
            at = opening + 2
            while text[at] == "{":
                at += 1
            stack.append((at - opening, out))
            out = []
            opening = text.find("{{", at)
            continue
        if at < closing:
            out.append(text[at:closing])
        at = closing + 2
        while text[at : at + 1] == "}":
            at += 1
        count = at - closing
        while count >= 2 and stack:
            opened, before = stack.pop()
            pair = 3 if opened >= 3 and count >= 3 else 2
            body = rendered(out) if pair == 2 and len(stack) < NESTING else ""
            count -= pair
            opened -= pair
            if opened >= 2:
                stack.append((opened, before))
                out = [body] if body else []
            else:
                out = before
                if opened:
                    out.append("{")
                if body:
                    out.append(body)
        # `|}}}` is a table's end and a template's; MediaWiki would leave a brace.
        if count > 1 or (count and text[closing - 1 : closing] != "|"):
            out.append("}" * count)
        closing = text.find("}}", at)
    out.append(text[at:])
    whole: list[str] = []
    for opened, before in stack:
        whole += before
        whole.append("{" * opened)
    return "".join(whole + out)


def rendered(pieces: list[str]) -> str:
    """What stays of a template whose inner text (templates in it already replaced) is `pieces`."""
    if not pieces:
        return ""
    head = pieces[0]
    bar = head.find("|", 0, NAME_LENGTH)
    shown = head[: bar if bar >= 0 else NAME_LENGTH].strip()
    name = shown.lower().replace("_", " ")
    if ":" in name and NUMBER_PREFIX.match(name):
        return "".join(pieces).partition(":")[2].partition("|")[0].strip()
    way = NAMES.get(name)
    if bar < 0:
        return SIGNS.get(name, "") or (shown if ORDINAL.fullmatch(shown) else "")
    if way is None:
        if name in SIGNS:
            return SIGNS[name]
        if NUMBER_FIRST.match(head, bar + 1):
            return unnamed_kind(name, Arguments("".join(pieces)[bar + 1 :]))
        if not name.startswith("lang-"):
            return ""
        way = "first"
    return WAYS[way](Arguments("".join(pieces)[bar + 1 :]))


class Arguments(list[str]):
    """A template's unnamed and numbered arguments, stripped, in order (gaps are empty); `named`: the rest."""

    def __init__(self, body: str) -> None:
        hidden = "[[" in body or "-{" in body
        if hidden:
            body = BARRED.sub(lambda found: found[0].replace("|", BAR), body)
        self.named: dict[str, str] = {}
        numbered: dict[int, str] = {}
        counted = 0
        for argument in body.split("|"):
            words = argument.replace(BAR, "|") if hidden else argument
            named = NAMED.match(words) if "=" in words else None
            if named is None:
                counted += 1
                numbered[counted] = words.strip()
            elif named[1].isdecimal() and 0 < int(named[1]) < 100:
                numbered[int(named[1])] = words[named.end() :].strip()
            else:
                self.named[named[1].lower()] = words[named.end() :].strip()
        super().__init__(numbered.get(number, "") for number in range(1, max(numbered, default=0) + 1))

    def at(self, number: int) -> str:
        """The argument of this number (from 0), empty when there is none."""
        return self[number] if number < len(self) else ""

    def any_named(self, *names: str) -> str:
        """The first of these named arguments that is there and not empty."""
        return next((self.named[name] for name in names if self.named.get(name)), "")


def unnamed_kind(name: str, arguments: Arguments) -> str:
    """A template that begins with a number: a measure when a unit follows, a date when its name says so."""
    _, unit = amount(arguments)
    if unit in UNITS:
        return measure(arguments)
    if DATE_WORD.search(name) and arguments.at(1)[:1].isdecimal():
        return date(arguments)
    return ""


def first(arguments: Arguments) -> str:
    return arguments.at(0) or arguments.any_named("text")


def second(arguments: Arguments) -> str:
    return arguments.at(1) or arguments.any_named("text", "texte")


def last(arguments: Arguments) -> str:
    return arguments[-1] if arguments else ""


def joined(arguments: Arguments) -> str:
    return "".join(arguments)


def linked(arguments: Arguments) -> str:
    """Links to an article of another language: the label, else the target here, not the one there."""
    label = arguments.any_named("lt", "label", "trad", "text", "d")
    if label:
        return label
    if arguments.at(0) in LANGUAGE_CODES and len(arguments) > 1:
        return arguments.at(2) or arguments[1]
    if not arguments:
        return arguments.any_named("fr")
    return arguments[0] if arguments.at(1) in LANGUAGE_CODES else arguments.at(1) or arguments[0]


def glossed(arguments: Arguments) -> str:
    """`nihongo`: English, kanji, romaji as `English (kanji, romaji)`."""
    shown = arguments.at(0)
    gloss = ", ".join(part for part in arguments[1:3] if part)
    return f"{shown} ({gloss})".strip() if gloss else shown


def chinese(arguments: Arguments) -> str:
    """`zh`: the words in the scripts and spellings that are given by name, or the first ones."""
    words = dict.fromkeys(arguments.named.get(name, "") for name in ("c", "s", "t", "p", "w", "j", "poj"))
    return "; ".join(word for word in words if word) or arguments.at(0)


def amount(arguments: Arguments) -> tuple[str, str]:
    """The number or range that a measure begins with, as it was written, and its unit."""
    shown, at = [arguments.at(0)], 1
    while at + 1 < len(arguments) and arguments[at] in JOINERS:
        shown += [JOINERS[arguments[at]], arguments[at + 1]]
        at += 2
    return "".join(shown), arguments.at(at)


def measure(arguments: Arguments) -> str:
    """`convert`: the number or range and its unit."""
    return " ".join(amount(arguments)).strip()


def date(arguments: Arguments) -> str:
    """Year, month and day as ISO 8601 when they are numbers, in either order, else the words as given."""
    parts = [argument for argument in arguments[:3] if argument]
    if not all(part.isdecimal() for part in parts):
        return " ".join(parts)
    if len(parts) > 1 and len(parts[0]) < 3 <= len(parts[-1]):
        parts.reverse()
    return "-".join(part.zfill(2) if part.isascii() else part for part in parts)


def life(arguments: Arguments) -> str:
    """Chinese `bd`: year and day of birth, year and day of death."""
    born, died = "".join(arguments[:2]), "".join(arguments[2:4])
    return f"（{born}－{died}）" if died else f"（{born}－）"


def fraction(arguments: Arguments) -> str:
    if len(arguments) < 2:
        return f"1/{arguments.at(0)}"
    return f"{' '.join(arguments[:-2])} {arguments[-2]}/{arguments[-1]}".strip()


def power(arguments: Arguments) -> str:
    return f"×10^{arguments.at(0)}"


def about(arguments: Arguments) -> str:
    return f"c. {arguments.at(0)}"


def ship(arguments: Arguments) -> str:
    return f"{arguments.at(0)} {arguments.at(1)}".strip()


def country(arguments: Arguments) -> str:
    """A flag with a country's name; a code (`USA`) would not be what a reader sees."""
    name = arguments.at(0)
    return "" if len(name) <= 3 and name.isupper() else name


WAYS = {
    way.__name__: way
    for way in (
        *(first, second, last, joined, linked, glossed, chinese, measure, date, life, fraction, power, about),
        *(ship, country),
    )
}
"""What stays of a template of `NAMES`."""
