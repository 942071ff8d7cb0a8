"""Getting a language's dump: found in a folder as it lies, or downloaded from a Wikimedia-like server."""

from __future__ import annotations

import hashlib
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pyarrow as pa

from factroots_dagster.errors import InputError
from factroots_dagster.storage.download import download
from factroots_dagster.wikipedia.schema import WIKIPEDIA_DUMP

LATEST = "latest"
DUMP_NAME = re.compile(
    r"(?P<wiki>[a-z0-9_]+)wiki-(?P<snapshot>[0-9]{8}|latest)-pages-articles"
    r"(?P<streams>-multistream)?(?P<part>[0-9]*)\.xml(?P<range>-p[0-9]+p[0-9]+)?(?:\.(?P<compression>bz2|gz|zst|xz|7z))?"
)
READABLE = ("bz2", "gz", "zst", "")
HEAD = 2**20
LARGEST_DUMP = 2**40
COMPRESSIONS = {"bz2": "bz2", "gz": "gzip", "zst": "zstd", "": None}


@dataclass(frozen=True)
class Siteinfo:
    """What a dump's head says of its wiki."""

    sitename: str
    database: str
    namespaces: list[tuple[int, str]]


def database_prefix(language: str) -> str:
    """The wiki's name in dump files, `zh_yue` for the language code `zh-yue`."""
    return language.lower().replace("-", "_")


