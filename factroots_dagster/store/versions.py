"""Versions of a partition: files that nothing changes any more, and the manifest that points to one of them.

    <world>/<asset>/<keys>/_manifest.json    the pointer: which version counts, its files with their SHA-256
                          /v/<version>/      the files of a version
                          /w/<draft>/        the files of a version that is being written
                          /current           a symbolic link to the version that counts, for people

A reader reads the manifest once and then only files of that version. Older releases wrote the files beside
the manifest, which had no `format`: such a partition is read as its own version until it is written again.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.atomic import retry_stale
from factroots_dagster.store.digests import MATERIALIZE_AGAIN, check_files
from factroots_dagster.store.parquet import (
    check_schema,
    find_rows,
    is_main_file,
    read_batches,
    read_distinct,
    read_files,
)

MANIFEST = "_manifest.json"
VERSIONS, DRAFTS, CURRENT = "v", "w", "current"
FORMAT = 2
"""Of manifests. Format 1, of the releases before versions, had no such field."""

GONE = (errno.ENOENT, errno.ENOTDIR, errno.ESTALE)
"""What is said of a file that was removed; the last one by NFS, where another machine has removed it."""

LONGEST_KEY = 2
"""The most keys that a partition has."""

Schemas = Mapping[str, pa.Schema]
"""What the tables of an asset are declared as, by the name of the side table; "" is the main table."""


class NoManifestError(InputError):
    """A partition has no manifest, or one that is damaged: it does not say which version counts."""


class VersionSource(Protocol):
    """Where the files of versions come from whose folder is a cache (see `remote`)."""

    def download(self, version: PartitionVersion, names: Collection[str]) -> None:
        """Have the version's folder hold these files, whole. Raises InputError where that cannot be."""

    def still_counts(self, version: PartitionVersion) -> bool:
        """Whether the version is still the one that its partition's manifest points to."""


