"""Downloading one file over HTTP: resumed after a broken connection, renamed into place when complete."""

from __future__ import annotations

import errno
import os
import shutil
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from urllib.parse import urlsplit

from factroots_dagster.errors import InputError, UnavailableError

ATTEMPTS = 4
BLOCK_BYTES = 1 << 20
TIMEOUT_SECONDS = 60
PROGRESS_SECONDS = 3
FREE_SPACE = "free space on this disk and run again"
CHECK_ADDRESS = "check the address"


def download(
    url: str,
    target: Path,
    *,
    max_bytes: int,
    progress: Callable[[str], None] | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Download `url` to `target` and return `target`; a broken transfer is continued where it stopped.

    The bytes are written to `<target>.part`, which is renamed only when as many bytes have arrived as the
    server announced. A later call continues a part file, provided that the server still offers the same
    version (If-Range with its ETag or date).

    max_bytes: the largest file that is accepted. progress: receives a line of text every few seconds.
    wait: sleeps for a number of seconds between two attempts.

    Raises InputError when `url` is not an http or https address, the server refuses it (4xx), the file has
    more than `max_bytes` or does not fit on the disk, and UnavailableError when `ATTEMPTS` attempts in a row
    brought no new byte.
    """
    if not _is_web_address(url):
        raise InputError(f"cannot download {url!r}", "give an http or https address")
    part = target.with_name(target.name + ".part")
    version_file = target.with_name(target.name + ".part.version")
    failures = 0  # in a row without a new byte: a long download may break many times and still succeed
    while True:
        before = _size(part)
        try:
            _fetch(url, part, version_file, max_bytes, progress)
            os.replace(part, target)
            version_file.unlink(missing_ok=True)
            return target
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the part file is longer than what the server offers: start again
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise InputError(
                    f"{url}: the server answers {error.code} {error.reason}", CHECK_ADDRESS
                ) from error
            failure: Exception = error
        except (OSError, EOFError, HTTPException) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise InputError(f"{url}: no space left in {part.parent}", FREE_SPACE) from error
            failure = error
        failures = 1 if _size(part) > before else failures + 1
        if failures == ATTEMPTS:
            raise UnavailableError(
                f"{url}: no progress in {ATTEMPTS} attempts ({failure})", "try again, or use a local copy"
            )
        wait(2.0**failures)


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 80) < 2**16
    except ValueError:  # unbalanced brackets, or a port that is not a number
        return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _fetch(
    url: str, part: Path, version_file: Path, max_bytes: int, progress: Callable[[str], None] | None
) -> None:
    """Make one attempt: append the missing bytes to `part`, or write it anew when it cannot be continued."""
    request = urllib.request.Request(url, headers={"User-Agent": "factroots", "Accept-Encoding": "identity"})
    offset = _size(part) if version_file.exists() else 0
    if offset:
        request.add_header("Range", f"bytes={offset}-")
        request.add_header("If-Range", version_file.read_text("utf-8"))
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as response:
        if response.status != 206:
            offset = 0
        version = response.headers.get("ETag") or response.headers.get("Last-Modified")
        if version and not version.startswith("W/"):
            version_file.write_text(version, "utf-8")
        else:
            version_file.unlink(missing_ok=True)
        length = response.headers.get("Content-Length")
        total = offset + int(length) if length and length.isdigit() else None
        if total is not None and total > max_bytes:
            raise InputError(
                f"{url}: {total:,} bytes offered, more than the {max_bytes:,} allowed", CHECK_ADDRESS
            )
        missing = (total or 0) - offset
        if missing > shutil.disk_usage(part.parent).free:
            raise InputError(
                f"{url}: needs {missing:,} bytes, more than is free in {part.parent}", FREE_SPACE
            )
        _append(response, part, offset, total, max_bytes, url, progress)


def _append(
    response: HTTPResponse,
    part: Path,
    offset: int,
    total: int | None,
    max_bytes: int,
    url: str,
    progress: Callable[[str], None] | None,
) -> None:
    """Write a response to `part` from `offset` on; raises EOFError when it ends before `total` bytes."""
    reported = time.monotonic()
    with part.open("ab" if offset else "wb") as stream:
        while block := response.read(BLOCK_BYTES):
            offset += len(block)
            if offset > max_bytes:
                raise InputError(f"{url}: sends more than the {max_bytes:,} bytes allowed", CHECK_ADDRESS)
            stream.write(block)
            if progress and time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                progress(f"{url}: {offset / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else ""))
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and offset != total:
        raise EOFError(f"{offset:,} of {total:,} bytes arrived")
