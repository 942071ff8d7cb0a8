"""The data layout: `<data root>/<world>/<asset>/[<checkpoint>/][<language>/]`, one folder per partition.

A folder holds the main table (`data.parquet`, or `part-*.parquet` written by Spark), side tables
(`_<name>.parquet`: readers of a Parquet folder ignore names that begin with an underscore) and
`_manifest.json` with the SHA-256 of every file, the digest of the content (see `contents`), and that of
every partition that it was computed from.
Everything is written by `Store.write_partition`, so that a partition on disk is complete or absent.
"""

from __future__ import annotations

import errno
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import atomic_folder
from factroots_dagster.store.contents import digest_table
from factroots_dagster.tables import storage_schema

MANIFEST = "_manifest.json"
MATERIALIZE_AGAIN = "materialize this partition again"
_SAFE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def check_name(name: str, what: str = "partition key") -> str:
    """Return `name` if it is safe as a folder name and partition key; raises InputError."""
    if not _SAFE_NAME.fullmatch(name) or ".." in name or len(name) > 120:
        raise InputError(
            f"{what} {name!r:.80} is not allowed",
            "use letters, digits, '.', '_' and '-' only, begin with a letter or digit, no '..', "
            "at most 120 characters",
        )
    return name


def write_table(table: pa.Table, path: Path) -> None:
    """Write one Parquet file (zstd) in large row groups."""
    pq.write_table(table, path, compression="zstd", row_group_size=1 << 20)


def main_files(folder: Path) -> list[Path]:
    """The files of a partition's main table, sorted by name."""
    return sorted(path for path in folder.glob("*.parquet") if not path.name.startswith(("_", ".")))


def visible_folders(folder: Path) -> list[Path]:
    """The sub-folders whose names begin with neither `.` nor `_`, sorted; none where `folder` is none."""
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "_")))


def read_folder(
    folder: Path, columns: Sequence[str] | None = None, where: pc.Expression | None = None
) -> pa.Table:
    """The main table of a partition folder; side tables, the manifest and other files are ignored.

    columns: the columns to read, all by default. where: a condition on the rows to read.
    Raises InputError when the table is missing or damaged.
    """
    names = list(columns) if columns else None
    if not (files := main_files(folder)):
        raise InputError(f"{folder}: its table is missing", MATERIALIZE_AGAIN)
    with _corrupt_data_as_input_error(folder):
        return pa.concat_tables(
            pq.read_table(path, columns=names, filters=where, partitioning=None) for path in files
        )


def read_batches(folder: Path, rows: int = 4096) -> Iterator[pa.Table]:
    """The main table of a partition folder, `rows` rows at a time, for tables that may not fit in memory.

    Raises InputError when a file is damaged.
    """
    for path in main_files(folder):
        with _corrupt_data_as_input_error(folder):
            batches = pq.ParquetFile(path).iter_batches(batch_size=rows)
            yield from (pa.Table.from_batches([batch]) for batch in batches)


def read_head(folder: Path, rows: int) -> pa.Table | None:
    """The first `rows` rows of a partition folder's main table; None when it has no table or no rows."""
    return next(read_batches(folder, rows), None)


@contextmanager
def _corrupt_data_as_input_error(folder: Path) -> Iterator[None]:
    """Raise an InputError for data that cannot be read any more."""
    try:
        yield
    except (pa.ArrowInvalid, OSError) as error:
        if getattr(error, "errno", None) not in (None, errno.ENOENT):
            raise
        raise InputError(f"{folder}: damaged ({error})", MATERIALIZE_AGAIN) from error


@contextmanager
def _disk_errors_as_input_errors(root: Path) -> Iterator[None]:
    """Raise an InputError when the disk is full or cannot be written, whichever library wrote to it."""
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) or (message := _disk_error_message(error, root)) is None:
            raise
        problem = f"{root}: {message}; the partition is as it was before"
        raise InputError(problem, "free space, or make the folder writable, and run again") from error


_DISK_ERRORS = {
    errno.ENOSPC: "no space left on device",
    errno.EDQUOT: "disk quota exceeded",
    errno.EROFS: "read-only file system",
}


