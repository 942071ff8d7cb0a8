"""The arguments of templates and parser functions."""

from __future__ import annotations

import re
from itertools import pairwise

NAMED_ARGUMENT = re.compile(r"\s*([^\s=<>\[\]][^=<>\[\]]{0,40}?)\s*=")
BRACKET_OR_BAR = re.compile(r"\[\[|\]\]|-\{|\}-|\|")
CLOSERS = {"]]": "[[", "}-": "-{"}


def split_arguments(body: str) -> list[str]:
    """`body` split at its bars, except those inside closed links and variants."""
    if "[[" not in body and "-{" not in body:
        return body.split("|")
    bars: list[int] = []
    # Of each open bracket, which it is and how many bars came before it.
    opened: list[tuple[str, int]] = []
    for token in BRACKET_OR_BAR.finditer(body):
        kind = token[0]
        if kind == "|":
            bars.append(token.start())
        elif kind not in CLOSERS:
            opened.append((kind, len(bars)))
        elif opened and opened[-1][0] == CLOSERS[kind]:
            del bars[opened.pop()[1] :]
    edges = [-1, *bars, len(body)]
    return [body[start + 1 : end] for start, end in pairwise(edges)]


class Arguments(list[str]):
    """A template's unnamed and numbered arguments, stripped, in order (gaps are empty); `named`: the rest."""

    def __init__(self, body: str) -> None:
        self.named: dict[str, str] = {}
        numbered: dict[int, str] = {}
        counted = 0
        for value in split_arguments(body):
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
