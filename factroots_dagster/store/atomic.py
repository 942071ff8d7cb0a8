"""Atomic replacement of a folder or a file: a temporary sibling, fsync, then one rename, under a lock.

A reader sees the old content or the new one, never a mixture. A killed writer leaves at most a temporary
sibling and a lock file, which the next writer of the same target removes.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import glob
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from factroots_dagster.errors import UnavailableError

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class FolderBusyError(UnavailableError):
    """Another process is writing the same folder."""


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_tree(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _fsync(path)


def _exchange(a: Path, b: Path) -> bool:
    """Swap two paths in one step (Linux renameat2); False where the kernel or file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    if renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE) == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(b))


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold an exclusive lock on `target` by a file beside it; raises FolderBusyError when another has it."""
    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise FolderBusyError(
            f"{target} is being written by another run", "wait for it to end and run this one again"
        ) from None
    try:
        yield
    finally:
        # Unlinked before the release, not after it: filelock rejects a file that has lost its name, so that a
        # writer that opened this one in the meantime never works beside one that has created the next.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _recover(target: Path, keep: Path) -> None:
    """Clean up after killed writers: put the old folder back, remove temporary siblings except `keep`."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)
    # Matches the temporary names of this target only: a sibling may be called `<name>.<suffix>`.
    temporary_name = re.compile(rf"\.{re.escape(target.name)}\.(([0-9]+|[0-9a-f]{{24}})\.tmp|old)")
    for sibling in list(target.parent.iterdir()):
        if temporary_name.fullmatch(sibling.name) and sibling.is_dir() and sibling != keep:
            shutil.rmtree(sibling)


def _remove_abandoned_files(target: Path) -> None:
    """Remove the temporary files of killed writers of a file: those that no process has locked."""
    for temporary in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        try:
            descriptor = os.open(temporary, os.O_RDWR)
        except (FileNotFoundError, IsADirectoryError):
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            temporary.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # its writer is alive
        finally:
            os.close(descriptor)


@contextmanager
def atomic_folder(target: Path, resume: str | None = None) -> Iterator[Path]:
    """Yield a temporary folder that replaces `target` when the block succeeds.

    When the block raises, `target` stays as it was and the temporary folder is removed.

    resume: a digest (24 hexadecimal digits) of everything that the content depends on. The temporary folder
        of a writer that failed or was killed is then kept, and the next writer with the same digest continues
        in it.

    Raises FolderBusyError when another process is writing the same target.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target):
        temporary = target.with_name(f".{target.name}.{resume or os.getpid()}.tmp")
        _recover(target, keep=temporary if resume else target)
        temporary.mkdir(exist_ok=True)
        try:
            yield temporary
            _fsync_tree(temporary)
            if not target.exists():
                temporary.rename(target)
            elif not _exchange(temporary, target):
                old = target.with_name(f".{target.name}.old")
                target.rename(old)
                temporary.rename(target)
                shutil.rmtree(old)
            _fsync(target.parent)
            shutil.rmtree(temporary, ignore_errors=True)
        finally:
            if resume is None:
                shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield the path of an empty temporary file that replaces `target` when the block succeeds."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned_files(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield temporary
        _fsync(temporary)
        os.replace(temporary, target)
        _fsync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)