def acquire_dump(
    language: str,
    source: str,
    snapshot: str,
    folder: Path,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """The dump of one language's Wikipedia: one row per file (WIKIPEDIA_DUMP), its head read.

    `source` is a folder that holds `<language>wiki-<date>-pages-articles*.xml[.bz2|.gz|.zst]` (files stay
    where they are) or a base URL in Wikimedia's layout (files are downloaded into `folder`; an interrupted
    download goes on where it stopped when `folder` is the same). `snapshot` is a date (`20230501`), or
    `latest` for the newest. A single file is preferred to a multistream one, and both to numbered parts.
    Raises InputError when there is no such dump, it cannot be read, or its checksum is wrong.
    """
    if source.startswith(("http://", "https://")):
        files = downloaded(language, source, snapshot, folder, progress)
    else:
        files = found(language, Path(source).expanduser(), snapshot)
    rows = []
    for path in files:
        named = DUMP_NAME.fullmatch(path.name)
        assert named is not None
        compression = named["compression"] or ""
        # Only a dump's first part needs a head, but every one of Wikimedia's has it.
        info = read_siteinfo(path)
        if info.database and info.database != f"{database_prefix(language)}wiki":
            raise InputError(
                f"{path}: its head says that this is {info.database}, not {database_prefix(language)}wiki. "
                "Remedy: give the file its own name."
            )
        rows.append(
            {
                "language": language,
                "file": path.name,
                "path": str(path),
                "snapshot": named["snapshot"],
                "bytes": path.stat().st_size,
                "sha1": file_sha1(path),
                "compression": compression or "none",
                "sitename": info.sitename,
                "namespaces": [{"key": key, "name": name} for key, name in info.namespaces],
            }
        )
    return pa.Table.from_pylist(rows, schema=WIKIPEDIA_DUMP)


def found(language: str, folder: Path, snapshot: str) -> list[Path]:
    """The files of one dump of `language` in `folder`."""
    pattern = f"{database_prefix(language)}wiki-<date>-pages-articles*.xml[.bz2|.gz|.zst]"
    if not folder.is_dir():
        raise InputError(
            f"The Wikipedia source {folder} is not a folder. "
            f"Remedy: set it to one that holds {pattern}, or to a base URL."
        )
    named = {}
    for path in sorted(folder.iterdir()):
        match = DUMP_NAME.fullmatch(path.name)
        if match and match["wiki"] == database_prefix(language) and path.is_file():
            named[path.absolute()] = match
    snapshots = sorted(
        {match["snapshot"] for match in named.values()}, key=lambda date: (date != LATEST, date)
    )
    wanted = snapshots[-1] if snapshot == LATEST and snapshots else snapshot
    chosen = one_kind({path: match for path, match in named.items() if match["snapshot"] == wanted})
    if not chosen:
        present = f"; snapshots there: {', '.join(snapshots)}" if snapshots else ""
        raise InputError(
            f"No Wikipedia dump of language {language!r}, snapshot {snapshot!r}, in {folder}{present}. "
            f"Remedy: put {pattern} there, or leave the language out."
        )
    for path in chosen:
        if (named[path]["compression"] or "") not in READABLE:
            raise InputError(
                f"{path}: .{named[path]['compression']} cannot be read. "
                f"Remedy: recompress it as .zst or .bz2 (xz -dc FILE | zstd > FILE.zst)."
            )
    return chosen


def one_kind(named: dict[Path, re.Match[str]]) -> list[Path]:
    """Files of one snapshot that make up one whole dump, none of it twice."""

    def kind(path: Path) -> tuple[bool, bool, int]:
        match = named[path]
        compression = match["compression"] or ""
        order = READABLE.index(compression) if compression in READABLE else len(READABLE)
        return bool(match["part"] or match["range"]), bool(match["streams"]), order

    if not named:
        return []
    best = min(kind(path) for path in named)

    def place(path: Path) -> tuple[int, int]:
        first_page = re.search(r"-p([0-9]+)", named[path]["range"] or "")
        return int(named[path]["part"] or 0), int(first_page[1]) if first_page else 0

    return sorted((path for path in named if kind(path) == best), key=place)


def downloaded(
    language: str, base: str, snapshot: str, folder: Path, progress: Callable[[str], None] | None
) -> list[Path]:
    """The single-stream dump of `language` under the URL `base`, brought into `folder` and verified."""
    wiki = f"{database_prefix(language)}wiki"
    base = base.rstrip("/") + f"/{wiki}"
    if snapshot == LATEST:
        sums = remote_text(f"{base}/latest/{wiki}-latest-sha1sums.txt")
        dates = re.findall(rf"{wiki}-([0-9]{{8}})-pages-articles\.xml\.bz2", sums or "")
        if not dates:
            dates = re.findall(r'href="(?:[^"]*/)?([0-9]{8})/?"', remote_text(f"{base}/") or "")
        if not dates:
            raise InputError(f"{base} does not tell its latest snapshot. Remedy: name one, as in 20230501.")
        snapshot = max(dates)
    name = f"{wiki}-{snapshot}-pages-articles.xml.bz2"
    sums = remote_text(f"{base}/{snapshot}/{wiki}-{snapshot}-sha1sums.txt")
    lines = [line.split() for line in (sums or "").splitlines()]
    published = {line[1]: line[0] for line in lines if len(line) == 2}
    target = folder / name
    if not target.exists():
        download(f"{base}/{snapshot}/{name}", target, max_bytes=LARGEST_DUMP, progress=progress)
    expected = published.get(name)
    if expected is not None and file_sha1(target) != expected:
        target.unlink()
        raise InputError(
            f"{base}/{snapshot}/{name}: what arrived has not the published sha1 {expected} and was deleted. "
            "Remedy: run again."
        )
    return [target]


def remote_text(url: str) -> str | None:
    """A small text file by HTTP, None where there is none."""
    request = urllib.request.Request(url, headers={"User-Agent": "factroots"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return reply.read(16 * 2**20).decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        if error.code in (403, 404):
            return None
        raise InputError(
            f"{url}: the server answers {error.code} {error.reason}; check the address."
        ) from error
    except OSError as error:
        raise InputError(f"{url}: cannot be reached ({error}); check the address.") from error


def file_sha1(path: Path) -> str:
    """Hexadecimal sha1 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha1").hexdigest()


def read_siteinfo(path: Path) -> Siteinfo:
    """What the head of a dump file says. Raises InputError when it is no MediaWiki dump, or a hostile one."""
    named = DUMP_NAME.fullmatch(path.name)
    compression = COMPRESSIONS[(named["compression"] or "") if named else ""]
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
        raise InputError(f"{path}: is no MediaWiki XML dump (no <siteinfo> in its first MiB).")
    try:
        info = ElementTree.fromstring(head[start:end] + b"</siteinfo>")
        namespaces = [(int(space.get("key", "")), space.text or "") for space in info.iter("namespace")]
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(
            f"{path}: its <siteinfo> is damaged ({error}). Remedy: get the file again."
        ) from error
    return Siteinfo(info.findtext("sitename") or "", info.findtext("dbname") or "", namespaces)
