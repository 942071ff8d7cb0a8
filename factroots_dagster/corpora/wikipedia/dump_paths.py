"""Paths in a dump's table: relative for files inside the partition, absolute for others."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa


def make_relative(dump: pa.Table, folder: Path) -> pa.Table:
    """`dump` (WIKIPEDIA_DUMP) with paths relative to `folder` for the files inside it: it will be renamed."""
    return _map_paths(dump, lambda path: path.removeprefix(f"{folder}/"))


def make_absolute(dump: pa.Table, folder: Path) -> pa.Table:
    """`dump` (WIKIPEDIA_DUMP) with absolute paths only; `folder` is what relative ones are relative to."""
    return _map_paths(dump, lambda path: str(folder / path))


def remove_other_files(dump: pa.Table, folder: Path) -> None:
    """Delete the files in `folder` that are not in `dump`, such as those of an older snapshot."""
    for path in set(folder.iterdir()) - {Path(path) for path in dump["path"].to_pylist()}:
        path.unlink()


def _map_paths(dump: pa.Table, change: Callable[[str], str]) -> pa.Table:
    paths = pa.array([change(path) for path in dump["path"].to_pylist()], pa.string())
    return dump.set_column(dump.schema.get_field_index("path"), "path", paths)
