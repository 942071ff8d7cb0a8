"""Writing a part's rows as files whose names, order and bytes depend on the rows alone."""

from __future__ import annotations

import os
import uuid
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.storage.store import main_files
from factroots_dagster.wikipedia.tasks import WRITING

LARGEST_FILE = 128 * 2**20
"""After so many bytes a file is closed and the next one begun."""


class PartWriter:
    """Writes `folder/part-<number>-<file>.parquet`; the files take their names together, at the end.

    Every table that is written becomes one row group. A context manager: on an error nothing is left.
    Columns named in `repeated` hold few distinct values and are written as dictionaries, whole numbers
    (unless in lists) as differences from row to row, the rest as it is.
    """

    def __init__(self, folder: Path, number: int, schema: pa.Schema, repeated: Sequence[str] = ()) -> None:
        self.folder, self.number, self.schema = folder, number, schema
        # A dictionary of what hardly repeats costs much and is given up half-way.
        self.encodings = {"use_dictionary": list(repeated), "column_encoding": delta_encoding(schema)}
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
            self.writer = pq.ParquetWriter(
                self.written[-1], self.schema, compression="zstd", **self.encodings
            )
        # One piece: where batches end must not show in the file.
        whole = table.select(self.schema.names).cast(self.schema).combine_chunks()
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


def delta_encoding(schema: pa.Schema) -> dict[str, str]:
    """The encoding of the columns of whole numbers, which mostly grow from row to row."""
    return {field.name: "DELTA_BINARY_PACKED" for field in schema if pa.types.is_integer(field.type)}


def or_empty(folder: Path, schema: pa.Schema) -> None:
    """Make sure that `folder` holds a table: where no part has rows, an empty file is written."""
    if not main_files(folder):
        pq.write_table(schema.empty_table(), folder / "part-00000-000.parquet", compression="zstd")
