"""What a reader sees of a template, written as a pattern of its arguments.

`{2}` is the second argument, `{u}` the argument named u, `{-1}` the last; `{u|2}` the first of these that is
not empty; `{c+s+t}` all of them, without repetitions, with semicolons; `{*, }` all unnamed arguments that are
not empty, with what follows the star between them. What stands in square brackets is shown when none of its
own arguments is empty, and so is the whole pattern: `{1}[ (m. {2}[–{3}])]`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from factroots_dagster.corpora.wikipedia.markup.arguments import Arguments

TOKEN = re.compile(r"\{([^{}]+)\}|([\[\]])|([^{}\[\]]+)")

Renderer = Callable[[Arguments], str]
"""What a reader sees of a template with these arguments."""

Value = Callable[[Arguments], str | None]
"""The text of a part of a pattern; None where an argument that it needs is empty."""


def compile_pattern(pattern: str) -> Renderer:
    """The renderer that `pattern` describes."""
    groups: list[list[Value]] = [[]]
    for field, bracket, literal in TOKEN.findall(pattern):
        if bracket == "[":
            groups.append([])
        elif bracket:
            group = groups.pop()
            groups[-1].append(_optional(group))
        elif field:
            groups[-1].append(_field(field))
        else:
            groups[-1].append(_literal(literal))
    (parts,) = groups
    return _optional(parts)


def _optional(parts: list[Value]) -> Renderer:
    join = _join(parts)
    return lambda arguments: join(arguments) or ""


def _literal(text: str) -> Renderer:
    return lambda arguments: text


def _join(parts: list[Value]) -> Value:
    def join(arguments: Arguments) -> str | None:
        texts = []
        for part in parts:
            text = part(arguments)
            if text is None:
                return None
            texts.append(text)
        return "".join(texts)

    return join


def _field(field: str) -> Value:
    if field[0] == "*":
        return lambda arguments: field[1:].join(filter(None, arguments)) or None
    alternatives = [[_argument(key) for key in keys.split("+")] for keys in field.split("|")]

    def value(arguments: Arguments) -> str | None:
        for keys in alternatives:
            found = dict.fromkeys(filter(None, (key(arguments) for key in keys)))
            if found:
                return "; ".join(found)
        return None

    return value


def _argument(key: str) -> Renderer:
    if key == "-1":
        return lambda arguments: arguments[-1] if arguments else ""
    if key.isdecimal():
        return lambda arguments: arguments.at(int(key) - 1)
    return lambda arguments: arguments.named.get(key, "")
