"""Parquet files of one folder that hold a table: `data.parquet`, or `part-*.parquet` written by Spark.

Side tables are called `_<name>.parquet`: readers of a Parquet folder ignore names that begin with an
underscore.
"""

from __future__ import annotations

import errno
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import reduce
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.store.digests import MATERIALIZE_AGAIN, unreadable
from factroots_dagster.tables import encode, storage_schema, string_array

GROUP_ROWS = 1 << 13
"""Rows of a row group: what `find_rows` reads of a file for a row that it looks for."""


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file (zstd) in groups of GROUP_ROWS rows."""
    pq.write_table(table, path, compression="zstd", row_group_size=GROUP_ROWS)


def is_main_file(name: str) -> bool:
    """Whether a file of a partition, by its path in the folder, belongs to the main table."""
    return name.endswith(".parquet") and "/" not in name and not name.startswith(("_", "."))


def main_files(folder: Path) -> list[Path]:
    """The files of a folder's main table, sorted by name."""
    return sorted(path for path in folder.glob("*.parquet") if is_main_file(path.name))


def read_files(
    files: Sequence[Path],
    columns: Sequence[str] | None = None,
    where: pc.Expression | None = None,
    expected: pa.Schema | None = None,
) -> pa.Table:
    """The table that some files of one folder, at least one, hold.

    columns: the columns to read, all by default. where: a condition on the rows to read. expected: what the
    table is declared as.
    Raises InputError when a file is damaged, lacks a column or has one of another type.
    """
    names = list(columns) if columns else None
    with damage_as_input_error(files[0].parent):
        if where is None:
            return pa.concat_tables(_read_file(path, names, expected) for path in files)
        check_schema(files[0], names, expected)
        return pa.concat_tables(
            pq.read_table(path, columns=names, filters=where, partitioning=None) for path in files
        )


def _read_file(path: Path, columns: Sequence[str] | None, expected: pa.Schema | None) -> pa.Table:
    """One whole file; `pq.read_table` would import Arrow's datasets, and with them pandas, for that."""
    with _open(path, [], columns, expected) as file:
        return file.read(columns)


@contextmanager
def _open(
    path: Path, dictionaries: Sequence[str], columns: Sequence[str] | None, expected: pa.Schema | None
) -> Iterator[pq.ParquetFile]:
    """A file whose schema is that of `check_schema`. dictionaries: columns that are read as such."""
    with damage_as_input_error(path.parent):
        try:
            opened = pq.ParquetFile(path, read_dictionary=dictionaries)
        except KeyError:  # it has no such column
            check_schema(path, columns, expected)
            raise
        with opened as file:
            _compare_schema(path, file.schema_arrow, columns, expected)
            yield file


def read_distinct(files: Sequence[Path], column: str, expected: pa.Schema | None = None) -> pa.Array:
    """The distinct values of a column of strings, from files of one folder, which are not read row by row.

    expected: what the table is declared as. Raises InputError as `read_files`.
    """
    chunks = []
    for path in files:
        with _open(path, [column], [column], expected) as file:
            chunks += [chunk.dictionary for chunk in file.read([column])[column].chunks]
    return pa.chunked_array(chunks, pa.string()).unique()


def find_rows(
    files: Sequence[Path],
    values: Mapping[str, Collection[str]],
    columns: Sequence[str],
    expected: pa.Schema | None = None,
) -> pa.Table:
    """The rows that hold one of some strings in each of some columns, from files of one folder.

    values: the strings by column. columns: the columns to read, which happens only in row groups that have
    such rows. expected: what the table is declared as. Raises InputError as `read_files`.
    """
    tables = []
    for path in files:
        with _open(path, list(values), [*values, *columns], expected) as file:
            tables.append(file.read_row_groups([], list(columns)))
            for group in range(file.num_row_groups):
                if not _may_hold(file.metadata.row_group(group), values):
                    continue
                rows = _find_in_group(file.read_row_group(group, list(values)), values)
                if len(rows):
                    tables.append(file.read_row_group(group, list(columns)).take(rows))
    return pa.concat_tables(tables)


def _may_hold(group: pq.RowGroupMetaData, values: Mapping[str, Collection[str]]) -> bool:
    """Whether the least and greatest value of a row group leave room for one of `values` in each column."""
    for number in range(group.num_columns):
        column = group.column(number)
        limits = column.statistics
        if column.path_in_schema in values and limits is not None and limits.has_min_max:
            # compared as Parquet does, by UTF-8
            least, greatest = limits.min.encode(), limits.max.encode()
            if not any(least <= encode(value) <= greatest for value in values[column.path_in_schema]):
                return False
    return True


def _find_in_group(table: pa.Table, values: Mapping[str, Collection[str]]) -> pa.Array:
    """The numbers of the rows that hold one of `values` in each column. table: of dictionary columns."""
    masks = []
    for name, choice in values.items():
        column = table[name].unify_dictionaries().combine_chunks()
        masks.append(pc.is_in(column.dictionary, string_array(choice)).take(column.indices))
    return pc.indices_nonzero(reduce(pc.and_, masks))


def check_schema(path: Path, columns: Sequence[str] | None, expected: pa.Schema | None) -> None:
    """Raise InputError where a file is damaged, lacks a column, or has one of another type than is declared.

    columns: those that are to be read; all that are declared by default.
    """
    if columns is not None or expected is not None:
        with damage_as_input_error(path.parent):
            schema = pq.read_schema(path)
        _compare_schema(path, schema, columns, expected)


def _compare_schema(
    path: Path, schema: pa.Schema, columns: Sequence[str] | None, expected: pa.Schema | None
) -> None:
    """As `check_schema`, of a file whose schema has been read."""
    declared = storage_schema(expected) if expected is not None else pa.schema([])
    names = declared.names if columns is None else columns
    faults = [f"has no column {name}" for name in names if name not in schema.names]
    faults += [
        f"has {name} as {schema.field(name).type}, not {declared.field(name).type}"
        for name in names
        if name in schema.names
        and name in declared.names
        and _kind(schema.field(name).type) != _kind(declared.field(name).type)
    ]
    if faults:
        problem = f"{path}: written by another version of factroots: it {', '.join(faults)}"
        raise InputError(problem, MATERIALIZE_AGAIN)


def _kind(type_: pa.DataType) -> object:
    """A type without what writers choose: dictionaries, sizes of offsets, names of items, nullability."""
    if pa.types.is_dictionary(type_):
        return _kind(type_.value_type)
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return ["list", _kind(type_.value_type)]
    if pa.types.is_struct(type_):
        return ["struct", *([field.name, _kind(field.type)] for field in type_)]
    return str(type_).removeprefix("large_")


def read_batches(files: Iterable[Path], rows: int = 4096) -> Iterator[pa.Table]:
    """The table that some files hold, `rows` rows at a time, for tables that may not fit in memory.

    Raises InputError when a file is damaged.
    """
    for path in files:
        with damage_as_input_error(path.parent):
            batches = pq.ParquetFile(path).iter_batches(batch_size=rows)
            yield from (pa.Table.from_batches([batch]) for batch in batches)


@contextmanager
def damage_as_input_error(folder: Path) -> Iterator[None]:
    """Raise an InputError for data that cannot be read any more."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (None, errno.ENOENT):
            raise unreadable(folder, error) from error
        raise InputError(f"{folder}: damaged ({error})", MATERIALIZE_AGAIN) from error
