"""Arithmetic of MediaWiki's `#expr` and `#ifexpr`, and its `#time` for dates in ISO 8601."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

TOKEN = re.compile(
    r"\s*(?:(\d+(?:\.\d+)?|\.\d+)|(<>|!=|<=|>=|[-+*/^()=<>]|and\b|or\b|not\b|mod\b|div\b|round\b))"
)
MAX_LENGTH = 200
"""Characters of an expression; a longer one is not evaluated."""

MAX_POWER = 300
"""The largest exponent: beyond it numbers do not fit."""


def _power(base: float, exponent: float) -> float:
    if abs(exponent) > MAX_POWER:
        raise OverflowError
    result: float | complex = float(base) ** exponent
    if isinstance(result, complex):
        raise ValueError
    return result


BINARY: dict[str, tuple[int, Callable[[float, float], float]]] = {
    "^": (7, _power),
    "*": (6, operator.mul),
    "/": (6, operator.truediv),
    "div": (6, operator.truediv),
    "mod": (6, lambda a, b: int(a) % int(b)),
    "+": (5, operator.add),
    "-": (5, operator.sub),
    "round": (4, lambda a, b: round(a, int(b))),
    "=": (3, operator.eq),
    "<>": (3, operator.ne),
    "!=": (3, operator.ne),
    "<": (3, operator.lt),
    ">": (3, operator.gt),
    "<=": (3, operator.le),
    ">=": (3, operator.ge),
    "and": (2, lambda a, b: bool(a) and bool(b)),
    "or": (1, lambda a, b: bool(a) or bool(b)),
}
"""Operators by name: how closely they bind, and what they compute."""
UNARY: dict[str, Callable[[float], float]] = {"-": operator.neg, "+": operator.pos, "not": operator.not_}
UNARY_PRECEDENCE = 8

ISO_DATE = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?!\d)")


def evaluate(expression: str) -> float | None:
    """The value of an expression; None when it is not one, or empty."""
    if len(expression) > MAX_LENGTH:
        return None
    values: list[float] = []
    operators: list[tuple[int, Callable[..., float], int]] = []  # precedence, function, how many operands

    def reduce(precedence: int) -> None:
        while operators and operators[-1][0] >= precedence:
            _, function, count = operators.pop()
            operands = values[len(values) - count :]
            del values[len(values) - count :]
            values.append(function(*operands))

    position, wants_value = 0, True
    expression = expression.strip().lower().replace("−", "-")
    try:
        while position < len(expression):
            token = TOKEN.match(expression, position)
            if token is None:
                return None
            position, number, name = token.end(), token[1], token[2]
            if wants_value and number:
                values.append(float(number))
                wants_value = False
            elif wants_value and name in UNARY:
                operators.append((UNARY_PRECEDENCE, UNARY[name], 1))
            elif wants_value and name == "(":
                operators.append((0, operator.pos, 1))
            elif not wants_value and name == ")":
                reduce(1)
                operators.pop()
            elif not wants_value and name in BINARY:
                precedence, function = BINARY[name]
                reduce(precedence)
                operators.append((precedence, function, 2))
                wants_value = True
            else:
                return None
        if wants_value:
            return None
        reduce(1)
    except (ArithmeticError, ValueError, IndexError):
        return None
    return float(values[0]) if not operators else None


def format_number(value: float | None) -> str:
    """A value as MediaWiki shows it: without a fraction where it has none; empty for None."""
    return "" if value is None else f"{value:.14g}" if abs(value) < 1e15 else f"{value:.0f}"


def format_time(pattern: str, date: str) -> str:
    """A date in ISO 8601 by the letters Y, y, m, n, d and j of PHP; empty where other letters are needed."""
    match = ISO_DATE.match(date.strip())
    if match is None:
        return ""
    year, month, day = match.groups()
    letters = {"Y": year, "y": year[2:], "m": month.zfill(2), "n": month.lstrip("0")}
    letters |= {"d": day.zfill(2), "j": day.lstrip("0")}
    if any(letter.isalpha() and letter not in letters for letter in pattern):
        return ""
    return "".join(letters.get(letter, letter) for letter in pattern)
