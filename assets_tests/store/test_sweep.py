"""What no manifest points to is removed when it is old enough, and nothing else ever is."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pyarrow as pa
import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import locked
from factroots_dagster.store.store import Store
from factroots_dagster.store.sweep import KEEP_SECONDS, sweep_world
from factroots_dagster.store.versions import MANIFEST

SCHEMA = pa.schema([("n", pa.int64())])


def write(store: Store, number: int, *parts: str) -> Path:
    """Publish a partition; the folder of its version."""
    with store.write_partition("numbers", *parts, code_version="1") as writer:
        writer.write(pa.table({"n": [number]}, SCHEMA), SCHEMA)
    return store.require("numbers", *parts)


def fail(store: Store, *parts: str) -> Path:
    """Leave the draft of a run that failed; its folder."""
    draft = store.write_partition("numbers", *parts, code_version="1", resume="source")
    with pytest.raises(ZeroDivisionError), draft as writer:
        (writer.folder / "part").write_bytes(b"half")
        raise ZeroDivisionError
    return writer.folder


def age(path: Path, seconds: float) -> None:
    os.utime(path, (time.time() - seconds, time.time() - seconds))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "sandbox")


def test_a_replaced_version_stays_for_a_day(store: Store) -> None:
    first = write(store, 1, "xx")
    age(first, 10 * KEEP_SECONDS)  # written long ago, but it counts
    second = write(store, 2, "xx")
    assert first.exists()
    age(first, KEEP_SECONDS + 60)
    third = write(store, 3, "xx")
    assert not first.exists() and second.exists() and third.exists()


@pytest.mark.parametrize("manifest", ["{", None])
def test_versions_of_a_partition_without_a_readable_manifest_stay_for_a_day_after_it_is_written_anew(
    store: Store, manifest: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    first = write(store, 1, "xx")
    path = store.path("numbers", "xx") / MANIFEST
    path.unlink() if manifest is None else path.write_text(manifest)
    age(first, 10 * KEEP_SECONDS)
    second = write(store, 2, "xx")
    assert first.exists() and second.exists() and store.read("numbers", "xx")["n"].to_pylist() == [2]
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "its older versions stay for 1 day" in caplog.text and str(path.parent) in caplog.text
    write(store, 3, "xx")
    write(store, 4, "yy")
    assert first.exists() and len(caplog.records) == 1
    age(first, KEEP_SECONDS + 60)
    write(store, 4, "xx")
    assert not first.exists() and second.exists()


def test_a_manifest_that_the_disk_does_not_give_is_not_replaced(store: Store) -> None:
    first = write(store, 1, "xx")
    path = store.path("numbers", "xx") / MANIFEST
    whole = path.rename(path.with_name("aside"))
    path.symlink_to(path.name)  # a loop: any user gets an error, and it is not that there is no file
    with pytest.raises(InputError, match=r"cannot be read.*check its permissions and the disk"):
        write(store, 2, "xx")
    whole.replace(path)
    assert first.exists() and store.read("numbers", "xx")["n"].to_pylist() == [1]


def test_a_world_is_swept_partition_by_partition(store: Store) -> None:
    places = [("xx",), ("model", "yy")]
    replaced = [write(store, 1, *parts) for parts in places]
    kept = [write(store, 2, *parts) for parts in places]
    drafts = [fail(store, "xx"), fail(store, "zz")]
    assert list(sweep_world(store.root)) == []
    shown = list(sweep_world(store.root, keep_seconds=0, keep_draft_seconds=0, dry_run=True))
    assert {each.path for each in shown} == {*replaced, *drafts} and all(each.bytes for each in shown)
    assert all(path.exists() for path in (*replaced, *drafts))
    swept = list(sweep_world(store.root, keep_seconds=0, keep_draft_seconds=0))
    assert {each.path for each in swept} == {*replaced, *drafts}
    assert not any(path.exists() for path in (*replaced, *drafts)) and all(path.exists() for path in kept)
    assert [store.read("numbers", *parts)["n"].to_pylist() for parts in places] == [[2], [2]]


def test_what_is_being_written_or_cannot_be_read_is_left(store: Store) -> None:
    busy, damaged = write(store, 1, "busy"), write(store, 1, "damaged")
    for key in ("busy", "damaged"):
        write(store, 2, key)
    (store.path("numbers", "damaged") / MANIFEST).write_text("{")
    with locked(store.path("numbers", "busy")):
        assert list(sweep_world(store.root, keep_seconds=0)) == []
    assert busy.exists() and damaged.exists()
    with pytest.raises(InputError):
        store.read("numbers", "damaged")


def test_files_of_an_older_release_are_swept_once_they_are_replaced(store: Store) -> None:
    folder = store.path("numbers", "xx")
    write(store, 1, "xx").rename(folder.with_name("moved"))
    old = folder / "data.parquet"
    (folder.with_name("moved") / "data.parquet").rename(old)
    (folder / "figures").mkdir()
    for path in (old, folder / "figures"):
        age(path, 10 * KEEP_SECONDS)
    swept = list(sweep_world(store.root))
    assert {each.path for each in swept} == {old, folder / "figures"}
