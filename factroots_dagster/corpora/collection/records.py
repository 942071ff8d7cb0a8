"""The rows of one file of a corpus, as objects, with the place of each: Parquet and JSON lines."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.corpora.collection.choices import COLUMNS, OPTIONAL, Reading
from factroots_dagster.errors import InputError

BATCH_ROWS = 256
MAX_LINE_BYTES = 2**28
"""A longer line is no document."""

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

STREAM_COMPRESSIONS = {"gz": "gzip", "zst": "zstd", "none": None}
GET_AGAIN = "get the file again, or leave it out"

Record = tuple[int, int, Mapping[str, Any] | str]
"""Number of the row in its file, from 0; its size in bytes where it is known, else 0; its values by column,
or what is wrong with it."""


@dataclass(frozen=True)
class Shard:
    """One file of a corpus: a part of the work. path: local, or a URI. compression: as in WIKIPEDIA_DUMP."""

    number: int
    path: str
    file: str
    bytes: int
    compression: str

    @property
    def is_parquet(self) -> bool:
        """Whether it is a Parquet file and not JSON lines."""
        return self.path.endswith(".parquet")


class ShardReader:
    """The records of a local file.

    Iterating raises InputError when the file is missing, damaged or cut off.
    """

    def __init__(self, shard: Shard, reading: Reading) -> None:
        self.shard, self.reading = shard, reading

    def __iter__(self) -> Iterator[Record]:
        with damage_as_input_error(self.shard.path):
            yield from self._read_parquet() if self.shard.is_parquet else self._read_lines()

    def _read_parquet(self) -> Iterator[Record]:
        file, row = pq.ParquetFile(self.shard.path), 0
        names = check_schema(self.shard.path, file.schema_arrow, self.reading)
        for batch in file.iter_batches(BATCH_ROWS, columns=names):
            for values in rows_of(batch):
                yield row, 0, values
                row += 1

    def _read_lines(self) -> Iterator[Record]:
        with open(self.shard.path, "rb") as raw:
            stream: Any = raw
            if compression := STREAM_COMPRESSIONS[self.shard.compression]:
                stream = io.BufferedReader(pa.CompressedInputStream(raw, compression), 1 << 20)
            for row, line in enumerate(_lines(stream)):
                yield row, len(line), parse_line(line)


def check_header(shard: Shard, reading: Reading) -> None:
    """Raise InputError when the head of a local file shows that it cannot be read as `reading` says."""
    if not shard.bytes:
        raise InputError(f"{shard.path} is empty", GET_AGAIN)
    if shard.is_parquet:
        with damage_as_input_error(shard.path):
            schema = pq.read_schema(shard.path)
        check_schema(shard.path, schema, reading)
        return
    _, _, first = next(iter(ShardReader(shard, reading)), (0, 0, "it holds no line"))
    if isinstance(first, str):
        raise InputError(f"{shard.path}, line 1: {first}", "make it one JSON object per line")
    for column in required_columns(reading):
        if value_of(first, column, missing := object()) is missing:
            raise _missing_column(f"{shard.path}, line 1", column, list(first))


@contextmanager
def damage_as_input_error(path: str) -> Iterator[None]:
    """Raise an InputError where a file cannot be read to its end."""
    try:
        yield
    except (pa.ArrowException, OSError, EOFError) as error:
        if isinstance(error, FileNotFoundError):
            raise InputError(f"{path} no longer exists", "materialize wikipedia_dump again") from error
        raise InputError(f"{path}: damaged or cut off ({error!s:.300})", GET_AGAIN) from error


def check_schema(path: str, schema: pa.Schema, reading: Reading) -> list[str]:
    """The columns to read from a Parquet file of this schema. Raises InputError for one that it lacks."""
    names = []
    for column in columns_of(reading):
        name = column.removesuffix(OPTIONAL)
        if (type_ := _type_of(schema, name)) is None:
            if not column.endswith(OPTIONAL):
                raise _missing_column(path, name, schema.names)
        elif name == reading.text and not (pa.types.is_string(type_) or pa.types.is_large_string(type_)):
            raise InputError(
                f"{path}: column {name!r} holds {type_}, not text", "name another: text=<column>"
            )
        elif name == reading.weight.removesuffix(OPTIONAL) and not _is_number(type_):
            remedy = "name another: weight=<column>, or none: weight="
            raise InputError(f"{path}: column {name!r} holds {type_}, not whole numbers", remedy)
        else:
            names.append(name)
    return names


def columns_of(reading: Reading) -> list[str]:
    """The columns that are read, each once; those that need not exist end in `?`."""
    return list(dict.fromkeys(column for name in COLUMNS if (column := getattr(reading, name))))


def required_columns(reading: Reading) -> list[str]:
    """The columns that must exist."""
    return [column for column in columns_of(reading) if not column.endswith(OPTIONAL)]


def rows_of(batch: pa.RecordBatch) -> Iterable[Mapping[str, Any] | str]:
    """The rows of a batch as objects; in the place of one whose text is not UTF-8, a message."""
    try:
        rows: list[Mapping[str, Any]] = batch.to_pylist()
    except UnicodeDecodeError:
        for row in range(batch.num_rows):
            try:
                yield batch.slice(row, 1).to_pylist()[0]
            except UnicodeDecodeError as error:
                yield f"not UTF-8 ({error.reason})"
    else:
        yield from rows


def parse_line(line: bytes) -> Mapping[str, Any] | str:
    """A line of JSON as an object, or what is wrong with it."""
    if len(line) > MAX_LINE_BYTES:
        return f"longer than {MAX_LINE_BYTES:,} bytes"
    try:
        values = json.loads(line.removeprefix(BYTE_ORDER_MARK).strip())
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error!s:.100})"
    return values if isinstance(values, dict) else "not a JSON object"


def value_of(values: Mapping[str, Any], column: str, missing: Any = None) -> Any:
    """The value of a column; dots lead into nested objects."""
    if column in values:
        return values[column]
    outer, dot, inner = column.partition(".")
    nested = values.get(outer) if dot else None
    return value_of(nested, inner, missing) if isinstance(nested, Mapping) else missing


def _lines(stream: Any) -> Iterator[bytes]:
    """Lines that are not blank; one that is too long is cut off after MAX_LINE_BYTES + 1 bytes."""
    while line := stream.readline(MAX_LINE_BYTES + 1):
        rest = line
        while not rest.endswith(b"\n") and (rest := stream.readline(MAX_LINE_BYTES)):
            pass
        if line.strip():
            yield line


def _missing_column(where: str, column: str, present: Sequence[str]) -> InputError:
    problem = f"{where}: there is no column {column!r}; there are {', '.join(present[:20])}"
    option = "set the options of the corpus in FACTROOTS_CORPORA to its columns, as text=<column>"
    return InputError(problem, f"{option}; a column that need not exist ends in {OPTIONAL}")


def _type_of(schema: pa.Schema, column: str) -> pa.DataType | None:
    """The type of a column, also of one within a struct; None when there is none."""
    outer, _, inner = column.partition(".")
    for name, rest in ((column, ""), (outer, inner)):
        if (index := schema.get_field_index(name)) >= 0:
            type_ = schema.field(index).type
            if not rest:
                return type_
            if pa.types.is_struct(type_):
                return _type_of(pa.schema(list(type_)), rest)
    return None


def _is_number(type_: pa.DataType) -> bool:
    return bool(pa.types.is_integer(type_) or pa.types.is_floating(type_))
