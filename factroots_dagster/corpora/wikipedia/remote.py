"""Downloading a language's dump from a server in Wikimedia's layout, every file verified.

`<base>/<wiki>/<date>/` holds the files of a snapshot and `<wiki>-<date>-sha1sums.txt`, which lists each
file once it is complete; while a snapshot is being made its list is short or absent.
"""

from __future__ import annotations

import hashlib
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path

from factroots_dagster.corpora.wikipedia.dump_names import (
    LATEST,
    DumpName,
    database_prefix,
    dumps_of,
    whole_dump,
)
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.download import download

LARGEST_DUMP = 2**40
LARGEST_TEXT = 16 * 2**20


def download_dump(
    language: str,
    base: str,
    snapshot: str,
    folder: Path,
    progress: Callable[[str], None] | None = None,
) -> list[tuple[Path, str]]:
    """Bring a snapshot's files from under the URL `base` into `folder`; return their paths and sha1.

    What the snapshot's list offers is chosen: one file, else a multistream one, else numbered parts, the
    latter two with their index beside them. What lies in `folder` complete and correct is kept, and a
    broken transfer is continued. `latest` is the newest date whose list has a whole dump. Of a snapshot
    without a list the single file is taken as it comes.
    Raises InputError when there is no such snapshot or file, or what arrives has not the published sha1.
    """
    wiki = f"{database_prefix(language)}wiki"
    site = f"{base.rstrip('/')}/{wiki}"
    say = progress or (lambda line: None)
    if snapshot == LATEST:
        snapshot, published, dumps = newest(language, site)
    else:
        published = published_sums(site, snapshot) or {}
        dumps = offered(language, site, snapshot, published)
        if published and not dumps:
            raise InputError(
                f"{site}/{snapshot}: its sha1sums list no complete dump of articles, so it is unfinished or "
                "was removed. Remedy: name another snapshot, or 'latest'."
            )
    if not dumps:
        say(f"{language}: snapshot {snapshot} has no list of sha1sums, its dump is not verified")
        dumps = dumps_of(language, [f"{wiki}-{snapshot}-pages-articles.xml.bz2"])
    indexes = [dump.indexes[0] for dump in dumps if dump.multistream and dump.indexes[0] in published]
    files = [dump.name for dump in dumps] + indexes
    kind = "multistream" if dumps[0].multistream else "single stream"
    parts = f"numbered parts ({len(dumps)})" if dumps[0].numbered else "one file"
    say(f"{language}: snapshot {snapshot} of {site}, {kind}, {parts}")
    sums = {}
    for number, name in enumerate(files, 1):

        def tell(line: str, head: str = f"{language}: file {number} of {len(files)}, ") -> None:
            say(head + line)

        sums[name] = fetch(f"{site}/{snapshot}/{name}", folder / name, published.get(name), tell)
    return [(folder / dump.name, sums[dump.name]) for dump in dumps]


def fetch(url: str, target: Path, expected: str | None, say: Callable[[str], None]) -> str:
    """Download `url` to `target` unless it lies there with the sha1 `expected`; return its sha1."""
    if target.exists():
        actual = file_sha1(target)
        if expected in (None, actual):
            say(f"{target.name}: already there")
            return actual
        target.unlink()
    download(url, target, max_bytes=LARGEST_DUMP, progress=say)
    actual = file_sha1(target)
    if expected not in (None, actual):
        target.unlink()
        raise InputError(
            f"{url}: what arrived has not the published sha1 {expected} and was deleted. "
            "Remedy: run again; if it stays so, name another snapshot."
        )
    say(f"{target.name}: {target.stat().st_size / 1e6:.1f} MB" + (", sha1 verified" if expected else ""))
    return actual


def newest(language: str, site: str) -> tuple[str, dict[str, str], list[DumpName]]:
    """The newest snapshot under `site` that holds a whole dump, its published sha1s, the dump's files."""
    wiki = site.rpartition("/")[2]
    sums = remote_text(f"{site}/{LATEST}/{wiki}-{LATEST}-sha1sums.txt") or ""
    listing = remote_text(f"{site}/") or ""
    dates = set(re.findall(rf"{wiki}-([0-9]{{8}})-", sums))
    dates |= set(re.findall(r'href="(?:[^"]*/)?([0-9]{8})/?"', listing))
    for date in sorted(dates, reverse=True):
        published = published_sums(site, date)
        if published and (dumps := offered(language, site, date, published)):
            return date, published, dumps
    seen = f"none of {', '.join(sorted(dates))} lists one" if dates else "it does not tell its snapshots"
    raise InputError(
        f"{site} offers no complete dump of articles: {seen} in its sha1sums. "
        "Remedy: name a snapshot, as in 20230501, or check the address."
    )


def offered(language: str, site: str, snapshot: str, published: dict[str, str]) -> list[DumpName]:
    """The files of the whole dump that the list `published` offers, empty where there is none.

    Numbered parts are listed one by one while a snapshot is made: they are a whole dump only when no
    number is left out and the server does not say that it is still writing them.
    """
    named = [dump for dump in dumps_of(language, published) if dump.snapshot == snapshot and dump.readable]
    dumps = whole_dump(named)
    if dumps and dumps[0].numbered:
        numbers = {dump.part for dump in dumps}
        job = "articlesmultistreamdump" if dumps[0].multistream else "articlesdump"
        if numbers != set(range(1, max(numbers) + 1)) or job_status(site, snapshot, job) not in ("", "done"):
            return []
    return dumps


def job_status(site: str, snapshot: str, job: str) -> str:
    """How far the server says that a job of a snapshot is (`done`); empty where it does not say."""
    text = remote_text(f"{site}/{snapshot}/dumpstatus.json")
    try:
        return str(json.loads(text or "{}")["jobs"][job]["status"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def published_sums(site: str, snapshot: str) -> dict[str, str] | None:
    """A snapshot's sha1 by file name, as its server publishes them; None where it does not."""
    text = remote_text(f"{site}/{snapshot}/{site.rpartition('/')[2]}-{snapshot}-sha1sums.txt")
    if text is None:
        return None
    lines = (line.split() for line in text.splitlines())
    return {line[1].lstrip("*"): line[0].lower() for line in lines if len(line) == 2}


def remote_text(url: str) -> str | None:
    """A small text file by HTTP, None where there is none."""
    request = urllib.request.Request(url, headers={"User-Agent": "factroots"})
    try:
        with urllib.request.urlopen(request, timeout=60) as reply:
            return str(reply.read(LARGEST_TEXT), "utf-8", "replace")
    except urllib.error.HTTPError as error:
        if error.code in (403, 404):
            return None
        raise UnavailableError(
            f"{url}: the server answers {error.code} {error.reason}. Remedy: check the address, or try later."
        ) from error
    except (OSError, HTTPException) as error:
        raise UnavailableError(f"{url}: cannot be reached ({error}). Remedy: check the address.") from error
    except (ValueError, OverflowError) as error:
        raise InputError(f"{url}: is no address ({error}). Remedy: check it.") from error


def file_sha1(path: Path) -> str:
    """Hexadecimal sha1 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha1").hexdigest()