def _disk_error_message(error: Exception, root: Path) -> str | None:
    """What is wrong with the disk under `root`; None when the error has another cause."""
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.EACCES and root.parent in Path(str(error.filename)).parents:
            return "permission denied"
        return _DISK_ERRORS.get(error.errno)
    # The exceptions of safetensors and of Spark's workers carry the message, but no errno.
    text = str(error).lower()
    return next((message for message in _DISK_ERRORS.values() if message in text), None)


def compute_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


@dataclass(frozen=True)
class PartitionInfo:
    """A partition on disk, according to its manifest.

    rows: of the main table; None without one. bytes: of all files but the manifest. digest: of the rows of
    all tables and the bytes of other files, the partition's data version. inputs: the digests of the
    partitions that it was computed from, by `<asset>/<key>`. run_id: the run that wrote it; None when no run
    did.
    """

    path: Path
    rows: int | None
    bytes: int
    digest: str
    inputs: Mapping[str, str]
    run_id: str | None


@dataclass
class PartitionWriter:
    """A partition while it is written: its temporary folder, and the inputs that were read for it.

    Every partition whose `input_folder` is asked for is recorded as an input in the manifest.
    """

    store: Store
    folder: Path
    inputs: dict[str, str] = field(default_factory=dict)

    def input_folder(self, asset: str, *parts: str) -> Path:
        """The folder of a partition, recorded as an input; raises InputError when it is missing."""
        path = self.store.require(asset, *parts)
        self.inputs["/".join((asset, *parts))] = self.store.digest(asset, *parts)
        return path

    def write(self, table: pa.Table, schema: pa.Schema, side: str | None = None) -> None:
        """Write the main table, or the side table called `side`, cast to its declared schema."""
        name = f"_{side}.parquet" if side else "data.parquet"
        write_table(table.select(schema.names).cast(storage_schema(schema)), self.folder / name)

    @contextmanager
    def stream(self, schema: pa.Schema, side: str | None = None) -> Iterator[Callable[[pa.Table], None]]:
        """Yield a function that appends rows to the main or a side table that may not fit in memory."""
        path, stored = self.folder / (f"_{side}.parquet" if side else "data.parquet"), storage_schema(schema)
        with pq.ParquetWriter(path, stored, compression="zstd") as writer:
            yield lambda table: writer.write_table(table.select(schema.names).cast(stored))


