"""Downloading one file over HTTP: resumed after a broken connection, renamed into place when complete."""

from __future__ import annotations

import errno
import os
import re
import shutil
import time
import urllib.error
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.web import PATIENCE_SECONDS, Reply, open_address, without_credentials

ATTEMPTS = 4
PROGRESS_BYTES = 1 << 16
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
    patience: float = PATIENCE_SECONDS,
) -> Path:
    """Download `url` to `target` and return `target`; a broken transfer is continued where it stopped.

    The bytes are written to `<target>.part`, which is renamed only when as many bytes have arrived as the
    server announced. A later call continues a part file, provided that the server still offers the same
    version (If-Range with its ETag or date).

    max_bytes: the largest file that is accepted. progress: receives a line of text every few seconds.
    wait: sleeps for a number of seconds between two attempts. patience, and which redirects are refused: see
    `open_address`.

    Raises InputError when `url` is not an http or https address, the server refuses it (4xx) or answers
    otherwise than with a file, the file has more than `max_bytes` or does not fit on the disk, and
    UnavailableError when the server is too slow, or when `ATTEMPTS` attempts in a row brought less than
    `PROGRESS_BYTES` each.
    """
    shown = without_credentials(url)
    if not _is_web_address(url):
        raise InputError(f"cannot download {shown!r}", "give an http or https address")
    part = target.with_name(target.name + ".part")
    version_file = target.with_name(target.name + ".part.version")
    failures = 0  # in a row with little progress: a long download may break many times and still succeed
    largest = _size(part)
    while True:
        try:
            _fetch(url, part, version_file, max_bytes, progress, patience)
            os.replace(part, target)
            version_file.unlink(missing_ok=True)
            return target
        except urllib.error.HTTPError as error:
            if error.code == 416:  # the part file is longer than what the server offers: start again
                part.unlink(missing_ok=True)
            elif error.code < 500 and error.code not in (408, 429):
                raise InputError(
                    f"{shown}: the server answers {error.code} {error.reason}", CHECK_ADDRESS
                ) from error
            failure: Exception = error
        except (OSError, EOFError, HTTPException) as error:
            if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT):
                raise InputError(f"{shown}: no space left in {part.parent}", FREE_SPACE) from error
            failure = error
        failures = 1 if _size(part) >= largest + PROGRESS_BYTES else failures + 1
        largest = max(largest, _size(part))
        if failures == ATTEMPTS:
            raise UnavailableError(
                f"{shown}: no progress in {ATTEMPTS} attempts ({without_credentials(str(failure))})",
                "try again, or use a local copy",
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
    url: str,
    part: Path,
    version_file: Path,
    max_bytes: int,
    progress: Callable[[str], None] | None,
    patience: float,
) -> None:
    """Make one attempt: append the missing bytes to `part`, or write it anew when it cannot be continued."""
    shown = without_credentials(url)
    headers = {"Accept-Encoding": "identity"}
    offset = _size(part) if version_file.exists() else 0
    if offset:
        headers |= {"Range": f"bytes={offset}-", "If-Range": version_file.read_text("utf-8")}
    with open_address(url, headers, patience) as reply:
        if reply.status not in (200, 206):
            raise InputError(f"{shown}: the server answers {reply.status} instead of the file", CHECK_ADDRESS)
        version = reply.headers.get("ETag") or reply.headers.get("Last-Modified")
        total = reply.length
        if reply.status == 206:
            total = _continued_total(reply, offset, version, version_file)
            if total is None:
                part.unlink(missing_ok=True)
                version_file.unlink(missing_ok=True)
                raise EOFError("the server continues at another place, or another file")
        else:
            offset = 0
            if version and not version.startswith("W/"):
                version_file.write_text(version, "utf-8")
            else:
                version_file.unlink(missing_ok=True)
        if total is not None and total > max_bytes:
            raise InputError(
                f"{shown}: {total:,} bytes offered, more than the {max_bytes:,} allowed", CHECK_ADDRESS
            )
        missing = (total or 0) - offset
        if missing > shutil.disk_usage(part.parent).free:
            raise InputError(
                f"{shown}: needs {missing:,} bytes, more than is free in {part.parent}", FREE_SPACE
            )
        _append(reply, part, offset, total, max_bytes, shown, progress)


def _continued_total(reply: Reply, offset: int, version: str | None, version_file: Path) -> int | None:
    """Bytes of the whole file of which a 206 is a part; None when it does not begin at `offset`."""
    span = re.fullmatch(
        r"bytes ([0-9]{1,18})-([0-9]{1,18})/([0-9]{1,18})", reply.headers.get("Content-Range", "")
    )
    if span is None or offset == 0 or int(span[1]) != offset or not offset <= int(span[2]) < int(span[3]):
        return None
    # The version may be left out: the server has compared it (If-Range).
    return int(span[3]) if version in (None, version_file.read_text("utf-8")) else None


def _append(
    reply: Reply,
    part: Path,
    offset: int,
    total: int | None,
    max_bytes: int,
    shown: str,
    progress: Callable[[str], None] | None,
) -> None:
    """Write a reply's body to `part` from `offset` on; raises EOFError when it ends before `total` bytes."""
    reported = time.monotonic()
    with part.open("ab" if offset else "wb") as stream:
        for block in reply.blocks():
            offset += len(block)
            if offset > max_bytes:
                raise InputError(f"{shown}: sends more than the {max_bytes:,} bytes allowed", CHECK_ADDRESS)
            stream.write(block)
            if progress and time.monotonic() - reported > PROGRESS_SECONDS:
                reported = time.monotonic()
                progress(f"{shown}: {offset / 1e6:.0f} MB" + (f" of {total / 1e6:.0f} MB" if total else ""))
        stream.flush()
        os.fsync(stream.fileno())
    if total is not None and offset != total:
        raise EOFError(f"{offset:,} of {total:,} bytes arrived")
