"""Files and folders that appear complete or not at all: a temporary sibling, fsync, then one rename.

A reader sees the old content or the new one, never a mixture, after a power cut too. A killed writer leaves
at most a temporary sibling and a lock file, which the next writer of the same target removes.
"""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from factroots_dagster.errors import InputError, UnavailableError

_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP)
_STALE_RETRIES = 3

Made = TypeVar("Made")


class FolderBusyError(UnavailableError):
    """Another process is writing the same folder."""


def retry_stale(function: Callable[[], Made]) -> Made:
    """What a function returns that reads files by their names.

    Of a file that another machine has replaced or removed meanwhile NFS says ESTALE: its name is then looked
    up anew.
    """
    for _ in range(_STALE_RETRIES):
        try:
            return function()
        except OSError as error:
            if error.errno != errno.ESTALE:
                raise
    return function()


def disk_time(folder: Path) -> float:
    """The time by the clock of the disk that holds a folder, which may be a server's.

    In seconds since the epoch. Raises OSError where nothing can be written into the folder.
    """
    with tempfile.TemporaryFile(dir=folder) as file:
        return os.fstat(file.fileno()).st_mtime


def sync(path: Path) -> None:
    """Have the disk hold a file's content, or a folder's list of names, before anything that follows."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_tree(folder: Path) -> None:
    """`sync` a folder and everything below it."""
    for path in (folder, *folder.rglob("*")):
        sync(path)


def make_folder(folder: Path) -> None:
    """Make a folder and its parents, as far as they are missing, so that they survive a power cut."""
    missing = [path for path in (folder, *folder.parents) if not path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in missing:
        sync(path.parent)


def move_folder(source: Path, target: Path) -> None:
    """Rename a folder; `target` must not exist. Copies it where the file system cannot rename it (EXDEV)."""
    try:
        source.rename(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        copy = target.with_name(f".{target.name}.tmp")
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(source, copy)
        sync_tree(copy)
        copy.rename(target)
        shutil.rmtree(source, ignore_errors=True)
    sync(target.parent)
    if source.parent != target.parent:
        sync(source.parent)


def link_or_copy(source: Path, target: Path) -> None:
    """Give a file a second name, or a copy where the disk has no hard links; `target` is replaced."""
    target.unlink(missing_ok=True)
    try:
        target.hardlink_to(source)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
            raise
        shutil.copyfile(source, target)


@contextmanager
def lock_errors(target: Path) -> Iterator[None]:
    """Raise an InputError where the disk of `target` has no locks."""
    try:
        yield
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise
        problem = f"{target}: its disk has no locks ({error.strerror})"
        remedy = "mount it with locks (NFS 4, or NFS 3 with a lock daemon), or use a folder on another disk"
        raise InputError(problem, remedy) from error


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold an exclusive lock on `target`.

    Raises FolderBusyError when another process has it, and InputError where the disk has no locks.
    """
    path = target.with_name(f".{target.name}.lock")

    def check_name(descriptor: int) -> None:
        """Raise Timeout for a file that has lost its name; on NFS it has another one until it is closed."""
        try:
            if not os.path.samestat(os.fstat(descriptor), path.stat()):
                raise Timeout(str(path))
        except FileNotFoundError:
            raise Timeout(str(path)) from None

    # The umask decides who else of a group may lock it. A lock that is the existence of a file would outlive
    # who is killed.
    lock = FileLock(path, timeout=0, mode=0o666, fallback_to_soft=False, on_acquired=check_name)
    try:
        with lock_errors(target):
            retry_stale(lock.acquire)
    except Timeout:
        raise FolderBusyError(
            f"{target} is being written by another run", "wait for it to end and run this one again"
        ) from None
    try:
        yield
    finally:
        # Unlinked before the release, not after it: a file that has lost its name is rejected, so that a
        # writer that opened this one in the meantime never works beside one that has created the next.
        path.unlink(missing_ok=True)
        lock.release()


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
def atomic_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target`, which must not exist, when the block succeeds.

    Raises FolderBusyError when another process is writing the same target.
    """
    make_folder(target.parent)
    with locked(target):
        # Matches the temporary names of this target only: a sibling may be called `<name>.<suffix>`.
        abandoned = re.compile(rf"\.{re.escape(target.name)}\.[0-9]+\.tmp")
        for sibling in list(target.parent.iterdir()):
            if abandoned.fullmatch(sibling.name):
                shutil.rmtree(sibling, ignore_errors=True)
        temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
        temporary.mkdir()
        try:
            yield temporary
            sync_tree(temporary)
            move_folder(temporary, target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def atomic_file(target: Path) -> Iterator[Path]:
    """Yield the path of an empty temporary file that replaces `target` when the block succeeds.

    Raises InputError where the disk has no locks.
    """
    make_folder(target.parent)
    _remove_abandoned_files(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        with lock_errors(target):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield temporary
        sync(temporary)
        os.replace(temporary, target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)
