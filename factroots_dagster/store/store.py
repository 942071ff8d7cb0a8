"""The data layout: `<data root>/<world>/<asset>/[<checkpoint>/][<language>/]`, one folder per partition.

A partition holds a main table (see `parquet`), side tables and other files, in versions of which its manifest
points to one (see `versions`): with the SHA-256 of every file, the digest of the content (see `contents`),
and that of every partition that it was computed from. Everything is written by `Store.write_partition`, so
that a partition on disk is complete or absent.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.store.contents import digest_table
from factroots_dagster.store.digests import digest_files
from factroots_dagster.store.parquet import main_files, write_table
from factroots_dagster.store.publish import open_draft, publish
from factroots_dagster.store.remote import remote_world
from factroots_dagster.store.sweep import KEEP_DRAFT_SECONDS, KEEP_SECONDS, Swept, sweep_world
from factroots_dagster.store.upkeep import remove_abandoned_downloads, sweep_remote, verify_remote
from factroots_dagster.store.verify import Verified, verify_world
from factroots_dagster.store.versions import (
    CURRENT,
    MANIFEST,
    PartitionVersion,
    Schemas,
    read_version,
    side_file,
    visible_folders,
)
from factroots_dagster.tables import storage_schema

_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def _is_safe(name: str) -> bool:
    return bool(_SAFE_NAME.fullmatch(name)) and ".." not in name and len(name) <= 120


def check_name(name: str, what: str = "partition key") -> str:
    """Return `name` if it is safe as a folder name and partition key; raises InputError."""
    if not _is_safe(name):
        raise InputError(
            f"{what} {name!r:.80} is not allowed",
            "use letters, digits, '.', '_' and '-' only, begin with a letter or digit, no '..', "
            "at most 120 characters",
        )
    return name


@contextmanager
def _disk_errors_as_input_errors(root: Path) -> Iterator[None]:
    """Raise an InputError when the disk is full or cannot be written, whichever library wrote to it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) or (explained := _explain_disk_error(error, root)) is None:
            raise
        message, remedy = explained
        raise InputError(f"{root}: {message}; the partition is as it was before", remedy) from error


_MAKE_WRITABLE = "free space, for which there is factroots gc, or make the folder writable, and run again"
_CHECK_DISK = "check the disk, or the file server, and run again"
_DISK_ERRORS = {
    errno.ENOSPC: ("no space left on device", _MAKE_WRITABLE),
    errno.EDQUOT: ("disk quota exceeded", _MAKE_WRITABLE),
    errno.EROFS: ("read-only file system", _MAKE_WRITABLE),
    errno.EIO: ("input/output error", _CHECK_DISK),
    errno.ESTALE: ("stale file handle", _CHECK_DISK),
}


def _explain_disk_error(error: Exception, root: Path) -> tuple[str, str] | None:
    """What is wrong with the disk under `root`, and the remedy; None when the error has another cause."""
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.EACCES and root.parent in Path(str(error.filename)).parents:
            return "permission denied", _MAKE_WRITABLE
        return _DISK_ERRORS.get(error.errno)
    # The exceptions of safetensors and of Spark's workers carry the message, but no errno.
    text = str(error).lower()
    return next((explained for explained in _DISK_ERRORS.values() if explained[0] in text), None)


@dataclass
class PartitionWriter:
    """A partition while it is written: its draft's folder, and the inputs that were read for it."""

    folder: Path
    inputs: dict[str, str] = field(default_factory=dict)

    def record_input(self, version: PartitionVersion) -> None:
        """Record in the manifest a partition that is read."""
        self.inputs[version.name] = version.digest

    def write(self, table: pa.Table, schema: pa.Schema, side: str | None = None) -> None:
        """Write the main table, or the side table called `side`, cast to its declared schema."""
        write_table(table.select(schema.names).cast(storage_schema(schema)), self._path(side))

    @contextmanager
    def stream(self, schema: pa.Schema, side: str | None = None) -> Iterator[Callable[[pa.Table], None]]:
        """Yield a function that appends rows to the main or a side table that may not fit in memory."""
        stored = storage_schema(schema)
        with pq.ParquetWriter(self._path(side), stored, compression="zstd") as writer:
            yield lambda table: writer.write_table(table.select(schema.names).cast(stored))

    def _path(self, side: str | None) -> Path:
        return self.folder / (side_file(side) if side else "data.parquet")