class Store:
    """Reads and writes the partitions of one world.

    Methods that name a partition take its asset and its keys in the order of the folders: `()`,
    `(language,)`, `(checkpoint,)` or `(checkpoint, language)`.
    """

    def __init__(self, data_root: Path | str, world: str) -> None:
        self.root = Path(data_root).resolve() / check_name(world, "world")

    def path(self, asset: str, *parts: str) -> Path:
        """The folder of a partition, whether or not it exists; raises InputError for an unsafe key."""
        return self.root.joinpath(asset, *(check_name(part) for part in parts))

    def exists(self, asset: str, *parts: str) -> bool:
        """Whether a partition is on disk."""
        return (self.path(asset, *parts) / MANIFEST).is_file()

    def require(self, asset: str, *parts: str) -> Path:
        """The folder of a partition; raises InputError when it has not been materialized."""
        path = self.path(asset, *parts)
        if not self.exists(asset, *parts):
            remedy = f"run: dagster asset materialize -m factroots_dagster.definitions --select {asset}"
            remedy += f" --partition '{'|'.join(parts)}'" if parts else ""
            raise InputError(f"{self.root}: {'/'.join((asset, *parts))} has not been materialized", remedy)
        return path

    def folders(self, asset: str, *parts: str) -> list[str]:
        """Sorted names of the folders one level below that can be keys: partitions, or parents of some."""
        return [path.name for path in visible_folders(self.path(asset, *parts))]

    def keys(self, asset: str, *parts: str) -> list[str]:
        """Sorted last keys of the partitions one level below."""
        return [name for name in self.folders(asset, *parts) if self.exists(asset, *parts, name)]

    def read(
        self,
        asset: str,
        *parts: str,
        columns: Sequence[str] | None = None,
        where: pc.Expression | None = None,
    ) -> pa.Table:
        """The main table of a partition; see `read_folder`."""
        return read_folder(self.require(asset, *parts), columns, where)

    def has_side(self, name: str, asset: str, *parts: str) -> bool:
        """Whether a partition has the side table `name`; raises InputError without the partition."""
        return (self.require(asset, *parts) / f"_{name}.parquet").is_file()

    def read_side(self, name: str, asset: str, *parts: str) -> pa.Table:
        """The side table `name` of a partition; raises InputError when it is missing or damaged."""
        folder = self.require(asset, *parts)
        with _corrupt_data_as_input_error(folder):
            return pq.read_table(folder / f"_{name}.parquet")

    def manifest(self, asset: str, *parts: str) -> dict[str, Any]:
        """A partition's manifest without its list of files; raises InputError when missing or damaged."""
        folder = self.require(asset, *parts)
        path = folder / MANIFEST
        try:
            stat = path.stat()
            return _read_manifest(path, stat.st_ino, stat.st_mtime_ns)
        except (OSError, ValueError, AttributeError):
            raise InputError(f"{folder}: its {MANIFEST} is damaged", MATERIALIZE_AGAIN) from None

    def digest(self, asset: str, *parts: str) -> str:
        """The digest of a partition's content, which is its data version."""
        return str(self.manifest(asset, *parts)["digest"])

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
        """Yield a `PartitionWriter`; when the block succeeds, its folder becomes the partition atomically.

        code_version: the version of the asset's code. upstream: the versions of the partition's parents when
            the work on it began. run_id: the run that writes it.
        resume: names everything that the content depends on; the folder of a writer that failed or was killed
            is then continued by the next one with the same `resume`.

        Raises InputError when the disk is full or cannot be written, and FolderBusyError when another process
        is writing the partition.
        """
        digest = hashlib.sha256(resume.encode()).hexdigest()[:24] if resume is not None else None
        path = self.path(asset, *parts)
        with _disk_errors_as_input_errors(path), atomic_folder(path, digest) as folder:
            writer = PartitionWriter(self, folder)
            yield writer
            origin = {"code_version": code_version, "upstream": dict(upstream or {}), "run_id": run_id}
            _write_manifest(writer, asset, parts, origin)

    def partition_info(self, asset: str, *parts: str) -> PartitionInfo:
        """A partition on disk, according to its manifest; raises InputError when missing or damaged."""
        path, manifest = self.require(asset, *parts), self.manifest(asset, *parts)
        fields: dict[str, Any] = {
            name: manifest.get(name) for name in ("rows", "bytes", "digest", "inputs", "run_id")
        }
        return PartitionInfo(path, **fields)


@lru_cache(maxsize=50_000)
def _read_manifest(path: Path, inode: int, changed_ns: int) -> dict[str, Any]:
    """A manifest without its list of files, which is most of its length.

    Each version of a file is read once: deciding what is stale reads the manifests of all partitions.
    """
    manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    if not manifest.keys() >= {"digest", "rows", "bytes", "inputs", "files"}:
        raise ValueError
    return {name: value for name, value in manifest.items() if name != "files"}


def _write_manifest(
    writer: PartitionWriter, asset: str, parts: Sequence[str], origin: Mapping[str, Any]
) -> None:
    paths = sorted(path for path in writer.folder.rglob("*") if path.is_file())
    files = {path.relative_to(writer.folder).as_posix(): compute_sha256(path) for path in paths}
    main = main_files(writer.folder)
    side = sorted(writer.folder.glob("_*.parquet"))
    tables = {path.name for path in (*main, *side)}
    contents = {name: digest for name, digest in files.items() if name not in tables}
    contents |= {path.name: digest_table([path]) for path in side}
    if main:
        contents["data.parquet"] = digest_table(main)
    manifest = {
        "asset": asset,
        "partition": list(parts),
        "rows": sum(pq.read_metadata(path).num_rows for path in main) if main else None,
        "bytes": sum(path.stat().st_size for path in paths),
        "digest": hashlib.sha256(json.dumps(contents, sort_keys=True).encode()).hexdigest(),
        "inputs": writer.inputs,
        "files": files,
        **origin,
    }
    (writer.folder / MANIFEST).write_text(json.dumps(manifest, indent=1, sort_keys=True) + "\n")
