"""Publishing a folder atomically: sibling temporary folder, fsync, exchange with the old one, lock.

Nothing here knows about assets. A reader sees the old folder or the new one, never a mix; a killed
writer leaves at most a temporary sibling, which the next writer of the same folder removes.
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

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2


class FolderBusyError(RuntimeError):
    """Another process is writing the same folder."""


def _fsync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _fsync_tree(folder: Path) -> None:
    for parent, _, files in os.walk(folder):
        for name in files:
            _fsync(Path(parent, name))
        _fsync(Path(parent))


def _exchange(a: Path, b: Path) -> bool:
    """Swap two paths in one step (Linux renameat2); False where the kernel or file system cannot."""
    renameat2 = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if renameat2 is None:
        return False
    done = renameat2(_AT_FDCWD, os.fsencode(a), _AT_FDCWD, os.fsencode(b), _RENAME_EXCHANGE)
    if done == 0:
        return True
    code = ctypes.get_errno()
    if code in (errno.EINVAL, errno.ENOSYS, errno.ENOTSUP):
        return False
    raise OSError(code, os.strerror(code), str(b))


@contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Hold an exclusive lock beside `target`; raises FolderBusyError when somebody else does."""
    lock = FileLock(target.with_name(f".{target.name}.lock"), timeout=0)
    try:
        lock.acquire()
    except Timeout:
        raise FolderBusyError(
            f"{target} is being written by another run; wait for it to end and run this one again"
        ) from None
    try:
        yield
    finally:
        # While the lock is held: a writer that has opened the file meanwhile sees that it is gone and retries.
        Path(lock.lock_file).unlink(missing_ok=True)
        lock.release()


def _recover(target: Path, keep: Path) -> None:
    """Undo what a killed writer left: put an old folder back, remove temporary siblings but `keep`."""
    old = target.with_name(f".{target.name}.old")
    if old.exists() and not target.exists():
        old.rename(target)
    # Names that only writers of this folder give: a partition beside it may be called `<name>.<more>`.
    ours = re.compile(rf"\.{re.escape(target.name)}\.(([0-9]+|[0-9a-f]{{24}})\.tmp|old)")
    for left in list(target.parent.iterdir()):
        if ours.fullmatch(left.name) and left.is_dir() and left != keep:
            shutil.rmtree(left)


def _remove_left_files(target: Path) -> None:
    """Remove temporary files of killed writers of a file: those that nobody holds a lock on."""
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.tmp"):
        try:
            descriptor = os.open(left, os.O_RDWR)
        except (FileNotFoundError, IsADirectoryError):
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            left.unlink(missing_ok=True)
        except BlockingIOError:
            pass  # its writer is alive
        finally:
            os.close(descriptor)


@contextmanager
def atomic_folder(target: Path, resume: str | None = None) -> Iterator[Path]:
    """Yield a temporary folder that replaces `target` when the block ends well.

    On an exception `target` stays as it was. The temporary folder is empty, and goes when the block fails;
    but with `resume`, a digest of all that the content depends on, it stays when the block fails or the
    process is killed, and the next writer with the same digest gets it as it was left. Raises
    FolderBusyError when another process is publishing the same target.
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
    """Yield the path of an empty file that replaces `target` when the block has written it and ends well."""
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_left_files(target)
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