class Store:
    """Reads and writes the partitions of one world.

    Methods that name a partition take its asset and its keys in the order of the folders: `()`,
    `(language,)`, `(checkpoint,)` or `(checkpoint, language)`. Each call reads the version of a partition
    that counts at that moment; what belongs together is read from one `version`, or through one `view`.

    data_root: a folder. Where it is the cache of an object store (`objects.cache_folder`), that is where
    partitions are read and written, and every method also raises InputError where the store refuses a
    request, and UnavailableError where it does not answer.
    """

    def __init__(self, data_root: Path | str, world: str) -> None:
        self._remote = remote_world(Path(data_root) / check_name(world, "world"))
        self.root = Path(data_root).resolve() / world
        self._schemas: Mapping[str, Schemas] = {}
        self._seen: dict[tuple[str, ...], PartitionVersion] | None = None

    def view(self, schemas: Mapping[str, Schemas] | None = None) -> Store:
        """The store as one reader sees it: of each partition always the version that it asked for first.

        schemas: what the tables of assets are declared as; those of another schema are then refused.
        """
        view = copy(self)
        view._schemas, view._seen = self._schemas if schemas is None else schemas, {}
        return view

    def snapshot(self) -> Store:
        """The store as of now, for looking at many partitions: in an object store assets are listed once."""
        if self._remote is None:
            return self
        snapshot = copy(self)
        snapshot._remote = self._remote.snapshot()
        return snapshot

    @property
    def location(self) -> str:
        """The world's folder or URI, for people."""
        return str(self.root) if self._remote is None else self._remote.uri

    def is_empty(self) -> bool:
        """Whether there is nothing where the partitions of the world would be."""
        return not self.root.is_dir() if self._remote is None else not self._remote.pointers.folders(())

    def path(self, asset: str, *parts: str) -> Path:
        """The folder of a partition, whether or not it exists; raises InputError for an unsafe key.

        It holds the manifest and the versions, whose files are read: see `require` and `shown_folder`.
        """
        return self.root.joinpath(asset, *(check_name(part) for part in parts))

    def exists(self, asset: str, *parts: str) -> bool:
        """Whether a partition is there."""
        path = self.path(asset, *parts)
        if self._remote is not None:
            return self._remote.pointers.find((asset, *parts)) is not None
        return (path / MANIFEST).is_file()

    def version(self, asset: str, *parts: str) -> PartitionVersion:
        """The version of a partition that counts now; in a view, the one that did when it was asked first.

        Raises InputError when the partition has not been materialized, or its manifest cannot be read.
        """
        key = (asset, *parts)
        if self._seen is not None and key in self._seen:
            return self._seen[key]
        if (version := self._find(asset, parts)) is None:
            remedy = f"run: dagster asset materialize -m factroots_dagster.definitions --select {asset}"
            remedy += f" --partition '{'|'.join(parts)}'" if parts else ""
            raise InputError(f"{self.location}: {'/'.join(key)} has not been materialized", remedy)
        if self._seen is not None:
            self._seen[key] = version
        return version

    def _find(self, asset: str, parts: tuple[str, ...]) -> PartitionVersion | None:
        path, schemas = self.path(asset, *parts), self._schemas.get(asset)
        if self._remote is not None:
            return self._remote.version((asset, *parts), schemas)
        return read_version(path, parts, schemas) if self.exists(asset, *parts) else None

    def require(self, asset: str, *parts: str) -> Path:
        """The folder of a partition's version; raises InputError when there is none, or a file is damaged."""
        return self.version(asset, *parts).checked_folder()

    def shown_folder(self, asset: str, *parts: str) -> Path:
        """The path that people are given: it leads to the version that counts, then too when that is another.

        Without symbolic links, and of an object store, whose files are then in the cache, it is the version's
        own folder. Raises InputError without the partition.
        """
        version = self.version(asset, *parts)
        if self._remote is not None:
            return version.checked_folder()
        current = version.partition / CURRENT
        return current if current.resolve() == version.folder.resolve() else version.folder

    def shown_place(self, asset: str, *parts: str) -> str:
        """As `shown_folder`; the URI of the version in an object store, of which nothing is downloaded."""
        if self._remote is not None:
            return self._remote.uri_of(self.version(asset, *parts))
        return str(self.shown_folder(asset, *parts))

    def written_ns(self, asset: str, *parts: str) -> int:
        """When a partition was written, in nanoseconds since the epoch. Raises InputError without it."""
        if self._remote is not None:
            self.version(asset, *parts)
            pointer = self._remote.pointers.find((asset, *parts))
            return int(pointer.modified * 1e9) if pointer else 0
        return (self.version(asset, *parts).partition / MANIFEST).stat().st_mtime_ns

    def folders(self, asset: str, *parts: str) -> list[str]:
        """Sorted names of the folders one level below that can be keys: partitions, or parents of some."""
        path = self.path(asset, *parts)
        if self._remote is not None:
            return [name for name in self._remote.pointers.folders((asset, *parts)) if _is_safe(name)]
        return [path.name for path in visible_folders(path) if _is_safe(path.name)]

    def keys(self, asset: str, *parts: str) -> list[str]:
        """Sorted last keys of the partitions one level below."""
        if self._remote is not None:
            self.path(asset, *parts)
            return [name for name in self._remote.pointers.keys((asset, *parts)) if _is_safe(name)]
        return [name for name in self.folders(asset, *parts) if self.exists(asset, *parts, name)]

    def read(
        self,
        asset: str,
        *parts: str,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """The main table of a partition; see `PartitionVersion.read`."""
        return self.version(asset, *parts).read(columns, where)

    def has_side(self, name: str, asset: str, *parts: str) -> bool:
        """Whether a partition has the side table `name`; raises InputError without the partition."""
        return self.version(asset, *parts).has_side(name)

    def read_side(self, name: str, asset: str, *parts: str) -> pa.Table:
        """The side table `name` of a partition; raises InputError when it is missing or damaged."""
        return self.version(asset, *parts).read_side(name)

    def manifest(self, asset: str, *parts: str) -> Mapping[str, Any]:
        """A partition's manifest; raises InputError when missing or damaged."""
        return self.version(asset, *parts).manifest

    def digest(self, asset: str, *parts: str) -> str:
        """The digest of a partition's content, which is its data version."""
        return self.version(asset, *parts).digest

    @contextmanager
    def write_partition(
        self,
        asset: str,
        *parts: str,
        code_version: str,
        upstream: Mapping[str, str] | None = None,
        run_id: str | None = None,
        resume: str | None = None,
    ) -> Iterator[PartitionWriter]:
        """Yield a `PartitionWriter`; when the block succeeds, its folder becomes the version that counts.

        code_version: the version of the asset's code. upstream: the versions of the partition's parents when
            the work on it began. run_id: the run that writes it.
        resume: names everything that the content depends on; the draft of a writer that failed or was killed
            is then continued by the next one with the same `resume`.

        Raises InputError when the disk is full or cannot be written, and FolderBusyError when another process
        is writing the partition.
        """
        digest = hashlib.sha256(resume.encode()).hexdigest()[:24] if resume is not None else None
        path = self.path(asset, *parts)
        with _disk_errors_as_input_errors(path), open_draft(path, parts, digest) as folder:
            seen = self._remote.begin((asset, *parts)) if self._remote is not None else None
            writer = PartitionWriter(folder)
            yield writer
            origin = {"code_version": code_version, "upstream": dict(upstream or {}), "run_id": run_id}
            manifest = _describe(writer, asset, parts) | origin
            if self._remote is None:
                publish(path, folder, manifest)
            else:
                self._remote.publish(folder, manifest, seen)
                with suppress(InputError):  # it counts, whatever becomes of older ones
                    deque(sweep_remote(self._remote, (asset, *parts)), maxlen=0)

    def verify(
        self, schemas: Mapping[str, Schemas] | None = None, *, files: bool = True
    ) -> Iterator[Verified]:
        """Whether every partition is what was written; see `verify_world`."""
        if self._remote is not None:
            return verify_remote(self._remote, schemas, files=files)
        return verify_world(self.root, schemas, files=files)

    def sweep(
        self,
        *,
        keep_seconds: float = KEEP_SECONDS,
        keep_draft_seconds: float = KEEP_DRAFT_SECONDS,
        dry_run: bool = False,
    ) -> Iterator[Swept]:
        """Remove replaced versions and abandoned drafts, also from the cache; see `sweep_world`."""
        if self._remote is not None:
            yield from sweep_remote(self._remote, keep_seconds=keep_seconds, dry_run=dry_run)
            if not dry_run:
                remove_abandoned_downloads(self._remote)
        yield from sweep_world(
            self.root, keep_seconds=keep_seconds, keep_draft_seconds=keep_draft_seconds, dry_run=dry_run
        )


def _describe(writer: PartitionWriter, asset: str, parts: Sequence[str]) -> dict[str, Any]:
    """What a manifest says of the files in a writer's folder."""
    files = digest_files(writer.folder)
    main = main_files(writer.folder)
    side = sorted(writer.folder.glob("_*.parquet"))
    tables = {path.name for path in (*main, *side)}
    contents = {name: digest for name, digest in files.items() if name not in tables}
    contents |= {path.name: digest_table([path]) for path in side}
    if main:
        contents["data.parquet"] = digest_table(main)
    return {
        "asset": asset,
        "partition": list(parts),
        "rows": sum(pq.read_metadata(path).num_rows for path in main) if main else None,
        "bytes": sum((writer.folder / name).stat().st_size for name in files),
        "digest": hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest(),
        "inputs": writer.inputs,
        "files": files,
    }
