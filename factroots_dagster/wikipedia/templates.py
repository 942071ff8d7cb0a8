"""Templates in wikitext: most go, those that only mark up words or numbers leave these behind.

What is kept is kept because a reader sees it in the middle of a sentence: numbers (`formatnum`,
`convert`, dates), words in another language or script (`lang`, `nihongo`), names that link to an article
of another language. Everything else (infoboxes, notes, navigation) is dropped with all that is in it.
"""

from __future__ import annotations

import re
from collections.abc import Callable

BRACES = re.compile(r"\{\{+|\}\}+")
PLAIN_LINK = re.compile(r"\[\[(?:[^\[\]|\n]*\|)?([^\[\]|\n]*)\]\]")
NAMED = re.compile(r"\s*([^\s=<>\[\]][^=<>\[\]]{0,40}?)\s*=")

NESTING = 40
"""Depth beyond which nothing is kept; MediaWiki itself expands no deeper. It keeps the time linear."""

MARKUP = "[]{}'<>=*#:;|&_-!~"
"""Characters that mean something to the cleaner; inside `nowiki` they stand for themselves."""

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

SHIELD = {ord(character): 0xFDD0 + number for number, character in enumerate(MARKUP)}
UNSHIELD = {stand_in: character for character, stand_in in SHIELD.items()}


def shielded(text: str) -> str:
    """`text` with markup characters replaced by Unicode noncharacters, which no page may contain."""
    return text.translate(SHIELD)


def without_templates(text: str) -> str:
    """`text` with every closed `{{...}}` replaced by what stays of it; unclosed braces remain.

    Braces pair as in MediaWiki: a run of closing ones takes three (a parameter) or two (a template) at a
    time from the innermost open run.
    """
    stack: list[tuple[int, list[str]]] = []
    out: list[str] = []
    at = 0
    for run in BRACES.finditer(text):
        start, end = run.span()
        if at < start:
            out.append(text[at:start])
        at = end
        count = end - start
        if text[start] == "{":
            stack.append((count, out))
            out = []
            continue
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
        if count > 1 or (count and text[start - 1 : start] != "|"):
            out.append("}" * count)
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
    bar = head.find("|", 0, 80)
    name = head[: bar if bar >= 0 else 80].strip().lower().replace("_", " ")
    if name.startswith("formatnum:"):
        return "".join(pieces).partition(":")[2].partition("|")[0].strip()
    keep = KEPT.get(name)
    if keep is None:
        if not name.startswith("lang-") or bar < 0:
            return ""
        keep = first
    arguments = positional("".join(pieces)[bar + 1 :]) if bar >= 0 else []
    return keep(arguments) if arguments else ""


def positional(body: str) -> list[str]:
    """The unnamed and numbered arguments of a template, stripped, in order; gaps are empty."""
    if "[[" in body:
        body = PLAIN_LINK.sub(r"\1", body)
    numbered: dict[int, str] = {}
    counted = 0
    for argument in body.split("|"):
        named = NAMED.match(argument) if "=" in argument else None
        if named is None:
            counted += 1
            numbered[counted] = argument.strip()
        elif named[1].isdecimal() and 0 < int(named[1]) < 100:
            numbered[int(named[1])] = argument[named.end() :].strip()
    return [numbered.get(number, "") for number in range(1, max(numbered, default=0) + 1)]


def first(arguments: list[str]) -> str:
    return arguments[0]


def second(arguments: list[str]) -> str:
    return arguments[1] if len(arguments) > 1 else ""


def last(arguments: list[str]) -> str:
    return arguments[-1]


def label_or_target(arguments: list[str]) -> str:
    """Links to an article of another language: target, then perhaps the words shown."""
    return second(arguments) or arguments[0]


def glossed(arguments: list[str]) -> str:
    """`nihongo`: English, kanji, romaji as `English (kanji, romaji)`."""
    shown, *gloss = arguments[:3]
    gloss = [part for part in gloss if part]
    return f"{shown} ({', '.join(gloss)})".strip() if gloss else shown


def measure(arguments: list[str]) -> str:
    """`convert`: the number or range as it was written, and its unit."""
    shown, at = [arguments[0]], 1
    while at + 1 < len(arguments) and arguments[at] in JOINERS:
        shown += [JOINERS[arguments[at]], arguments[at + 1]]
        at += 2
    if at < len(arguments):
        shown += [" ", arguments[at]]
    return "".join(shown).strip()


def date(arguments: list[str]) -> str:
    """Year, month and day as ISO 8601 when they are numbers, else the words as they stand."""
    parts = [argument for argument in arguments[:3] if argument]
    if all(part.isdecimal() for part in parts):
        return "-".join(part.zfill(2) for part in parts)
    return " ".join(parts)


def fraction(arguments: list[str]) -> str:
    if len(arguments) == 1:
        return f"1/{arguments[0]}"
    return f"{' '.join(arguments[:-2])} {arguments[-2]}/{arguments[-1]}".strip()


def _kept() -> dict[str, Callable[[list[str]], str]]:
    names = {
        first: "nowrap nobr small smaller big larger unicode polytonic script abbr tooltip val num ruby sc "
        "smallcaps em strong mvar 仮リンク 임시링크 link-en link-de link-fr link-ja link-ru",
        second: "lang langx lang2 as-of",
        last: "transl transliteration tlit",
        label_or_target: "ill ill2 illm iw iw2 нп нп2 нп3 нп4 нп5",
        glossed: "nihongo nihongo2 nihongo3 読み仮名 読み仮名_ruby不使用",
        measure: "convert cvt",
        date: "date dts dob",
        fraction: "frac sfrac",
    }
    spaced = {
        label_or_target: ["interlanguage link", "не перекладено", "не переведено"],
        date: ["start date", "end date", "birth date", "death date", "release date", "birth date and age"],
    }
    table: dict[str, Callable[[list[str]], str]] = {}
    for keep, words in names.items():
        table |= {name.replace("_", " "): keep for name in words.split()}
    for keep, phrases in spaced.items():
        table |= dict.fromkeys(phrases, keep)
    return table


KEPT = _kept()
