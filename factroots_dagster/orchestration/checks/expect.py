"""Short forms of the Great Expectations expectations that several suites use.

Every expectation carries one line of words that says what it means; a failed check shows it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _expectations() -> Any:
    import great_expectations.expectations as expectations

    return expectations


def not_null(*columns: str) -> list[Any]:
    make = _expectations().ExpectColumnValuesToNotBeNull
    return [make(column=column, notes=f"{column} is never null") for column in columns]


def unique(*columns: str) -> list[Any]:
    """The columns together identify a row."""
    notes = f"no two rows have the same {' and '.join(columns)}"
    if len(columns) == 1:
        return [_expectations().ExpectColumnValuesToBeUnique(column=columns[0], notes=notes)]
    return [_expectations().ExpectCompoundColumnsToBeUnique(column_list=list(columns), notes=notes)]


def within(
    column: str, low: float | None = None, high: float | None = None, *, meaning: str = "", **more: Any
) -> list[Any]:
    notes = meaning or f"{column} is {_bounds(low, high)}"
    make = _expectations().ExpectColumnValuesToBeBetween
    return [make(column=column, min_value=low, max_value=high, notes=notes, **more)]


def zero(severity: str = "critical", **meanings: str) -> list[Any]:
    """Columns that count what is wrong, each with what it means that the count is 0."""
    return share_at_most(0, severity, **meanings)


def share_at_most(limit: float, severity: str = "warning", **meanings: str) -> list[Any]:
    """Columns that hold how much is unusual, each with what it means that this is within the limit."""
    return [
        expectation
        for column, meaning in meanings.items()
        for expectation in within(column, 0, limit, meaning=meaning, severity=severity)
    ]


def true(**meanings: str) -> list[Any]:
    """Columns that hold whether a rule is met in a row, each with the rule."""
    return [
        expectation
        for column, meaning in meanings.items()
        for expectation in among(column, [True], meaning=meaning)
    ]


def among(column: str, values: Iterable[Any], *, meaning: str = "", **more: Any) -> list[Any]:
    listed = list(values)
    notes = meaning or f"{column} is one of {', '.join(map(str, listed))}"
    return [_expectations().ExpectColumnValuesToBeInSet(column=column, value_set=listed, notes=notes, **more)]


def matching(column: str, pattern: str, meaning: str, **more: Any) -> list[Any]:
    make = _expectations().ExpectColumnValuesToMatchRegex
    return [make(column=column, regex=pattern, notes=meaning, **more)]


def rows(low: int, high: int | None = None, **more: Any) -> list[Any]:
    notes = f"the number of rows is {_bounds(low, high)}"
    make = _expectations().ExpectTableRowCountToBeBetween
    return [make(min_value=low, max_value=high, notes=notes, **more)]


def total(column: str, value: float, **more: Any) -> list[Any]:
    """The column adds up to exactly this."""
    make = _expectations().ExpectColumnSumToBeBetween
    notes = f"{column} adds up to {value:,}"
    return [make(column=column, min_value=value, max_value=value, notes=notes, **more)]


def distinct(column: str, count: int, **more: Any) -> list[Any]:
    make = _expectations().ExpectColumnUniqueValueCountToBeBetween
    notes = f"{column} has {count:,} different values"
    return [make(column=column, min_value=count, max_value=count, notes=notes, **more)]


def at_most(smaller: str, larger: str) -> list[Any]:
    """`smaller` never exceeds `larger`."""
    return [
        _expectations().ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=larger,
            column_B=smaller,
            or_equal=True,
            ignore_row_if="either_value_is_missing",
            notes=f"{smaller} is at most {larger}",
        )
    ]


def _bounds(low: float | None, high: float | None) -> str:
    if low is not None and low == high:
        return f"{low:,}"
    if high is None:
        return f"at least {low:,}"
    return f"at most {high:,}" if low is None else f"between {low:,} and {high:,}"
