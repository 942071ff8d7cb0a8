"""Writing a part's rows as Parquet files whose names, order and bytes depend on the rows alone."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.spark.tasks import INCOMPLETE_SUFFIX
from factroots_dagster.tables import storage_schema

MAX_FILE_BYTES = 240 * 2**20
"""A file that has reached this size is closed and the next one begun."""


class PartWriter:
    """Writes `folder/part-<number>-<file>.parquet`; all files get their names together, on exit.

    Every table that is written becomes one row group. A context manager: on an error no file remains.
    Columns named in `dictionary_columns` hold few distinct strings; the tables have them as dictionaries,
    and so do the files (which must then hold no lists). Integer columns (unless in lists) are written as
    differences from row to row, other columns plain.
    """

    def __init__(
        self, folder: Path, number: int, schema: pa.Schema, dictionary_columns: Sequence[str] = ()
    ) -> None:
        self.folder, self.number, self.dictionary_columns = folder, number, dictionary_columns
        dictionary = pa.dictionary(pa.int32(), pa.string())
        self.schema = pa.schema(
            field.with_type(dictionary) if field.name in dictionary_columns else field
            for field in storage_schema(schema)
        )
        # A dictionary of values that hardly repeat is expensive and is abandoned half-way.
        self.options = {
            "use_dictionary": list(dictionary_columns),
            # Integers mostly grow from row to row.
            "column_encoding": {
                field.name: "DELTA_BINARY_PACKED" for field in schema if pa.types.is_integer(field.type)
            },
            # No reader filters by another column, and minimum and maximum strings take a third of the time.
            "write_statistics": ["page_id"],
            "compression": "zstd",
            # With the Arrow schema in the file, readers would get dictionaries instead of strings.
            "store_schema": not dictionary_columns,
        }
        self.incomplete: list[Path] = []
        self.writer: pq.ParquetWriter | None = None

    def write(self, table: pa.Table) -> None:
        """Write the rows of `table` as one row group, all of them into the same file."""
        if not table.num_rows:
            return
        if self.writer is None:
            # Two attempts at a task may run at the same time: each writes files of its own.
            self.incomplete.append(self.folder / f"_{uuid.uuid4().hex}{INCOMPLETE_SUFFIX}")
            self.writer = pq.ParquetWriter(self.incomplete[-1], self.schema, **self.options)
        # One chunk: the file must not depend on where the table's batches end.
        table = table.select(self.schema.names).combine_chunks()
        for name in self.dictionary_columns:
            column = drop_unused_values(table[name].combine_chunks())
            table = table.set_column(self.schema.get_field_index(name), name, column)
        self.writer.write_table(table.cast(self.schema), row_group_size=table.num_rows)
        if self.incomplete[-1].stat().st_size >= MAX_FILE_BYTES:
            self.close()

    def close(self) -> None:
        """Finish the file that is open; the next `write` begins another one."""
        if self.writer is not None:
            self.writer.close()
            self.writer = None

    def __enter__(self) -> PartWriter:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        self.close()
        for file, path in enumerate(self.incomplete):
            if error is None:
                path.replace(self.folder / f"part-{self.number:05d}-{file:03d}.parquet")
            else:
                path.unlink(missing_ok=True)


def drop_unused_values(column: pa.DictionaryArray) -> pa.DictionaryArray:
    """`column` without the values of its dictionary that no row has."""
    rows = column.indices.to_numpy()
    used = np.zeros(len(column.dictionary), dtype=bool)
    used[rows] = True
    new_index = (np.cumsum(used) - 1).astype(np.int32)
    return pa.DictionaryArray.from_arrays(new_index[rows], column.dictionary.filter(pa.array(used)))
