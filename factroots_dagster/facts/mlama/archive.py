"""Unpacking a release from an untrusted archive: .zip, .tar.* or Parquet.

Only visible JSON-lines files are written, and only into the target folder. An archive is refused if a member
would leave that folder, if it has links or devices, or if it grows beyond the limits.
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
from factroots_dagster.facts.mlama.split import COLUMNS, TEMPLATES

MAX_BYTES = 4 << 30  # mLAMA 1.1 unpacks to about 0.15 GB
MAX_MEMBERS = 100_000  # mLAMA 1.1 holds 2,334 files
BLOCK = 1 << 20
FROM_PUBLISHER = "get the release from its publisher"
FETCH_AGAIN = "fetch it again"
DAMAGE_ERRORS = (
    zipfile.BadZipFile,
    NotImplementedError,  # a compression method that zipfile does not know
    tarfile.TarError,
    EOFError,
    lzma.LZMAError,
    zlib.error,
    pa.ArrowInvalid,
    # What zipfile and tarfile raise for broken names, numbers and headers.
    ValueError,
    OverflowError,
    struct.error,
)
NAME_ERRORS = (errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.EILSEQ, errno.EINVAL)
"""Errors of the file system for impossible names: too long, or a file where another name needs a folder."""

PARQUET_COLUMNS = {*COLUMNS, "template", "language", "predicate_id"}


def unpack(archive: Path, into: Path, *, max_bytes: int = MAX_BYTES) -> None:
    """Unpack `archive` into the folder `into`; its format is recognized by content, not by name.

    Raises InputError for an unknown or damaged archive, a member outside the folder, a link or device, an
    encrypted member, and more than `max_bytes` or MAX_MEMBERS.
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
    except DAMAGE_ERRORS as error:
        raise InputError(
            f"{archive.name}: damaged, or not a .zip, .tar.* or Parquet file ({error})", FETCH_AGAIN
        ) from error
    except OSError as error:
        if error.errno in NAME_ERRORS:
            raise InputError(
                f"{archive.name}: a member's name cannot be written ({error.strerror})", FROM_PUBLISHER
            ) from error
        if error.errno is not None:  # a full disk is not a damaged archive
            raise
        raise InputError(f"{archive.name}: damaged archive ({error})", FETCH_AGAIN) from error


def _unpack_zip(archive: Path, into: Path, max_bytes: int) -> None:
    with zipfile.ZipFile(archive) as opened:
        members = opened.infolist()
        _check_limit(archive, len(members) <= MAX_MEMBERS, f"more than {MAX_MEMBERS:,} members")
        remaining = max_bytes
        for member in members:
            mode = member.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{archive.name}: {member.filename!r} is a link or device", FROM_PUBLISHER)
            path = member_path(archive, member.filename)
            if member.is_dir() or path is None:
                continue
            if member.flag_bits & 0x1:
                raise InputError(
                    f"{archive.name}: {member.filename!r} is encrypted", "get an archive without encryption"
                )
            with opened.open(member) as source:
                remaining = _write_member(archive, source, into / path, remaining)


def _unpack_tar(archive: Path, into: Path, max_bytes: int) -> None:
    remaining = max_bytes
    with tarfile.open(archive, "r:*") as opened:
        for count, member in enumerate(opened, start=1):
            _check_limit(archive, count <= MAX_MEMBERS, f"more than {MAX_MEMBERS:,} members")
            if not (member.isfile() or member.isdir()):
                raise InputError(f"{archive.name}: {member.name!r} is a link or device", FROM_PUBLISHER)
            path = member_path(archive, member.name)
            _check_size(archive, remaining - member.size)
            if member.isdir() or path is None:
                remaining -= member.size  # tarfile decompresses members that are skipped, too
                continue
            source = opened.extractfile(member)
            assert source is not None  # a regular file
            with source:
                remaining = _write_member(archive, source, into / path, remaining)
        # Read to the end: only the checksum there shows that a compressed file was cut off.
        while opened.fileobj is not None and (block := opened.fileobj.read(BLOCK)):
            remaining -= len(block)
            _check_size(archive, remaining)


def member_path(archive: Path, name: str) -> Path | None:
    """The path of a member relative to the target folder; None if it is not data.

    Data are visible `.jsonl` files, at most three folders deep. Raises InputError for an absolute path and
    for one that leaves the folder.
    """
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in name or (path.parts and ":" in path.parts[0]):
        raise InputError(f"{archive.name}: {name!r} would be written outside the folder", FROM_PUBLISHER)
    parts = [part for part in path.parts if part != "."]
    hidden = any(part.startswith(".") or part == "__MACOSX" for part in parts)
    return Path(*parts) if path.suffix == ".jsonl" and 1 < len(parts) <= 4 and not hidden else None


def _write_member(archive: Path, source: IO[bytes], target: Path, remaining: int) -> int:
    """Copy one member, counting the bytes that are really decompressed; return how many may still follow."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise InputError(
            f"{archive.name}: {target.name} of {target.parent.name} is in it twice", FROM_PUBLISHER
        )
    with target.open("xb") as out:
        while block := source.read(BLOCK):
            remaining -= len(block)
            _check_size(archive, remaining)
            out.write(block)
    return remaining


def _check_size(archive: Path, remaining: int) -> None:
    _check_limit(archive, remaining >= 0, "unpacks to more than is allowed")


def _check_limit(archive: Path, is_met: bool, problem: str) -> None:
    if not is_met:
        raise InputError(f"{archive.name}: {problem}, so it is not an mLAMA release", FROM_PUBLISHER)


def _unpack_parquet(archive: Path, into: Path, max_bytes: int) -> None:
    """Write the hub's m_lama table (one row per language and fact, with its template) as files of mLAMA."""
    file = pq.ParquetFile(archive)
    if missing := PARQUET_COLUMNS - set(file.schema_arrow.names):
        problem = f"{archive.name}: column {', '.join(sorted(missing))} missing"
        raise InputError(problem, "get the hub's data set cis-lmu/m_lama")
    templates: dict[str, dict[str, str]] = {}
    remaining = max_bytes
    for batch in file.iter_batches(batch_size=65_536):
        lines: dict[tuple[str, str], list[str]] = {}
        for row in batch.to_pylist():
            language, relation, template = row.pop("language"), row.pop("predicate_id"), row.pop("template")
            if member_path(archive, f"{language}/{relation}.jsonl") is None or "/" in f"{language}{relation}":
                raise InputError(
                    f"{archive.name}: language {language!r}, relation {relation!r} cannot name files",
                    FROM_PUBLISHER,
                )
            if templates.setdefault(language, {}).setdefault(relation, template) != template:
                raise InputError(
                    f"{archive.name}: two templates of {language}/{relation}", "keep one of them"
                )
            lines.setdefault((language, relation), []).append(json.dumps(row, ensure_ascii=False))
        remaining -= sum(len(row) for rows in lines.values() for row in rows)
        _check_size(archive, remaining)
        for (language, relation), rows in lines.items():
            _append_lines(into / language / f"{relation}.jsonl", rows)
    for language, by_relation in templates.items():
        rows = [
            json.dumps({"relation": relation, "template": template}, ensure_ascii=False)
            for relation, template in sorted(by_relation.items())
        ]
        _append_lines(into / language / TEMPLATES, rows)


def _append_lines(path: Path, rows: list[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as out:
        out.writelines(row + "\n" for row in rows)
