"""What is removed is old by the clock of the disk or the store, whatever the clock of this machine says."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.store.google_server import google_server
from assets_tests.store.hammer import numbers, write
from assets_tests.store.object_server import BUCKET, ObjectServer
from factroots_dagster.store.pointers import DOWNLOADS
from factroots_dagster.store.store import Store
from factroots_dagster.store.sweep import KEEP_SECONDS

HOUR = 3600.0
SKEWS = [sign * hours * HOUR for hours in (1, 24, 365 * 24) for sign in (1, -1)]
_now = time.time


@pytest.fixture(params=SKEWS)
def skew(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> float:
    """How many seconds this machine's clock is ahead of that of the disk."""
    seconds: float = request.param
    monkeypatch.setattr(time, "time", lambda: _now() + seconds)
    return seconds


def age(path: Path, seconds: float) -> None:
    """Have a file or folder be so old by the clock of the disk."""
    os.utime(path, (_now() - seconds, _now() - seconds))


@pytest.mark.usefixtures("skew")
def test_on_a_disk_with_another_clock_a_version_stays_for_a_day(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    write(store, 1)
    replaced = store.version("numbers", "xx").folder
    write(store, 2)
    write(store, 3)
    assert list(store.sweep()) == [] and replaced.exists()
    age(replaced, KEEP_SECONDS + 60)
    assert [found.path for found in store.sweep()] == [replaced] and not replaced.exists()
    assert numbers(store) == [3]


@pytest.mark.usefixtures("skew")
def test_on_a_disk_with_another_clock_a_draft_waits_for_a_week(tmp_path: Path) -> None:
    store = Store(tmp_path, "sandbox")
    with (
        pytest.raises(ZeroDivisionError),
        store.write_partition("numbers", "xx", code_version="1", resume="a") as writer,
    ):
        (writer.folder / "part").write_bytes(b"half")
        raise ZeroDivisionError
    assert list(store.sweep()) == []
    age(writer.folder, 7 * 24 * HOUR + 60)
    assert [found.path for found in store.sweep()] == [writer.folder]


@pytest.fixture(params=SKEWS)
def clock(request: pytest.FixtureRequest) -> list[float]:
    """How many seconds the store's clock is ahead; a list of one number, which the test may change."""
    return [request.param]


@pytest.fixture
def store(clock: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    with google_server(BUCKET, [], lambda: _now() + clock[0]) as address:
        server = ObjectServer("gs", address, [])
        for name, value in server.environment().items():
            monkeypatch.setenv(name, value)
        yield server.machine(tmp_path, "here", "data")


def objects(store: Store) -> set[str]:
    """The names of the versions in the store."""
    assert store._remote is not None
    found = store._remote.objects.find("numbers/xx/v")
    return {info.name.split("/")[3] for info in found}


def test_in_a_store_with_another_clock_a_version_stays_for_a_day(store: Store, clock: list[float]) -> None:
    write(store, 1)
    write(store, 2)
    assert list(store.sweep()) == [] and len(objects(store)) == 2
    clock[0] += KEEP_SECONDS - HOUR
    write(store, 3)
    assert list(store.sweep()) == [] and len(objects(store)) == 3
    clock[0] += 2 * HOUR
    assert len(list(store.sweep())) == 1 and len(objects(store)) == 2
    clock[0] += KEEP_SECONDS
    write(store, 3)
    assert objects(store) == {store.version("numbers", "xx").folder.name} and numbers(store) == [3]


def test_in_a_store_with_another_clock_an_upload_is_given_a_day(store: Store, clock: list[float]) -> None:
    """As that of a writer that has not published yet, or was killed before it noted what it replaced."""
    assert store._remote is not None
    write(store, 1)
    clock[0] += 10 * KEEP_SECONDS
    store._remote.objects.put("numbers/xx/v/half/data.parquet", b"half")
    before = store.version("numbers", "xx").folder.name
    write(store, 2)
    store._remote.objects.delete([f"numbers/xx/.replaced/{before}"])
    assert list(store.sweep()) == [] and len(objects(store)) == 3
    clock[0] += KEEP_SECONDS + 60
    assert len(list(store.sweep())) == 2 and len(objects(store)) == 1


@pytest.mark.parametrize("clock", [0.0], indirect=True)
@pytest.mark.usefixtures("skew")
def test_downloads_that_are_under_way_are_left_on_a_disk_with_another_clock(store: Store) -> None:
    write(store, 1)
    downloads = store.root.parent / DOWNLOADS
    for name in ("new", "old"):
        (downloads / name).write_bytes(b"half")
    age(downloads / "old", KEEP_SECONDS + 60)
    list(store.sweep())
    assert [path.name for path in downloads.iterdir()] == ["new"]
