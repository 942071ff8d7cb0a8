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
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from factroots_dagster.errors import UnavailableError


class FolderBusyError(UnavailableError):
    """Another process is writing the same folder."""


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
        shutil.rmtree(source)
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
def locked(target: Path) -> Iterator[Path]:
    """Hold an exclusive lock on `target` by a file beside it, whose path is yielded.

    Raises FolderBusyError when another process has it.
    """
    # The umask decides who else of a group may lock it.
    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=0, mode=0o666)
    try:
        lock.acquire()
    except Timeout:
        raise FolderBusyError(
            f"{target} is being written by another run", "wait for it to end and run this one again"
        ) from None
    try:
        yield Path(lock.lock_file)
    finally:
        # Unlinked before the release, not after it: filelock rejects a file that has lost its name, so that a
        # writer that opened this one in the meantime never works beside one that has created the next.
        Path(lock.lock_file).unlink(missing_ok=True)
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
                shutil.rmtree(sibling)
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
    """Yield the path of an empty temporary file that replaces `target` when the block succeeds."""
    make_folder(target.parent)
    _remove_abandoned_files(target)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_RDWR | os.O_CREAT, 0o644)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        yield temporary
        sync(temporary)
        os.replace(temporary, target)
        sync(target.parent)
    finally:
        temporary.unlink(missing_ok=True)
        os.close(descriptor)
