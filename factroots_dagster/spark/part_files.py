"""Writing a part's rows as files whose names, order and bytes depend on the rows alone."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.spark.tasks import WRITING
from factroots_dagster.store.store import main_files

LARGEST_FILE = 240 * 2**20
"""After so many bytes a file is closed and the next one begun."""


class PartWriter:
    """Writes `folder/part-<number>-<file>.parquet`; the files take their names together, at the end.

    Every table that is written becomes one row group. A context manager: on an error nothing is left.
    Columns named in `repeated` hold few distinct strings and come and are written as dictionaries (files
    with such columns must not hold lists), whole numbers (unless in lists) are written as differences from
    row to row, the rest as it is.
    """

    def __init__(self, folder: Path, number: int, schema: pa.Schema, repeated: Sequence[str] = ()) -> None:
        self.folder, self.number = folder, number
        coded = pa.dictionary(pa.int32(), pa.string())
        self.schema = pa.schema(
            [field.with_type(coded) if field.name in repeated else field for field in schema]
        )
        self.repeated = repeated
        # A dictionary of what hardly repeats costs much and is given up half-way.
        self.encodings = {
            "use_dictionary": list(repeated),
            "column_encoding": delta_encoding(schema),
            # Nobody seeks by another column, and least and largest strings cost a third of the writing.
            "write_statistics": ["page_id"],
        }
        self.written: list[Path] = []
        self.writer: pq.ParquetWriter | None = None
        self.rows = 0

    def write(self, table: pa.Table) -> None:
        """Write the rows of `table`, none of them in two files."""
        if not table.num_rows:
            return
        if self.writer is None:
            # A task may be tried twice at a time: each try writes files of its own.
            self.written.append(self.folder / f"_{uuid.uuid4().hex}{WRITING}")
            # Readers must not find dictionaries in place of strings.
            stored = not self.repeated
            self.writer = pq.ParquetWriter(
                self.written[-1], self.schema, compression="zstd", store_schema=stored, **self.encodings
            )
        # One piece: where batches end must not show in the file.
        whole = table.select(self.schema.names).combine_chunks()
        for name in self.repeated:
            place = self.schema.get_field_index(name)
            whole = whole.set_column(place, name, in_use(whole[name].combine_chunks()))
        whole = whole.cast(self.schema)
        self.writer.write_table(whole, row_group_size=table.num_rows)
        self.rows += table.num_rows
        if self.written[-1].stat().st_size >= LARGEST_FILE:
            self.close()

    def close(self) -> None:
        """End the file that is open."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
        for file, path in enumerate(self.written):
            if error is None:
                os.replace(path, self.folder / f"part-{self.number:05d}-{file:03d}.parquet")
            else:
                path.unlink(missing_ok=True)


def in_use(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """`column` without the values of its dictionary that no row has."""
    rows = column.indices.to_numpy()
    used = np.zeros(len(column.dictionary), dtype=bool)
    used[rows] = True
    number = (np.cumsum(used) - 1).astype(np.int32)
    return pa.DictionaryArray.from_arrays(number[rows], column.dictionary.filter(pa.array(used)))


def delta_encoding(schema: pa.Schema) -> dict[str, str]:
    """The encoding of the columns of whole numbers, which mostly grow from row to row."""
    return {field.name: "DELTA_BINARY_PACKED" for field in schema if pa.types.is_integer(field.type)}


def or_empty(folder: Path, schema: pa.Schema) -> None:
    """Make sure that `folder` holds a table: where no part has rows, an empty file is written."""
    if not main_files(folder):
        pq.write_table(schema.empty_table(), folder / "part-00000-000.parquet", compression="zstd")