@dataclass(frozen=True)
class PartitionVersion:
    """One version of a partition; table and side tables that are read from it belong together.

    partition: the partition's folder. folder: that of the version's files. manifest: what it says of itself.
    schemas: what its tables are declared as. source: where its files come from; None where they are there.
    """

    partition: Path
    folder: Path
    manifest: Mapping[str, Any]
    schemas: Schemas
    source: VersionSource | None = None

    @property
    def name(self) -> str:
        """The partition as `<asset>/<keys>`."""
        return "/".join((self.manifest["asset"], *self.manifest["partition"]))

    @property
    def rows(self) -> int | None:
        """Number of rows of the main table; None without one."""
        return None if self.manifest["rows"] is None else int(self.manifest["rows"])

    @property
    def bytes(self) -> int:
        """Size of all files."""
        return int(self.manifest["bytes"])

    @property
    def digest(self) -> str:
        """Digest of the rows of all tables and the bytes of other files: the partition's data version."""
        return str(self.manifest["digest"])

    @property
    def inputs(self) -> Mapping[str, str]:
        """The digests of the partitions that it was computed from, by `<asset>/<keys>`."""
        inputs: Mapping[str, str] = self.manifest["inputs"]
        return inputs

    @property
    def run_id(self) -> str | None:
        """The run that wrote it; None when no run did."""
        run_id: str | None = self.manifest.get("run_id")
        return run_id

    @property
    def files(self) -> Mapping[str, str]:
        """The SHA-256 of every file, by its path in the folder."""
        files: Mapping[str, str] = self.manifest["files"]
        return files

    def has(self, file: str) -> bool:
        """Whether the version has a file, by its path in the folder."""
        return file in self.files

    def file(self, file: str) -> Path:
        """The path of one file. Raises InputError when there is none, or it is damaged."""
        self._check([file])
        return self.folder / file

    def have_below(self, folder: str) -> Path:
        """The path of a folder in the version, whose files are not compared with their SHA-256 if they are
        on this disk already: whoever reads them has a check of their own."""
        path = self.folder / folder
        if self.source is not None:
            below = [name for name in self.files if name.startswith(f"{folder}/")]
            self.source.download(self, [name for name in below if not (self.folder / name).is_file()])
        return path

    def checked_folder(self) -> Path:
        """The folder, for what reads files by path.

        Raises InputError when a file is damaged or was added, or a table is of another schema.
        """
        self._check(self.files)
        if added := {path.name for path in self.folder.glob("*.parquet")} - self.files.keys():
            problem = f"{self.folder}: {', '.join(sorted(added))} was added to it"
            raise InputError(problem, f"move it away, or {MATERIALIZE_AGAIN}")
        for table, schema in self.schemas.items():
            for name in [side_file(table)] if table else self._main_files()[:1]:
                if self.has(name):
                    check_schema(self.folder / name, None, schema)
        return self.folder

    def main_files(self) -> list[Path]:
        """The files of the main table, sorted by name. Raises InputError when one is missing or damaged."""
        if not (names := self._main_files()):
            raise InputError(f"{self.partition}: its table is missing", MATERIALIZE_AGAIN)
        self._check(names)
        return [self.folder / name for name in names]

    def read(self, columns: Sequence[str] | None = None, where: pc.Expression | None = None) -> pa.Table:
        """The main table. Raises InputError when it is missing, damaged or of another schema.

        columns: the columns to read, all by default. where: a condition on the rows to read.
        """
        with self._told_if_replaced():
            return read_files(self.main_files(), columns, where, self.schemas.get(""))

    def find_rows(self, values: Mapping[str, Collection[str]], columns: Sequence[str]) -> pa.Table:
        """The rows of the main table that hold one of some strings in each of some columns.

        values: the strings by column. columns: the columns to read. Raises InputError as `read`.
        """
        with self._told_if_replaced():
            return find_rows(self.main_files(), values, columns, self.schemas.get(""))

    def read_distinct(self, column: str) -> pa.Array:
        """The distinct values of a column of strings of the main table. Raises InputError as `read`."""
        with self._told_if_replaced():
            return read_distinct(self.main_files(), column, self.schemas.get(""))

    def read_batches(self, rows: int = 4096) -> Iterator[pa.Table]:
        """As `read`, `rows` rows at a time, for tables that may not fit in memory."""
        with self._told_if_replaced():
            files = self.main_files()
            check_schema(files[0], None, self.schemas.get(""))
            yield from read_batches(files, rows)

    def read_side(self, name: str) -> pa.Table:
        """The side table `name`. Raises InputError when it is missing, damaged or of another schema."""
        with self._told_if_replaced():
            return read_files([self.file(side_file(name))], expected=self.schemas.get(name))

    def has_side(self, name: str) -> bool:
        """Whether it has the side table `name`."""
        return self.has(side_file(name))

    def _main_files(self) -> list[str]:
        return sorted(name for name in self.files if is_main_file(name))

    def _check(self, names: Collection[str]) -> None:
        if missing := [name for name in names if not self.has(name)]:
            raise InputError(f"{self.partition}: {', '.join(missing)} is missing", MATERIALIZE_AGAIN)
        with self._told_if_replaced():
            if self.source is not None:
                self.source.download(self, names)
            check_files(self.folder, {name: self.files[name] for name in names})

    @contextmanager
    def _told_if_replaced(self) -> Iterator[None]:
        """Raise UnavailableError where the files may be gone because the version counts no more."""
        try:
            yield
        except UnavailableError:
            raise
        except InputError as error:
            if self._still_counts():
                raise
            problem = f"{self.name} was written anew and its old version removed while this read it"
            raise UnavailableError(problem, "run this again") from error

    def _still_counts(self) -> bool:
        if self.source is not None:
            return self.source.still_counts(self)
        try:
            return pointed_folder(self.partition) == self.folder
        except InputError:
            return True


def side_file(name: str) -> str:
    """The file of a side table."""
    return f"_{name}.parquet"


def read_version(partition: Path, parts: Sequence[str], schemas: Schemas | None = None) -> PartitionVersion:
    """The version that a partition's manifest points to. parts: the partition's keys.

    Raises InputError when the manifest is missing, damaged, of a newer format, or another partition's.
    """
    manifest = load_manifest(partition)
    check_format(partition, manifest)
    check_owner(partition, manifest, parts)
    return PartitionVersion(partition, version_folder(partition, manifest), manifest, schemas or {})


def load_manifest(partition: Path) -> Mapping[str, Any]:
    """A partition's manifest, of whatever format.

    Raises NoManifestError where it is missing or damaged, and InputError where the disk does not give it: it
    may then be whole.
    """
    path = partition / MANIFEST
    try:
        return retry_stale(partial(_load, path))
    except FileNotFoundError:
        raise NoManifestError(f"{partition}: its {MANIFEST} is missing", MATERIALIZE_AGAIN) from None
    except OSError as error:
        problem = f"{partition}: its {MANIFEST} cannot be read ({error.strerror})"
        raise InputError(problem, "check its permissions and the disk") from error
    except (ValueError, RecursionError):
        raise NoManifestError(f"{partition}: its {MANIFEST} is damaged", MATERIALIZE_AGAIN) from None


