"""Fetches one file over HTTP: resumed after a broken connection, in place only when complete."""

from __future__ import annotations

import errno
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from factroots_dagster.errors import InputError, UnavailableError

ATTEMPTS = 4
BLOCK = 1 << 20
TIMEOUT_SECONDS = 60
MAKE_ROOM = "make room on the disk and run again"


def download(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    progress: Callable[[str], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Write what `url` serves to `target`; a broken transfer is continued where it stopped.

    The bytes go to `<target>.part`; the file takes its name only when as many bytes arrived as the
    server announced. A later call continues such a part file, provided that the server still offers
    the same version (If-Range with its ETag or date).

    Raises:
        InputError: not an http(s) address, refused by the server (4xx), or longer than `max_bytes`.
        UnavailableError: four attempts in a row that brought nothing.
    """
    if not _is_web_address(url):
        raise InputError(f"cannot download {url!r}", "give an http or https address")
    part, note = target.with_name(target.name + ".part"), target.with_name(target.name + ".part.version")
    failures = 0  # in a row without a single new byte: a long download may break many times and still end
    while True:
        before = _size(part)
        try:
            _fetch(url, part, note, max_bytes, progress)
            os.replace(part, target)
            note.unlink(missing_ok=True)
            return target
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the part file is not a beginning of what is offered: start again
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise InputError(
                    f"{url}: the server answers {error.code} {error.reason}", "check the address"
                ) from error
            failure: Exception = error
        except (OSError, EOFError, HTTPException) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise InputError(f"{url}: no space left in {part.parent}", MAKE_ROOM) from error
            failure = error
        failures = 1 if _size(part) > before else failures + 1
        if failures == ATTEMPTS:
            raise UnavailableError(
                f"{url}: no progress in {ATTEMPTS} attempts ({failure})", "try again, or give a local copy"
            )
        wait(2.0**failures)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) < 2**16
    except ValueError:  # brackets that do not match, a port that is no number
        return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(url: str, part: Path, note: Path, max_bytes: int, progress: Callable[[str], None] | None) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "factroots", "Accept-Encoding": "identity"})
    have = part.stat().st_size if part.exists() and note.exists() else 0
    if have:
        request.add_header("Range", f"bytes={have}-")
        request.add_header("If-Range", note.read_text("utf-8"))
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        if answer.status != 206:
            have = 0
        version = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        if version and not version.startswith("W/"):
            note.write_text(version, "utf-8")
        else:
            note.unlink(missing_ok=True)
        length = answer.headers.get("Content-Length")
        total = have + int(length) if length and length.isdigit() else None
        if total is not None and total > max_bytes:
            raise InputError(
                f"{url}: {total:,} bytes offered, more than the {max_bytes:,} allowed", "check the address"
            )
        needed = (total or 0) - have
        if needed > shutil.disk_usage(part.parent).free:
            raise InputError(f"{url}: needs {needed:,} bytes, more than is free in {part.parent}", MAKE_ROOM)
        _copy(answer, part, have, total, max_bytes, url, progress)


def _copy(
    answer: object,
    part: Path,
    have: int,
    total: int | None,
    max_bytes: int,
    url: str,
    progress: Callable[[str], None] | None,
) -> None:
    reported = time.monotonic()
    with part.open("ab" if have else "wb") as out:
        while block := answer.read(BLOCK):  # type: ignore[attr-defined]
            have += len(block)
            if have > max_bytes:
                raise InputError(
                    f"{url}: sends more than the {max_bytes:,} bytes allowed", "check the address"
                )
            out.write(block)
            if progress and time.monotonic() - reported > 3:
                reported = time.monotonic()
                progress(f"{url}: {have / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else ""))
        out.flush()
        os.fsync(out.fileno())
    if total is not None and have != total:
        raise EOFError(f"{have:,} of {total:,} bytes arrived")
