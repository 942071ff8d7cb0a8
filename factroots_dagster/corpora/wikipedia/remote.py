"""Downloading a language's dump from a server in Wikimedia's layout, every file verified.

`<base>/<wiki>/<date>/` holds the files of a snapshot and `<wiki>-<date>-sha1sums.txt`, which lists each
file once it is complete; while a snapshot is being made its list is short or absent.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import unquote

from factroots_dagster.corpora.wikipedia.dump_names import (
    LATEST,
    DumpName,
    database_prefix,
    parse_dump_names,
    select_complete_dump,
)
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.download import download
from factroots_dagster.store.web import open_address, without_credentials

MAX_DUMP_BYTES = 2**40
MAX_TEXT_BYTES = 16 * 2**20


def download_dump(
    language: str, base: str, snapshot: str, folder: Path, progress: Callable[[str], None] | None = None
) -> list[tuple[Path, str]]:
    """Download a snapshot's files from below the URL `base` into `folder`; return their paths and SHA-1.

    Of the files that the snapshot's list of checksums names one complete dump is selected: one file, else a
    multistream one, else numbered parts, the latter two with their index beside them. Files that are already
    in `folder`, complete and correct, are kept, and an interrupted transfer is continued. `latest` is the
    newest date whose list names a complete dump. Of a snapshot without a list the single file is downloaded
    without verification.
    Raises InputError when there is no such snapshot or file, or a file does not have the published SHA-1,
    and UnavailableError when the server cannot be reached.
    """
    wiki = f"{database_prefix(language)}wiki"
    site = f"{base.rstrip('/')}/{wiki}"
    report = progress or (lambda line: None)
    shown = without_credentials(site)
    if snapshot == LATEST:
        snapshot, sha1s, dumps = find_newest_snapshot(language, site)
    else:
        sha1s = fetch_sha1s(site, snapshot)
        dumps = listed_dump(language, site, snapshot, sha1s)
        if sha1s and not dumps:
            raise InputError(
                f"{shown}/{snapshot}: its sha1sums list no complete dump of articles, or parts of one that "
                "neither dumpstatus.json nor the list of files confirms, so it is unfinished or was removed",
                "name another snapshot, or 'latest'",
            )
    if not dumps:
        report(f"{language}: snapshot {snapshot} has no list of sha1sums, its dump is not verified")
        dumps = parse_dump_names(language, [f"{wiki}-{snapshot}-pages-articles.xml.bz2"])
    indexes = [dump.indexes[0] for dump in dumps if dump.multistream and dump.indexes[0] in sha1s]
    files = [dump.name for dump in dumps] + indexes
    streams = "multistream" if dumps[0].multistream else "single stream"
    parts = f"numbered parts ({len(dumps)})" if dumps[0].numbered else "one file"
    report(f"{language}: snapshot {snapshot} of {shown}, {streams}, {parts}")
    actual_sha1s = {}
    for number, name in enumerate(files, 1):

        def report_file(line: str, prefix: str = f"{language}: file {number} of {len(files)}, ") -> None:
            report(prefix + line)

        actual_sha1s[name] = download_verified(
            f"{site}/{snapshot}/{name}", folder / name, sha1s.get(name), report_file
        )
    return [(folder / dump.name, actual_sha1s[dump.name]) for dump in dumps]


def download_verified(url: str, target: Path, expected: str | None, report: Callable[[str], None]) -> str:
    """Download `url` to `target`, unless it is there with the SHA-1 `expected`; return its SHA-1."""
    if target.exists():
        actual = compute_sha1(target)
        if expected in (None, actual):
            report(f"{target.name}: already there")
            return actual
        target.unlink()
    download(url, target, max_bytes=MAX_DUMP_BYTES, progress=report)
    actual = compute_sha1(target)
    if expected not in (None, actual):
        target.unlink()
        problem = f"the downloaded file does not have the published sha1 {expected} and was deleted"
        raise InputError(
            f"{without_credentials(url)}: {problem}", "run again; if it fails again, name another snapshot"
        )
    report(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB" + (", sha1 verified" if expected else ""))
    return actual


def find_newest_snapshot(language: str, site: str) -> tuple[str, dict[str, str], list[DumpName]]:
    """The newest snapshot below `site` that has a complete dump, its published SHA-1s, the dump's files."""
    wiki = site.rpartition("/")[2]
    sums = fetch_text(f"{site}/{LATEST}/{wiki}-{LATEST}-sha1sums.txt") or ""
    listing = fetch_text(f"{site}/") or ""
    dates = set(re.findall(rf"{wiki}-([0-9]{{8}})-", sums))
    dates |= set(re.findall(r'href="(?:[^"]*/)?([0-9]{8})/?"', listing))
    for date in sorted(dates, reverse=True):
        sha1s = fetch_sha1s(site, date)
        if sha1s and (dumps := listed_dump(language, site, date, sha1s)):
            return date, sha1s, dumps
    listed = f"none of {', '.join(sorted(dates))} lists one in its sha1sums"
    reason = listed if dates else "it does not list its snapshots"
    problem = f"{without_credentials(site)} offers no complete dump of articles: {reason}"
    raise InputError(problem, "name a snapshot, as in 20230501, or check the address")


