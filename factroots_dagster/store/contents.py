"""The digest of what a table says: of its rows, not of the bytes of its files.

It does not depend on how many files and row groups hold the rows, in which encoding and compression, or which
program wrote them, so that a table that is the same stays the same for whatever is computed from it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

OF_PROGRAMS = (b"ARROW:", b"pandas", b"org.apache.", b"parquet.")
"""Beginnings of the names of metadata that programs write for themselves."""


def digest_table(paths: Sequence[Path]) -> str:
    """Hexadecimal digest of the rows of one table in Parquet files, in their order; of names and types of its
    columns, and of its own metadata. paths: at least one."""
    schema = pq.read_schema(paths[0])
    columns = [ColumnDigest(field.type) for field in schema]
    for path in paths:
        with pq.ParquetFile(path) as file:
            # What was in memory when it was written fits in memory.
            for group in range(file.num_row_groups):
                table = file.read_row_group(group).select(schema.names)
                for column, values in zip(columns, table.columns, strict=True):
                    for piece in values.chunks:
                        column.update(piece)
    metadata = sorted(
        (key.decode(), value.decode())
        for key, value in (schema.metadata or {}).items()
        if not key.startswith(OF_PROGRAMS)
    )
    content = [metadata, schema.names, [column.summary() for column in columns]]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


class ColumnDigest:
    """Digests of a column that comes in pieces, wherever they are cut: of the rows without a value, of the
    lengths of strings and lists, and of the values, one after the other."""

    def __init__(self, type_: pa.DataType) -> None:
        self._type = type_.value_type if pa.types.is_dictionary(type_) else type_
        self._rows = 0
        self._nulls, self._lengths, self._values = hashlib.sha256(), hashlib.sha256(), hashlib.sha256()
        self._names, self._children = _children_of(self._type)

    def update(self, values: pa.Array) -> None:
        """Add rows."""
        if pa.types.is_dictionary(values.type):
            values = values.dictionary_decode()
        if values.null_count:
            nulls = np.flatnonzero(values.is_null().to_numpy(zero_copy_only=False))
            self._nulls.update((self._rows + nulls).astype("<i8").tobytes())
        self._rows += len(values)
        if pa.types.is_struct(values.type):
            for child, fields in zip(self._children, values.flatten(), strict=True):
                child.update(fields)
        elif self._children:
            self._add_lengths(pc.list_value_length(values))
            self._children[0].update(values.flatten())
        elif not pa.types.is_null(values.type):
            # What is stored where there is no value is up to the program that wrote it.
            self._add_values(values.drop_null())

    def _add_lengths(self, lengths: pa.Array) -> None:
        self._lengths.update(pc.cast(lengths.drop_null(), pa.int64()).to_numpy().astype("<i8").tobytes())

    def _add_values(self, values: pa.Array) -> None:
        if pa.types.is_boolean(values.type):
            self._values.update(values.to_numpy(zero_copy_only=False).tobytes())
        elif _is_text(values.type):
            joined = values.cast(pa.large_binary())
            self._add_lengths(pc.binary_length(joined))
            if len(joined):
                _, offsets, data = joined.buffers()
                bounds = np.frombuffer(offsets, np.int64)[joined.offset :][[0, len(joined)]]
                self._values.update(memoryview(data or b"")[bounds[0] : bounds[1]])
        else:
            unsigned = {8: pa.uint8(), 16: pa.uint16(), 32: pa.uint32(), 64: pa.uint64()}
            self._values.update(values.view(unsigned[values.type.bit_width]).to_numpy().tobytes())

    def summary(self) -> list[Any]:
        """Type, number of rows and digests, of the parts of nested values too."""
        if self._children:
            kind = "struct" if self._names else "list"
        else:
            kind = "text" if _is_text(self._type) else str(self._type)
        return [
            kind,
            self._rows,
            *(digest.hexdigest() for digest in (self._nulls, self._lengths, self._values)),
            self._names,
            [child.summary() for child in self._children],
        ]


def _children_of(type_: pa.DataType) -> tuple[list[str], list[ColumnDigest]]:
    """The names of a struct's fields; digests of the parts of a struct or a list."""
    if pa.types.is_struct(type_):
        return [field.name for field in type_], [ColumnDigest(field.type) for field in type_]
    if pa.types.is_list(type_) or pa.types.is_large_list(type_):
        return [], [ColumnDigest(type_.value_type)]
    return [], []


def _is_text(type_: pa.DataType) -> bool:
    return type_ in (pa.string(), pa.large_string(), pa.binary(), pa.large_binary())
