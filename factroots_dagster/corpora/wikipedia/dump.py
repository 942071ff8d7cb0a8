"""Getting a language's dump: found in a folder as it lies, or downloaded from a Wikimedia-like server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa

from factroots_dagster.corpora.schema import WIKIPEDIA_DUMP
from factroots_dagster.corpora.wikipedia.dump_names import (
    LATEST,
    DumpName,
    database_prefix,
    dumps_of,
    whole_dump,
)
from factroots_dagster.corpora.wikipedia.remote import download_dump, file_sha1
from factroots_dagster.errors import InputError

HEAD = 2**20
BLOCK = 2**20
COMPRESSIONS = {"bz2": "bz2", "gz": "gzip", "zst": "zstd", "": None}
"""What pyarrow calls the compression of each file ending."""


@dataclass(frozen=True)
class Siteinfo:
    """What a dump's head says of its wiki."""

    sitename: str
    database: str
    namespaces: list[tuple[int, str]]


def acquire_dump(
    language: str,
    source: str,
    snapshot: str,
    folder: Path,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """The dump of one language's Wikipedia: one row per file (WIKIPEDIA_DUMP), its head read.

    `source` is a folder that holds `<language>wiki-<date>-pages-articles*.xml[.bz2|.gz|.zst]` (files stay
    where they are) or a base URL in Wikimedia's layout (files are downloaded into `folder` and verified; an
    interrupted download goes on where it stopped when `folder` is the same). `snapshot` is a date
    (`20230501`), or `latest` for the newest. A single file is preferred to a multistream one, and both to
    numbered parts; the index beside a multistream file tells how many pages it must hold.
    Raises InputError when there is no such dump, it cannot be read, or its checksum is wrong.
    """
    if source.startswith(("http://", "https://")):
        files = download_dump(language, source, snapshot, folder, progress)
    else:
        files = [
            (path, file_sha1(path)) for path in find_dump_files(language, Path(source).expanduser(), snapshot)
        ]
    return pa.Table.from_pylist(
        [dump_row(language, path, sha1) for path, sha1 in files], schema=WIKIPEDIA_DUMP
    )


def dump_row(language: str, path: Path, sha1: str) -> dict[str, object]:
    """One row of WIKIPEDIA_DUMP. Raises InputError when the file is not what its name says."""
    dump = DumpName.of(path.name)
    assert dump is not None
    # Only a dump's first part needs a head, but every one of Wikimedia's has it.
    info = read_siteinfo(path)
    if info.database and info.database != dump.wiki:
        raise InputError(
            f"{path}: its head says that this is {info.database}, not {dump.wiki}. "
            "Remedy: give the file its own name."
        )
    beside = (path.with_name(name) for name in dump.indexes)
    index = next((candidate for candidate in beside if candidate.is_file()), None)
    return {
        "language": language,
        "file": path.name,
        "path": str(path),
        "snapshot": dump.snapshot,
        "bytes": path.stat().st_size,
        "sha1": sha1,
        "compression": dump.compression or "none",
        "indexed_pages": None if index is None else count_lines(index),
        "sitename": info.sitename,
        "namespaces": [{"key": key, "name": name} for key, name in info.namespaces],
    }


def find_dump_files(language: str, folder: Path, snapshot: str) -> list[Path]:
    """The files of one dump of `language` in `folder`, as absolute paths."""
    pattern = f"{database_prefix(language)}wiki-<date>-pages-articles*.xml[.bz2|.gz|.zst]"
    if not folder.is_dir():
        raise InputError(
            f"The Wikipedia source {folder} is not a folder. "
            f"Remedy: set it to one that holds {pattern}, or to a base URL."
        )
    named = dumps_of(language, (path.name for path in folder.iterdir() if path.is_file()))
    snapshots = sorted({dump.snapshot for dump in named}, key=lambda date: (date != LATEST, date))
    wanted = snapshots[-1] if snapshot == LATEST and snapshots else snapshot
    chosen = whole_dump(dump for dump in named if dump.snapshot == wanted)
    if not chosen:
        present = f"; snapshots there: {', '.join(snapshots)}" if snapshots else ""
        raise InputError(
            f"No Wikipedia dump of language {language!r}, snapshot {snapshot!r}, in {folder}{present}. "
            f"Remedy: put {pattern} there, or leave the language out."
        )
    for dump in chosen:
        if not dump.readable:
            raise InputError(
                f"{folder / dump.name}: .{dump.compression} cannot be read. "
                f"Remedy: recompress it as .zst or .bz2 (xz -dc FILE | zstd > FILE.zst)."
            )
    return [(folder / dump.name).absolute() for dump in chosen]


def count_lines(path: Path) -> int:
    """How many lines a text file has, compressed or not: the pages that a multistream index lists."""
    compression = COMPRESSIONS.get(path.suffix.removeprefix("."))
    lines, last = 0, b"\n"
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            while block := stream.read(BLOCK):
                lines += block.count(b"\n")
                last = block[-1:]
    except OSError as error:
        raise InputError(
            f"{path}: the index cannot be decompressed ({error}). Remedy: get it again, or remove it."
        ) from error
    return lines + (last != b"\n")


def read_siteinfo(path: Path) -> Siteinfo:
    """What the head of a dump file says. Raises InputError when it is no MediaWiki dump, or a hostile one."""
    dump = DumpName.of(path.name)
    compression = COMPRESSIONS[dump.compression if dump else ""]
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            head = stream.read(HEAD)
    except OSError as error:
        raise InputError(f"{path}: cannot be decompressed ({error}). Remedy: get the file again.") from error
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4]:
        raise InputError(f"{path}: is not UTF-8. Remedy: recode it (iconv -f UTF-16 -t UTF-8).")
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        raise InputError(
            f"{path}: declares its own XML entities, which no MediaWiki dump does; it is not read. "
            "Remedy: get the dump from its publisher."
        )
    start, end = head.find(b"<siteinfo"), head.find(b"</siteinfo>")
    if b"<mediawiki" not in head or start < 0 or end < start:
        raise InputError(
            f"{path}: is no MediaWiki XML dump (no <siteinfo> in its first MiB). "
            "Remedy: get the dump from its publisher."
        )
    try:
        info = ElementTree.fromstring(head[start:end] + b"</siteinfo>")
        namespaces = [(int(space.get("key", "")), space.text or "") for space in info.iter("namespace")]
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(
            f"{path}: its <siteinfo> is damaged ({error}). Remedy: get the file again."
        ) from error
    return Siteinfo(info.findtext("sitename") or "", info.findtext("dbname") or "", namespaces)
