"""Short forms of the Great Expectations expectations that several suites use."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any


def _gxe() -> Any:
    import great_expectations.expectations as gxe

    return gxe


def not_null(*columns: str) -> list[Any]:
    return [_gxe().ExpectColumnValuesToNotBeNull(column=column) for column in columns]


def unique(*columns: str) -> list[Any]:
    """The columns together identify a row."""
    if len(columns) == 1:
        return [_gxe().ExpectColumnValuesToBeUnique(column=columns[0])]
    return [_gxe().ExpectCompoundColumnsToBeUnique(column_list=list(columns))]


def within(column: str, low: float | None = None, high: float | None = None, **more: Any) -> list[Any]:
    return [_gxe().ExpectColumnValuesToBeBetween(column=column, min_value=low, max_value=high, **more)]


def zero(*columns: str, **more: Any) -> list[Any]:
    """Every value is 0: for columns that count what is wrong."""
    return [expectation for column in columns for expectation in within(column, 0, 0, **more)]


def true(*columns: str, **more: Any) -> list[Any]:
    """Every value is true: for columns that hold a relation between others."""
    return [expectation for column in columns for expectation in among(column, [True], **more)]


def among(column: str, values: Iterable[Any], **more: Any) -> list[Any]:
    return [_gxe().ExpectColumnValuesToBeInSet(column=column, value_set=list(values), **more)]


def matching(column: str, pattern: str, **more: Any) -> list[Any]:
    return [_gxe().ExpectColumnValuesToMatchRegex(column=column, regex=pattern, **more)]


def rows(low: int, high: int | None = None, **more: Any) -> list[Any]:
    return [_gxe().ExpectTableRowCountToBeBetween(min_value=low, max_value=high, **more)]


def total(column: str, value: float, **more: Any) -> list[Any]:
    """The column adds up to exactly this."""
    return [_gxe().ExpectColumnSumToBeBetween(column=column, min_value=value, max_value=value, **more)]


def distinct(column: str, count: int, **more: Any) -> list[Any]:
    return [
        _gxe().ExpectColumnUniqueValueCountToBeBetween(
            column=column, min_value=count, max_value=count, **more
        )
    ]


def at_most(smaller: str, larger: str) -> list[Any]:
    """`smaller` never exceeds `larger`."""
    return [
        _gxe().ExpectColumnPairValuesAToBeGreaterThanB(
            column_A=larger, column_B=smaller, or_equal=True, ignore_row_if="either_value_is_missing"
        )
    ]
