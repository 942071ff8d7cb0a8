"""What a test compares of files: their contents."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path

from factroots_dagster.store.contents import digest_table
from factroots_dagster.store.store import Store


def file_digests(folder: Path) -> dict[str, str]:
    """Relative path to SHA-256 of every file below a folder, hidden ones included."""
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def table_digests(folder: Path) -> dict[str, str]:
    """As `file_digests`, but of Parquet files that of their rows: the bytes that Java writes vary."""
    tables = {str(path.relative_to(folder)): digest_table([path]) for path in folder.rglob("*.parquet")}
    return file_digests(folder) | tables


def publish_changed(source: Store, target: Store, change: Callable[[Path], object], *partition: str) -> None:
    """Publish in a store what another one, or the same, has of a partition, after its files were changed."""
    version = source.version(*partition)
    origin = {name: version.manifest[name] for name in ("code_version", "upstream", "run_id")}
    with target.write_partition(*partition, **origin) as writer:
        shutil.copytree(version.folder, writer.folder, dirs_exist_ok=True)
        change(writer.folder)
