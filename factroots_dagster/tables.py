"""How tables are declared: Arrow schemas whose columns describe themselves, and columns of many tables.

And how the values of a column are numbered, and texts kept from being formulas in spreadsheets.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

DESCRIPTION = b"description"

# What begins a formula, or comes before one, in spreadsheets (OWASP, "CSV Injection"), and plain numbers. The
# report's page has the same two: `isFormula` in report/templates/explorer/list.js.
_FORMULA = r"^[=+\-@\t\r\n＝＋－＠]"
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def column(name: str, type_: pa.DataType, description: str, *, nullable: bool = True) -> pa.Field:
    """A column with its description: meaning, unit, and what null stands for."""
    return pa.field(name, type_, nullable=nullable, metadata={DESCRIPTION: description})


def _columns_of(type_: pa.DataType) -> Callable[[str, str], pa.Field]:
    return lambda name, description: column(name, type_, description)


string, boolean, float64 = _columns_of(pa.string()), _columns_of(pa.bool_()), _columns_of(pa.float64())
int32, int64, int32_list = _columns_of(pa.int32()), _columns_of(pa.int64()), _columns_of(pa.list_(pa.int32()))


def table(*columns: pa.Field, nullable: Collection[str] | None = None, note: str = "") -> pa.Schema:
    """A table's schema. nullable: the columns that can hold null; None for all. note: kept as metadata."""
    names = {field.name for field in columns}
    optional = names if nullable is None else set(nullable)
    if unknown := optional - names:
        raise KeyError(f"not columns of the table: {', '.join(sorted(unknown))}")
    fields = [field.with_nullable(field.name in optional) for field in columns]
    return pa.schema(fields, metadata={"note": note} if note else None)


UUID = string("uuid", "mLAMA's identifier of the fact, the same in every language")
LANGUAGE = string("language", "Code of the language, as in mLAMA")
ALL_LANGUAGES = string("language", "Code of the language; * for all languages together")
RELATION = string("relation", "Relation: a Wikidata property such as P36, or a name such as place_of_birth")
FACT_KEY = (UUID, LANGUAGE, RELATION)
"""Of tables with a row per fact and language, or several."""
LANGUAGE_PAIR = (
    string("language_a", "Code of the first language of the pair, alphabetically before the second"),
    string("language_b", "Code of the second language of the pair"),
)


def zip_columns(table: pa.Table, *names: str) -> Iterator[tuple[Any, ...]]:
    """The rows of some columns, as tuples of Python values."""
    return zip(*(table.column(name).to_pylist() for name in names), strict=True)


def encode(value: str) -> bytes:
    """A string as Arrow compares it. What a terminal gives may be no Unicode, and is then in no table."""
    return value.encode("utf-8", "surrogatepass")


def string_array(values: Iterable[str]) -> pa.Array:
    """Strings as an Arrow array; `pa.array` would import pandas, which takes longer than reading a table."""
    encoded = [encode(value) for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    return pa.StringArray.from_buffers(len(encoded), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded)))


def none_if_nan(value: float) -> float | None:
    """A number as tables hold it: null instead of NaN."""
    return None if np.isnan(value) else float(value)


def number_values(column: pa.Array | pa.ChunkedArray) -> tuple[pa.Array, NDArray[np.int64]]:
    """The distinct values of a column without nulls, ascending, and the number of each row's, [rows].

    As np.unique with return_inverse, but values are hashed and not sorted: an eighth of the time.
    """
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    encoded = column.dictionary_encode()
    order = pc.sort_indices(encoded.dictionary)
    rank = np.empty(len(order), dtype=np.int64)
    rank[order.to_numpy()] = np.arange(len(order))
    return encoded.dictionary.take(order), rank[encoded.indices.to_numpy()]


def unique_with_first_row(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct keys (none negative), ascending, and the first row of each: np.unique, but much faster."""
    bits = len(keys).bit_length()
    if not len(keys) or int(keys.max()).bit_length() + bits > 63:
        return np.unique(keys, return_index=True)
    # Key and row in one number: numbers are sorted several times as fast as rows by a key.
    both = np.sort((keys << bits) | np.arange(len(keys)))
    both = both[np.append(True, np.diff(both >> bits) != 0)]
    return both >> bits, both & ((1 << bits) - 1)


def is_among(values: NDArray[np.int64], ascending: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each value is one of some others: np.isin without sorting again. [values]"""
    if not len(ascending):
        return np.zeros(len(values), dtype=bool)
    found: NDArray[np.bool_] = np.take(ascending, np.searchsorted(ascending, values), mode="clip") == values
    return found


def description_of(field: pa.Field) -> str:
    """The description of a column; raises KeyError where it has none."""
    return bytes((field.metadata or {})[DESCRIPTION]).decode()


def storage_schema(schema: pa.Schema) -> pa.Schema:
    """The schema as it is written to disk: without descriptions, whose wording must not change a digest."""
    return pa.schema([_without_metadata(field) for field in schema], metadata=schema.metadata)


def _without_metadata(field: pa.Field) -> pa.Field:
    type_ = field.type
    if pa.types.is_struct(type_):
        type_ = pa.struct([_without_metadata(child) for child in type_])
    elif pa.types.is_list(type_):
        type_ = pa.list_(_without_metadata(type_.value_field))
    return pa.field(field.name, type_, nullable=field.nullable)


def escape_formulas(table: pa.Table) -> pa.Table:
    """A table for CSV that people open in spreadsheets: texts that would be formulas begin with a `'`.

    Numbers stay numbers, as texts, too.
    """
    for number, field in enumerate(table.schema):
        type_ = field.type.value_type if pa.types.is_dictionary(field.type) else field.type
        if not pa.types.is_string(type_) and not pa.types.is_large_string(type_):
            continue
        texts = table[number].cast(type_)
        is_formula = pc.and_not(
            pc.match_substring_regex(texts, _FORMULA), pc.match_substring_regex(texts, _NUMBER)
        )
        escaped = pc.binary_join_element_wise(pa.scalar("'", type_), texts, pa.scalar("", type_))
        table = table.set_column(number, field.name, pc.if_else(is_formula, escaped, texts))
    return table