def version_folder(partition: Path, manifest: Mapping[str, Any]) -> Path:
    """The folder of the version that a manifest points to."""
    name = manifest.get("version")
    return partition if name is None else partition / VERSIONS / name


def check_format(partition: Path | str, manifest: Mapping[str, Any]) -> None:
    """Raise InputError for a manifest that a newer release has written."""
    if (found := manifest.get("format", 1)) > FORMAT:
        problem = f"{partition}: its {MANIFEST} has format {found}, and this release reads up to {FORMAT}"
        raise InputError(problem, "upgrade factroots-dagster, or set FACTROOTS_DATA_ROOT to another place")


def check_owner(partition: Path | str, manifest: Mapping[str, Any], parts: Sequence[str]) -> None:
    """Raise InputError where keys that differ in case lead to one folder. parts: the partition's keys."""
    if manifest["partition"] != list(parts):
        owner = "/".join((manifest["asset"], *manifest["partition"]))
        problem = f"{partition} holds {owner}: this disk does not tell capitals from small letters"
        raise InputError(problem, "use keys that differ in more than case")


def pointed_folder(partition: Path) -> Path:
    """The folder of the version that counts. Raises InputError when the manifest cannot be read."""
    manifest = load_manifest(partition)
    check_format(partition, manifest)
    return version_folder(partition, manifest)


def find_partitions(root: Path) -> Iterator[Path]:
    """The folders of all partitions of a world, and of those with drafts alone. root: the world's folder."""
    for asset in visible_folders(root):
        yield from _find_below(asset, LONGEST_KEY)


def _find_below(folder: Path, depth: int) -> Iterator[Path]:
    if (folder / MANIFEST).is_file() or any(visible_folders(folder / DRAFTS)):
        yield folder
    elif depth:
        for child in visible_folders(folder):
            yield from _find_below(child, depth - 1)


def visible_folders(folder: Path) -> list[Path]:
    """The sub-folders whose names begin with neither `.` nor `_`, sorted; none where `folder` is none."""
    try:
        paths = list(folder.iterdir())
    except OSError as error:
        if error.errno in GONE:  # perhaps by a writer a moment ago
            return []
        raise
    return sorted(path for path in paths if path.is_dir() and not path.name.startswith((".", "_")))


def _load(path: Path) -> Mapping[str, Any]:
    with path.open("rb") as file:  # NFS asks its server for what is new when a file is opened
        stat = os.fstat(file.fileno())
    return _parse_manifest(path, stat.st_ino, stat.st_size, (stat.st_mtime_ns, stat.st_ctime_ns))


@lru_cache(maxsize=50_000)
def _parse_manifest(path: Path, inode: int, size: int, times: tuple[int, int]) -> dict[str, Any]:
    """A manifest, parsed once: deciding what is stale reads those of all partitions."""
    return parse_manifest(path.read_bytes())


def parse_manifest(content: bytes) -> dict[str, Any]:
    """A manifest, of whatever format. Raises ValueError when it is damaged."""
    manifest = json.loads(content)
    if not isinstance(manifest, dict) or type(manifest.get("format", 1)) is not int:
        raise ValueError
    if manifest.get("format", 1) > FORMAT:
        return manifest
    if not manifest.keys() >= {"asset", "partition", "digest", "rows", "bytes", "inputs", "files"}:
        raise ValueError
    has_checksum = "format" in manifest or "version" in manifest
    if has_checksum and manifest.get("checksum") != manifest_checksum(manifest):
        raise ValueError
    if not all(_stays_below(name) for name in (manifest.get("version", "-"), *manifest["files"])):
        raise ValueError
    return manifest


def _stays_below(name: object) -> bool:
    """Whether a name leads to a place below the folder that it is added to: others may write manifests."""
    if not isinstance(name, str) or "\\" in name or "\0" in name:
        return False
    return all(part not in ("", ".", "..") for part in name.split("/"))


def manifest_checksum(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of what a manifest says, but for its own checksum."""
    content = {name: value for name, value in manifest.items() if name != "checksum"}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
