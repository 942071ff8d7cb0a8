"""Unpacks a release from an archive that nobody has to trust: .zip, .tar.* or Parquet.

Only visible JSON-lines files are written, under the folder given. An archive with a member that
would leave that folder, with a link or device in it, or that grows beyond the limits is refused.
"""

from __future__ import annotations

import errno
import json
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from factroots_dagster.errors import InputError

MAX_BYTES = 4 << 30  # mLAMA 1.1 unpacks to about 0.15 GB
MAX_MEMBERS = 100_000  # mLAMA 1.1 holds 2,334 files
BLOCK = 1 << 20
REFUSED = "refused: get the release from its publisher"
DAMAGE = (
    zipfile.BadZipFile,
    NotImplementedError,  # a compression method that zipfile does not know
    tarfile.TarError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    pa.ArrowInvalid,
    # what zipfile and tarfile let through of broken names, numbers and headers
    ValueError,
    OverflowError,
    struct.error,
)
NAMES_AT_FAULT = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EILSEQ, errno.EINVAL)
"""What the file system says of names that cannot be: too long, or a file where another has its folder."""

PARQUET_COLUMNS = {
    "uuid",
    "obj_uri",
    "obj_label",
    "sub_uri",
    "sub_label",
    "template",
    "language",
    "predicate_id",
}


def unpack(archive: Path, into: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Unpacks `archive` into the folder `into`; its kind is told from its content, not its name.

    Raises:
        InputError: unknown or damaged archive, a member outside the folder, a link or device, an
            encrypted member, or more than `max_bytes` or `MAX_MEMBERS` in it.
    """
    with archive.open("rb") as file:
        magic = file.read(4)
    try:
        if magic == b"PAR1":
            _unpack_parquet(archive, into, max_bytes)
        elif magic[:2] == b"PK":
            _unpack_zip(archive, into, max_bytes)
        else:
            _unpack_tar(archive, into, max_bytes)
    except InputError:
        raise
    except DAMAGE as error:
        raise InputError(
            f"{archive.name}: damaged, or not a .zip, .tar.* or Parquet file ({error}); fetch it again"
        ) from error
    except OSError as error:
        if error.errno in NAMES_AT_FAULT:
            raise InputError(
                f"{archive.name}: a member's name cannot be written ({error.strerror}); {REFUSED}"
            ) from error
        if error.errno is not None:  # a full disk is not a damaged archive
            raise
        raise InputError(f"{archive.name}: damaged archive ({error}); fetch it again") from error


def _unpack_zip(archive: Path, into: Path, max_bytes: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _limit(archive, len(members) <= MAX_MEMBERS, f"more than {MAX_MEMBERS:,} members")
        left = max_bytes
        for member in members:
            mode = member.external_attr >> 16
            kind = stat.S_IFMT(mode)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{archive.name}: {member.filename!r} is a link or device; {REFUSED}")
            path = safe_path(archive, member.filename)
            if member.is_dir() or path is None:
                continue
            if member.flag_bits & 0x1:
                raise InputError(f"{archive.name}: {member.filename!r} is encrypted; give an open archive")
            with opened.open(member) as source:
                left = _write(archive, source, into / path, left)


def _unpack_tar(archive: Path, into: Path, max_bytes: int) -> None:
    left = max_bytes
    with tarfile.open(archive, "r:*") as opened:
        for count, member in enumerate(opened, start=1):
            _limit(archive, count <= MAX_MEMBERS, f"more than {MAX_MEMBERS:,} members")
            if not (member.isfile() or member.isdir()):
                raise InputError(f"{archive.name}: {member.name!r} is a link or device; {REFUSED}")
            path = safe_path(archive, member.name)
            _limit(archive, member.size <= left, "unpacks to more than is allowed")
            if member.isdir() or path is None:
                left -= member.size  # tarfile reads through a member that is passed over
                continue
            source = opened.extractfile(member)
            assert source is not None  # a regular file
            with source:
                left = _write(archive, source, into / path, left)
        # To the end, where a compressed file's checksum stands: a cut one is told by that alone.
        while opened.fileobj is not None and (block := opened.fileobj.read(BLOCK)):
            left -= len(block)
            _limit(archive, left >= 0, "unpacks to more than is allowed")


def safe_path(archive: Path, name: str) -> Path | None:
    """Where a member goes, relative to the target folder; None for what is not data.

    Data are visible `.jsonl` files, at most three folders deep.

    Raises:
        InputError: an absolute path, or one that climbs out of the folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or (path.parts and ":" in path.parts[0]):
        raise InputError(f"{archive.name}: {name!r} would be written outside the folder; {REFUSED}")
    parts = [part for part in path.parts if part != "."]
    if path.suffix != ".jsonl" or not 1 < len(parts) <= 4:
        return None
    if any(part.startswith(".") or part == "__MACOSX" for part in parts):
        return None
    return Path(*parts)


def _write(archive: Path, source: IO[bytes], target: Path, left: int) -> int:
    """Copies one member, counting what really comes out of the decompressor; returns what is left."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("xb") if not target.exists() else _refuse_twice(archive, target) as out:
        while block := source.read(BLOCK):
            left -= len(block)
            _limit(archive, left >= 0, "unpacks to more than is allowed")
            out.write(block)
    return left


def _refuse_twice(archive: Path, target: Path) -> IO[bytes]:
    raise InputError(f"{archive.name}: {target.name} of {target.parent.name} is in it twice; {REFUSED}")


def _limit(archive: Path, holds: bool, what: str) -> None:
    if not holds:
        raise InputError(f"{archive.name}: {what}; this is not an mLAMA release, {REFUSED}")


def _unpack_parquet(archive: Path, into: Path, max_bytes: int) -> None:
    """Writes the hub's m_lama table (one row per language and fact, with its template) as mLAMA files."""
    file = pq.ParquetFile(archive)
    missing = PARQUET_COLUMNS - set(file.schema_arrow.names)
    if missing:
        raise InputError(
            f"{archive.name}: column {', '.join(sorted(missing))} missing; is it the m_lama data set?"
        )
    templates: dict[str, dict[str, str]] = {}
    left = max_bytes
    for batch in file.iter_batches(batch_size=65_536):
        lines: dict[tuple[str, str], list[str]] = {}
        for row in batch.to_pylist():
            language, relation, template = row.pop("language"), row.pop("predicate_id"), row.pop("template")
            if safe_path(archive, f"{language}/{relation}.jsonl") is None or "/" in f"{language}{relation}":
                raise InputError(
                    f"{archive.name}: language {language!r}, relation {relation!r} cannot name "
                    f"files; {REFUSED}"
                )
            if templates.setdefault(language, {}).setdefault(relation, template) != template:
                raise InputError(f"{archive.name}: two templates for {language}/{relation}; keep one")
            lines.setdefault((language, relation), []).append(json.dumps(row, ensure_ascii=False))
        left -= sum(len(row) for rows in lines.values() for row in rows)
        _limit(archive, left >= 0, "unpacks to more than is allowed")
        for (language, relation), rows in lines.items():
            _append(into / language / f"{relation}.jsonl", rows)
    for language, by_relation in templates.items():
        rows = [
            json.dumps({"relation": relation, "template": template}, ensure_ascii=False)
            for relation, template in sorted(by_relation.items())
        ]
        _append(into / language / "templates.jsonl", rows)


def _append(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.writelines(row + "\n" for row in rows)
