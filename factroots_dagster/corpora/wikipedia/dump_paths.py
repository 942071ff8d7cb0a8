"""Paths in a dump's table: files inside the partition are named relative to it, others in full."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pyarrow as pa


def make_relative(dump: pa.Table, folder: Path) -> pa.Table:
    """`dump` (WIKIPEDIA_DUMP) with the files below `folder` named from there: the folder will be moved."""
    return _map_paths(dump, lambda path: path.removeprefix(f"{folder}/"))


def make_absolute(dump: pa.Table, folder: Path) -> pa.Table:
    """`dump` (WIKIPEDIA_DUMP) with every file named in full; `folder` holds those that have a relative path."""
    return _map_paths(dump, lambda path: str(folder / path))


def remove_other_files(dump: pa.Table, folder: Path) -> None:
    """Delete the files of `folder` that `dump` does not name, such as those of an older snapshot."""
    for path in set(folder.iterdir()) - {Path(path) for path in dump["path"].to_pylist()}:
        path.unlink()


def _map_paths(dump: pa.Table, change: Callable[[str], str]) -> pa.Table:
    paths = pa.array([change(path) for path in dump["path"].to_pylist()], pa.string())
    return dump.set_column(dump.schema.get_field_index("path"), "path", paths)
