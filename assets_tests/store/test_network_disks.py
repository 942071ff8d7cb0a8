"""What NFS does otherwise than a local disk: locks, names of removed files, and files that others remove.

The errors are those that its client was seen to give; they are raised here where it raises them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assets_tests.hostile.case import check_error
from assets_tests.store.hammer import numbers, write
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store.atomic import FolderBusyError, atomic_file, locked
from factroots_dagster.store.store import Store


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "sandbox")


def failing(error: int, times: int = 10**6, only: Callable[..., bool] = lambda *_: True) -> Any:
    """A function that raises an OSError so many times, for the arguments that are meant; see `around`."""
    failures = [times]

    def around(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            if failures[0] and only(*arguments):
                failures[0] -= 1
                raise OSError(error, os.strerror(error))
            return function(*arguments, **options)

        return call

    return around


@pytest.mark.parametrize("error", [errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_disk_without_locks_is_not_written(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: int
) -> None:
    write(store, 1)
    monkeypatch.setattr(fcntl, "flock", failing(error)(fcntl.flock))
    with pytest.raises(InputError, match=r"its disk has no locks.*mount it with locks") as caught:
        write(store, 2)
    check_error(caught.value, ("numbers/xx",))
    with pytest.raises(InputError, match="its disk has no locks"), atomic_file(tmp_path / "file"):
        pass
    assert numbers(store) == [1] and not list(tmp_path.glob("*.tmp")) and not list(tmp_path.glob(".file*"))


def test_a_lock_on_a_file_that_was_removed_is_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The holder's client gives it another name while somebody has it open, so that it counts one link."""
    flock = fcntl.flock

    def lose_name(descriptor: int, operation: int) -> None:
        if operation & fcntl.LOCK_EX:
            (tmp_path / ".a.lock").rename(tmp_path / ".nfs0001")
        flock(descriptor, operation)

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", lose_name)
        with pytest.raises(FolderBusyError), locked(tmp_path / "a"):
            pass
    with locked(tmp_path / "a"):
        pass


@pytest.mark.parametrize("error", [errno.ENOTEMPTY, errno.EACCES])
def test_a_version_that_cannot_be_removed_keeps_no_other_one(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: int
) -> None:
    keys = ("xx", "yy", "zz")
    for key in keys:
        write(store, 1, key=key)
    replaced = {key: store.version("numbers", key).folder for key in keys}
    for key in keys:
        write(store, 2, key=key)
    with monkeypatch.context() as patch:
        patch.setattr(
            shutil, "rmtree", failing(error, only=lambda path: path == replaced["yy"])(shutil.rmtree)
        )
        swept = list(store.sweep(keep_seconds=0))
    assert [found.path for found in swept] == [replaced["xx"], replaced["zz"]] and replaced["yy"].exists()
    assert (str(replaced["yy"]) in caplog.text) == (error == errno.EACCES)
    assert [found.path for found in store.sweep(keep_seconds=0)] == [replaced["yy"]]


def test_a_file_that_was_removed_while_it_was_open_belongs_to_no_version(store: Store) -> None:
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        (writer.folder / "page.html").write_text("words")
        (writer.folder / ".nfs000000000001").write_text("gone when it is closed")
    version = store.version("numbers", "xx")
    assert list(version.files) == ["page.html"]
    (version.folder / ".nfs000000000001").unlink()
    assert version.checked_folder()


def test_a_file_that_is_found_anew_is_read(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    write(store, 1)
    monkeypatch.setattr(hashlib, "file_digest", failing(errno.ESTALE, times=1)(hashlib.file_digest))
    assert numbers(store) == [1]


def test_a_file_that_another_machine_has_removed_is_not_told_as_damage(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, 1)
    held = store.version("numbers", "xx")
    stale = failing(errno.ESTALE)(hashlib.file_digest)
    with monkeypatch.context() as patch:
        patch.setattr(hashlib, "file_digest", stale)
        with pytest.raises(InputError, match=r"cannot be read \(Stale file handle\)") as caught:
            held.read()
        check_error(caught.value, ("numbers/xx",))
    write(store, 2)
    monkeypatch.setattr(hashlib, "file_digest", stale)
    with pytest.raises(UnavailableError, match=r"was written anew.*run this again"):
        held.read()


def test_a_version_that_is_removed_after_it_was_checked_is_not_told_as_damage(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(store, 1)
    held = store.version("numbers", "xx")
    write(store, 2)
    digest = hashlib.file_digest

    def remove_after(*arguments: Any) -> Any:
        found = digest(*arguments)
        shutil.rmtree(held.folder)
        return found

    monkeypatch.setattr(hashlib, "file_digest", remove_after)
    with pytest.raises(UnavailableError, match="was written anew"):
        held.read()
