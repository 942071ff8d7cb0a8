"""Acquiring a language's dump: from a folder, where it stays, or from a server in Wikimedia's layout.

In its table paths are relative for files inside the partition, absolute for others.
"""

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
    parse_dump_names,
    select_complete_dump,
)
from factroots_dagster.corpora.wikipedia.remote import compute_sha1, download_dump
from factroots_dagster.errors import InputError

HEAD_BYTES = 2**20
READ_BYTES = 2**20
COMPRESSIONS = {"bz2": "bz2", "gz": "gzip", "zst": "zstd", "": None}
"""What pyarrow calls the compression of each file ending."""


@dataclass(frozen=True)
class Siteinfo:
    """What the head of a dump says about its wiki; `namespaces` are pairs of number and name."""

    sitename: str
    database: str
    namespaces: list[tuple[int, str]]


def acquire_dump(
    language: str, source: str, snapshot: str, folder: Path, progress: Callable[[str], None] | None = None
) -> pa.Table:
    """The dump of one language's Wikipedia (WIKIPEDIA_DUMP), one row per file.

    source: a folder with `<language>wiki-<date>-pages-articles*.xml[.bz2|.gz|.zst]` (files stay where they
        are) or a base URL in Wikimedia's layout (files are downloaded into `folder` and verified; with the
        same `folder` an interrupted download is continued).
    snapshot: a date (`20230501`), or `latest` for the newest.
    A single file is preferred to a multistream one, and both to numbered parts; the index beside a
    multistream file tells how many pages it must contain.
    Raises InputError when there is no such dump, it cannot be read, or its checksum is wrong.
    """
    if source.startswith(("http://", "https://")):
        files = download_dump(language, source, snapshot, folder, progress)
    else:
        paths = find_dump_files(language, Path(source).expanduser(), snapshot)
        files = [(path, compute_sha1(path)) for path in paths]
    rows = [describe_dump_file(language, path, sha1) for path, sha1 in files]
    return pa.Table.from_pylist(rows, schema=WIKIPEDIA_DUMP)


def describe_dump_file(language: str, path: Path, sha1: str) -> dict[str, object]:
    """One row of WIKIPEDIA_DUMP. Raises InputError when the file is not what its name says."""
    dump = DumpName.parse(path.name)
    assert dump is not None
    # Only the first part would need a head, but all of Wikimedia's parts have one.
    info = read_siteinfo(path)
    if info.database and info.database != dump.wiki:
        problem = f"{path}: its head says that this is {info.database}, not {dump.wiki}"
        raise InputError(problem, "rename the file after the wiki that it contains")
    candidates = (path.with_name(name) for name in dump.indexes)
    index = next((candidate for candidate in candidates if candidate.is_file()), None)
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
    """The files of one dump of `language` in `folder`, as absolute paths, in the order of their pages.

    Raises InputError when there is none, or none that can be read.
    """
    pattern = f"{database_prefix(language)}wiki-<date>-pages-articles*.xml[.bz2|.gz|.zst]"
    if not folder.is_dir():
        raise InputError(
            f"The Wikipedia source {folder} is not a folder",
            f"set FACTROOTS_WIKIPEDIA_SOURCE to a folder with {pattern}, or to a base URL",
        )
    dumps = parse_dump_names(language, (path.name for path in folder.iterdir() if path.is_file()))
    snapshots = sorted({dump.snapshot for dump in dumps}, key=lambda date: (date != LATEST, date))
    selected_snapshot = snapshots[-1] if snapshot == LATEST and snapshots else snapshot
    selected = select_complete_dump(dump for dump in dumps if dump.snapshot == selected_snapshot)
    if not selected:
        available = f"; snapshots there: {', '.join(snapshots)}" if snapshots else ""
        problem = f"No Wikipedia dump of language {language!r}, snapshot {snapshot!r}, in {folder}{available}"
        raise InputError(problem, f"put {pattern} there, or leave the language out")
    for dump in selected:
        if not dump.readable:
            problem = f"{folder / dump.name}: .{dump.compression} cannot be read"
            raise InputError(problem, "recompress it as .zst or .bz2 (xz -dc FILE | zstd > FILE.zst)")
    return [(folder / dump.name).absolute() for dump in selected]


def count_lines(path: Path) -> int:
    """How many lines a multistream index has, compressed or not: the pages that it lists."""
    compression = COMPRESSIONS.get(path.suffix.removeprefix("."))
    lines, last_byte = 0, b"\n"
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            while block := stream.read(READ_BYTES):
                lines += block.count(b"\n")
                last_byte = block[-1:]
    except OSError as error:
        raise InputError(
            f"{path}: the index cannot be decompressed ({error})", "get it again, or remove it"
        ) from error
    return lines + (last_byte != b"\n")


def read_siteinfo(path: Path) -> Siteinfo:
    """The head of a dump file. Raises InputError when it is not a MediaWiki dump, or a hostile one."""
    dump = DumpName.parse(path.name)
    compression = COMPRESSIONS[dump.compression if dump else ""]
    try:
        with pa.input_stream(str(path), compression=compression) as stream:
            head = stream.read(HEAD_BYTES)
    except OSError as error:
        raise InputError(f"{path}: cannot be decompressed ({error})", "get the file again") from error
    if head[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0" in head[:4]:
        raise InputError(f"{path}: is not UTF-8", "recode it (iconv -f UTF-16 -t UTF-8)")
    if b"<!DOCTYPE" in head or b"<!ENTITY" in head:
        problem = f"{path}: declares its own XML entities, which no MediaWiki dump does; it is not read"
        raise InputError(problem, "get the dump from its publisher")
    start, end = head.find(b"<siteinfo"), head.find(b"</siteinfo>")
    if b"<mediawiki" not in head or start < 0 or end < start:
        problem = f"{path}: is not a MediaWiki XML dump (no <siteinfo> in its first MiB)"
        raise InputError(problem, "get the dump from its publisher")
    try:
        info = ElementTree.fromstring(head[start:end] + b"</siteinfo>")
        namespaces = [(int(space.get("key", "")), space.text or "") for space in info.iter("namespace")]
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(f"{path}: its <siteinfo> is damaged ({error})", "get the file again") from error
    return Siteinfo(info.findtext("sitename") or "", info.findtext("dbname") or "", namespaces)


def make_relative(dump: pa.Table, folder: Path) -> pa.Table:
    """`dump` (WIKIPEDIA_DUMP) with paths relative to `folder` for the files inside it: it will be renamed."""
    return _map_paths(dump, lambda path: path.removeprefix(f"{folder}/"))


def make_absolute(dump: pa.Table, folder: Path) -> pa.Table:
    """`dump` (WIKIPEDIA_DUMP) with absolute paths and URIs only; relative ones are relative to `folder`."""
    return _map_paths(dump, lambda path: path if "://" in path else str(folder / path))


def remove_other_files(dump: pa.Table, folder: Path) -> None:
    """Delete the files in `folder` that are not in `dump`, such as those of an older snapshot."""
    for path in set(folder.iterdir()) - {Path(path) for path in dump["path"].to_pylist()}:
        path.unlink()


def _map_paths(dump: pa.Table, change: Callable[[str], str]) -> pa.Table:
    paths = pa.array([change(path) for path in dump["path"].to_pylist()], pa.string())
    return dump.set_column(dump.schema.get_field_index("path"), "path", paths)
