"""SHA-256 of files, and whether they still have the one that was noted when they were written."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import retry_stale

MATERIALIZE_AGAIN = "materialize this partition again"

SETTLED_SECONDS = 2.0
"""Longer than any disk's clock takes to its next time."""

_KNOWN: dict[tuple[int, ...], str] = {}
"""SHA-256 by device, inode, size and times."""


def compute_sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def list_files(folder: Path) -> list[Path]:
    """Every file below a folder, sorted; without those that NFS keeps for who has opened and removed them."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".nfs"))


def digest_files(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file below a folder, by its path in it."""
    return {path.relative_to(folder).as_posix(): known_sha256(path) for path in list_files(folder)}


def check_files(folder: Path, digests: Mapping[str, str]) -> None:
    """Raise InputError where a file is missing, cannot be read or has another SHA-256.

    digests: by path in the folder.
    """
    for name, expected in digests.items():
        path = folder / name
        try:
            found = retry_stale(partial(known_sha256, path))
        except FileNotFoundError:
            raise InputError(f"{path}: the file is missing", MATERIALIZE_AGAIN) from None
        except OSError as error:
            raise unreadable(path, error) from error
        if found != expected:
            problem = f"{path}: damaged (its content is not what was written)"
            raise InputError(problem, f"check the disk, and {MATERIALIZE_AGAIN}")


def unreadable(path: Path, error: OSError) -> InputError:
    """The error of a file that the disk does not give, and that may be whole."""
    reason = os.strerror(error.errno) if error.errno else error
    return InputError(f"{path}: cannot be read ({reason})", "check its permissions and the disk")


def known_sha256(path: Path) -> str:
    """The SHA-256 of a file, which a process computes once for each state of the file.

    A file that was changed a moment ago is read each time: its times would not tell another change.
    """
    stat = path.stat()
    state = (stat.st_dev, stat.st_ino, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns)
    if (digest := _KNOWN.get(state)) is None:
        settled = time.time() - max(stat.st_mtime, stat.st_ctime) > SETTLED_SECONDS
        digest = compute_sha256(path)
        if settled:
            _KNOWN[state] = digest
    return digest
