"""Parser functions of MediaWiki whose value depends on their arguments alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from factroots_dagster.corpora.wikipedia.markup.arguments import split_arguments
from factroots_dagster.corpora.wikipedia.markup.expressions import evaluate, format_number, format_time
from factroots_dagster.corpora.wikipedia.markup.magic_words import DEFAULT, fold_name, magic_words

POINT_LANGUAGES = frozenset("en ja zh ko he th hi bn ta ur cy ga ms ceb ar fa la".split())  # noqa: SIM905
"""Languages that write a point before decimals and commas between thousands; others a comma and a point."""
GROUP_SPACE = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d)")
GROUP_POINT = re.compile(r"(?<=\d)\.(?=\d{3}(?!\d))")
NUMBER = re.compile(r"[-+]?\d+(?:\.\d+)?")


def call_function(function: str, body: str, language: str) -> str:
    """What a reader sees of a parser function (its English name), given what follows its colon."""
    arguments = [argument.strip() for argument in split_arguments(body)]
    if function == "#switch":
        return _switch(arguments, language)
    if function == "formatnum":
        return _parse_number(arguments[0], language) if "R" in arguments[1:] else arguments[0]
    return FUNCTIONS[function]([*arguments, "", "", "", ""])


def _parse_number(number: str, language: str) -> str:
    """A formatted number without what separates its thousands (`formatnum` with R)."""
    number = GROUP_SPACE.sub("", number)
    if language in POINT_LANGUAGES:
        return number.replace(",", "")
    return GROUP_POINT.sub("", number).replace(",", ".")


def _switch(arguments: list[str], language: str) -> str:
    default_names = magic_words(language, DEFAULT)
    value, is_found, default = arguments[0], False, ""
    for number, argument in enumerate(arguments[1:], 2):
        case, equals, result = (part.strip() for part in argument.partition("="))
        if not equals and number == len(arguments):
            return argument
        is_found = is_found or _is_equal(case, value)
        if equals and is_found:
            return result
        if equals and fold_name(case) in default_names:
            default = result
    return default


def _is_equal(a: str, b: str) -> bool:
    if NUMBER.fullmatch(a) and NUMBER.fullmatch(b):
        return float(a) == float(b)
    return a == b


def _plural(arguments: list[str]) -> str:
    number, one, other = arguments[:3]
    return one if number in ("1", "-1") or not other else other


FUNCTIONS: dict[str, Callable[[list[str]], str]] = {
    "lc": lambda arguments: arguments[0].lower(),
    "uc": lambda arguments: arguments[0].upper(),
    "lcfirst": lambda arguments: arguments[0][:1].lower() + arguments[0][1:],
    "ucfirst": lambda arguments: arguments[0][:1].upper() + arguments[0][1:],
    "plural": _plural,
    "#dateformat": lambda arguments: arguments[0],
    "#expr": lambda arguments: format_number(evaluate(arguments[0])),
    "#if": lambda arguments: arguments[1 if arguments[0] else 2],
    "#ifeq": lambda arguments: arguments[2 if _is_equal(arguments[0], arguments[1]) else 3],
    "#ifexpr": lambda arguments: arguments[1 if evaluate(arguments[0]) else 2],
    # Nothing that is kept of a template is an error, and whether a page exists does not change the words.
    "#iferror": lambda arguments: arguments[2] or arguments[0],
    "#ifexist": lambda arguments: arguments[1],
    "#time": lambda arguments: format_time(arguments[0], arguments[1]),
}
"""By English name, from the stripped arguments and empty ones behind them."""