def listed_dump(language: str, site: str, snapshot: str, sha1s: dict[str, str]) -> list[DumpName]:
    """The files of the complete dump that a snapshot's list of checksums names, empty if there is none.

    Numbered parts are listed one by one while a snapshot is made, and a list may be cut short anywhere: they
    are a complete dump only when no number is missing, the server does not say that it is still writing them,
    and its dumpstatus.json, or else its list of the snapshot's files, names parts and no others.
    """
    listed = parse_dump_names(language, sha1s)
    dumps = select_complete_dump(dump for dump in listed if dump.snapshot == snapshot and dump.readable)
    if dumps and dumps[0].numbered:
        numbers = {dump.part for dump in dumps}
        job = "articlesmultistreamdump" if dumps[0].multistream else "articlesdump"
        if numbers != set(range(1, max(numbers) + 1)):
            return []
        status, files = fetch_job(site, snapshot, job)
        if not files:
            listing = fetch_text(f"{site}/{snapshot}/") or ""
            files = [unquote(name) for name in re.findall(r'href="(?:[^"]*/)?([^"/]+)"', listing)]
        kind = (dumps[0].multistream, dumps[0].compression)
        parts = {
            dump.name
            for dump in parse_dump_names(language, files)
            if dump.numbered and dump.snapshot == snapshot and (dump.multistream, dump.compression) == kind
        }
        if status not in ("", "done") or not parts or not parts <= {dump.name for dump in dumps}:
            return []
    return dumps


def fetch_job(site: str, snapshot: str, job: str) -> tuple[str, list[str]]:
    """What the server says of a job of a snapshot: its status, `done` when complete, and its files' names.

    Both are empty where it says nothing.
    """
    text = fetch_text(f"{site}/{snapshot}/dumpstatus.json")
    try:
        found = json.loads(text or "{}")["jobs"][job]
        return str(found["status"]), list(map(str, found.get("files") or ()))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", []


def fetch_sha1s(site: str, snapshot: str) -> dict[str, str]:
    """A snapshot's SHA-1s by file name, as its server publishes them; empty if it does not."""
    text = fetch_text(f"{site}/{snapshot}/{site.rpartition('/')[2]}-{snapshot}-sha1sums.txt") or ""
    lines = (line.split() for line in text.splitlines())
    return {line[1].lstrip("*"): line[0].lower() for line in lines if len(line) == 2}


def fetch_text(url: str) -> str | None:
    """A small text file over HTTP, None if there is none (403, 404).

    Raises UnavailableError when the server cannot be reached or its text breaks off, InputError when `url` is
    not a URL (see `open_address`).
    """
    shown, text = without_credentials(url), b""
    try:
        with open_address(url) as reply:
            for block in reply.blocks():
                text += block
                if len(text) > MAX_TEXT_BYTES:
                    raise InputError(f"{shown}: has more than {MAX_TEXT_BYTES:,} bytes", "check the address")
        return str(text, "utf-8", "replace")
    except urllib.error.HTTPError as error:
        if error.code in (403, 404):
            return None
        raise UnavailableError(
            f"{shown}: the server answers {error.code} {error.reason}",
            "check the address, or try again later",
        ) from error
    except (OSError, EOFError, HTTPException) as error:
        raise UnavailableError(
            f"{shown}: cannot be reached ({without_credentials(str(error))})",
            "check the address and the network, or try again later",
        ) from error


def compute_sha1(path: Path) -> str:
    """Hexadecimal SHA-1 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha1").hexdigest()
