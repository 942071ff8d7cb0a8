"""Readers see one version of a partition, whatever happens to its writers, to the disk and to its bits."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from assets_tests.hostile.case import check_error
from assets_tests.store.hammer import ROWS, SCHEMA, count_mixes, kill, numbers, start_writer, write
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.store import atomic
from factroots_dagster.store.digests import digest_files
from factroots_dagster.store.store import Store
from factroots_dagster.store.versions import MANIFEST, manifest_checksum

FLIPS = 30


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, "sandbox")


def test_readers_beside_a_writer_never_see_two_versions(tmp_path: Path) -> None:
    writer = start_writer(tmp_path)
    try:
        assert count_mixes([tmp_path] * 2, times=300) == 0
    finally:
        kill(writer)


def test_a_writer_killed_at_any_moment_leaves_one_whole_version(tmp_path: Path) -> None:
    chance, store = random.Random(0), Store(tmp_path, "sandbox")
    for kills in range(12):
        writer = start_writer(tmp_path, first=1000 * kills)
        time.sleep(chance.uniform(0, 0.2))
        kill(writer)
        version = store.version("numbers", "xx")
        found = {*version.read()["n"].to_pylist(), *version.read_side("same")["n"].to_pylist()}
        assert len(found) == 1 and version.rows == ROWS and min(found) >= 1000 * kills
        assert digest_files(version.checked_folder()) == version.files
    write(store, 7)
    assert numbers(store) == [7] and list(tmp_path.rglob(".*")) == []
    assert not (store.path("numbers", "xx") / "w").exists()


def flip(path: Path, chance: random.Random) -> None:
    content = bytearray(path.read_bytes())
    bit = chance.randrange(8 * len(content))
    content[bit // 8] ^= 1 << bit % 8
    path.write_bytes(content)


def test_no_flipped_bit_is_read_silently(store: Store) -> None:
    chance = random.Random(1)
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(pa.table({"n": list(range(3000))}, SCHEMA), SCHEMA)
        writer.write(pa.table({"n": [1, 2]}, SCHEMA), SCHEMA, side="first")
        (writer.folder / "page.html").write_text("words " * 200)
    folder = store.require("numbers", "xx")
    readers: dict[str, Callable[[], object]] = {
        "data.parquet": lambda: store.read("numbers", "xx"),
        "_first.parquet": lambda: store.read_side("first", "numbers", "xx"),
        "page.html": lambda: store.require("numbers", "xx"),
    }
    for number in range(FLIPS):
        name, read = list(readers.items())[number % len(readers)]
        whole = (folder / name).read_bytes()
        flip(folder / name, chance)
        with pytest.raises(InputError, match="damaged") as error:
            read()
        check_error(error.value, ("numbers/xx", name))
        (folder / name).write_bytes(whole)
        read()


def test_a_flipped_bit_in_a_manifest_changes_nothing_silently(store: Store) -> None:
    chance = random.Random(2)
    write(store, *range(5))
    before, path = store.manifest("numbers", "xx"), store.path("numbers", "xx") / MANIFEST
    whole = path.read_bytes()
    refused = 0
    for _ in range(FLIPS):
        flip(path, chance)
        try:
            assert store.manifest("numbers", "xx") == before  # it was in the layout of the text
        except InputError as error:
            check_error(error, ("numbers/xx", MANIFEST))
            refused += 1
        path.write_bytes(whole)
    assert refused > FLIPS / 2


def test_a_bit_flipped_long_after_the_file_was_read_is_noticed(store: Store) -> None:
    """Once a file has been read, its digest is not computed again until its times change."""
    write(store, *range(100))
    path = store.require("numbers", "xx") / "data.parquet"
    os.utime(path, (1e9, 1e9))
    time.sleep(2.1)
    assert len(numbers(store)) == len(numbers(store)) == 100
    flip(path, random.Random(0))
    os.utime(path, (1e9, 1e9))
    with pytest.raises(InputError, match="damaged"):
        numbers(store)


def test_a_file_that_is_missing_or_was_added_is_refused(store: Store) -> None:
    write(store, 1)
    folder = store.require("numbers", "xx")
    pq.write_table(pa.table({"n": [2]}, SCHEMA), folder / "part-00001-000.parquet")
    assert numbers(store) == [1]
    with pytest.raises(InputError, match=r"part-00001-000\.parquet was added"):
        store.require("numbers", "xx")
    (folder / "data.parquet").unlink()
    with pytest.raises(InputError, match="missing"):
        numbers(store)


def test_materializing_again_repairs_what_is_damaged(store: Store) -> None:
    """The same content does not lead back to the damaged folder."""
    write(store, 1)
    damaged = store.require("numbers", "xx")
    flip(damaged / "data.parquet", random.Random(0))
    write(store, 1)
    assert numbers(store) == [1] and store.require("numbers", "xx") != damaged
    repaired = store.require("numbers", "xx")
    write(store, 1)
    assert store.require("numbers", "xx") == repaired
    (store.path("numbers", "xx") / MANIFEST).write_bytes(b"\0")
    write(store, 2)
    assert numbers(store) == [2]


def test_a_view_goes_on_reading_the_version_that_it_has_begun(store: Store) -> None:
    write(store, 1)
    view, held = store.view(), store.version("numbers", "xx")
    assert numbers(view) == [1]
    write(store, 2)
    assert numbers(view) == [1] and view.read_side("first", "numbers", "xx")["n"].to_pylist() == [1]
    assert view.require("numbers", "xx") == held.checked_folder()
    with view.write_partition("sums", code_version="1") as writer:
        writer.record_input(view.version("numbers", "xx"))
    assert store.version("sums").inputs == {"numbers/xx": held.digest}
    assert numbers(store) == [2] != numbers(view)


def test_a_reader_that_is_slower_than_the_sweep_is_told_so(store: Store) -> None:
    write(store, 1)
    held = store.version("numbers", "xx")
    write(store, 2)
    shutil.rmtree(held.folder)
    with pytest.raises(UnavailableError, match="numbers/xx was written anew"):
        held.read()


def test_a_folder_that_is_no_key_is_passed_over(store: Store) -> None:
    write(store, 1)
    for name in ("a b", "..odd", "x" * 130, "ü"):
        (store.path("numbers") / name).mkdir()
    assert store.folders("numbers") == store.keys("numbers") == ["xx"]


def test_current_leads_people_to_the_version_that_counts(store: Store) -> None:
    for number in (1, 2, 1):
        write(store, number)
        shown = store.shown_folder("numbers", "xx")
        assert shown == store.path("numbers", "xx") / "current"
        assert pq.read_table(shown / "data.parquet")["n"].to_pylist() == [number]


def test_without_symbolic_links_people_are_given_the_version_itself(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "symlink_to", refuse)
    write(store, 1)
    assert store.shown_folder("numbers", "xx") == store.require("numbers", "xx")


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[int]]:
    """The inodes that were synced so far."""
    inodes: set[int] = set()
    fsync = os.fsync

    def note(descriptor: int) -> None:
        fsync(descriptor)
        inodes.add(os.fstat(descriptor).st_ino)

    monkeypatch.setattr(os, "fsync", note)
    yield inodes


def test_nothing_is_pointed_to_before_the_disk_holds_it(
    store: Store, synced: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a power cut may take is what was not synced when the manifest was replaced."""
    replaced: list[Path] = []
    replace = os.replace

    def check(source: Path, target: Path) -> None:
        if Path(target).name == MANIFEST:
            partition = Path(target).parent
            (version,) = (partition / "v").iterdir()
            needed = [source, partition.parent, partition, partition / "v", version, *version.rglob("*")]
            assert {path.stat().st_ino for path in needed} <= synced
            replaced.append(partition)
        replace(source, target)

    monkeypatch.setattr(os, "replace", check)
    with store.write_partition("numbers", "xx", code_version="1") as writer:
        writer.write(pa.table({"n": [1]}, SCHEMA), SCHEMA)
        (writer.folder / "figures").mkdir()
        (writer.folder / "figures" / "one.svg").write_text("<svg/>")
    assert replaced == [store.path("numbers", "xx")]
    assert replaced[0].stat().st_ino in synced


def test_a_disk_that_cannot_rename_folders_is_written_all_the_same(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As overlayfs, which answers EXDEV for a folder of a lower layer."""
    rename = Path.rename

    def refuse(path: Path, target: Path) -> Path:
        if path.is_dir() and path.parent.name == "w":
            raise OSError(atomic.errno.EXDEV, "Invalid cross-device link")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refuse)
    write(store, 1)
    write(store, 2)
    assert numbers(store) == [2] and list(store.root.rglob(".*")) == []


def test_keys_that_differ_only_in_case_are_kept_apart_or_refused(store: Store) -> None:
    write(store, 1, key="Model")
    write(store, 2, key="model")
    assert numbers(store, "Model") == [1] and numbers(store, "model") == [2]
    # as a disk does that takes them for one
    shutil.rmtree(store.path("numbers", "model"))
    store.path("numbers", "model").symlink_to("Model")
    for use in (numbers, lambda store, key: write(store, 3, key=key)):
        with pytest.raises(InputError, match="capitals from small letters") as error:
            use(store, "model")
        check_error(error.value, ("numbers/model", "numbers/Model"))
    assert numbers(store, "Model") == [1]


def as_older_release(store: Store, key: str = "xx") -> None:
    """Turn a partition into what older releases wrote: the files beside a manifest without a format."""
    version = store.version("numbers", key)
    manifest = {
        name: value
        for name, value in version.manifest.items()
        if name not in ("format", "version", "checksum")
    }
    for path in version.folder.iterdir():
        path.rename(version.partition / path.name)
    shutil.rmtree(version.partition / "v")
    (version.partition / "current").unlink()
    (version.partition / MANIFEST).write_text(json.dumps(manifest))


def test_what_an_older_release_wrote_is_read_until_it_is_written_again(store: Store) -> None:
    write(store, 1)
    digest = store.digest("numbers", "xx")
    as_older_release(store)
    old = store.version("numbers", "xx")
    assert old.folder == store.path("numbers", "xx") == store.require("numbers", "xx")
    assert old.digest == digest and numbers(store) == [1] and store.keys("numbers") == ["xx"]
    assert store.shown_folder("numbers", "xx") == old.folder
    with (
        pytest.raises(ZeroDivisionError),
        store.write_partition("numbers", "xx", code_version="2", resume="a"),
    ):
        raise ZeroDivisionError
    assert numbers(store) == [1]
    write(store, 2)
    assert numbers(store) == [2] and old.read()["n"].to_pylist() == [1]
    flip(old.folder / "data.parquet", random.Random(0))
    with pytest.raises(InputError):
        old.read()


def test_what_a_newer_release_wrote_is_neither_read_nor_replaced(store: Store) -> None:
    write(store, 1)
    path = store.path("numbers", "xx") / MANIFEST
    path.write_text(json.dumps({"format": 3, "where": "elsewhere"}))
    for use in (numbers, lambda store: write(store, 2)):
        with pytest.raises(InputError, match="format 3") as error:
            use(store)
        check_error(error.value, ("numbers/xx",))
        assert "upgrade" in error.value.remedy
    assert json.loads(path.read_text())["format"] == 3


@pytest.mark.parametrize(
    ("declared", "fault"),
    [
        (pa.schema([("n", pa.int64()), ("more", pa.string())]), "no column more"),
        (pa.schema([("n", pa.string())]), "n as int64, not string"),
    ],
)
def test_a_table_of_another_schema_is_refused(store: Store, declared: pa.Schema, fault: str) -> None:
    write(store, 1)
    own = store.view({"numbers": {"": SCHEMA, "first": SCHEMA}})
    assert numbers(own) == [1] and own.read_side("first", "numbers", "xx").num_rows == 1
    other = store.view({"numbers": {"": declared, "first": declared}})
    for read in (
        lambda: other.read("numbers", "xx"),
        lambda: other.require("numbers", "xx"),
        lambda: other.read_side("first", "numbers", "xx"),
        lambda: list(other.version("numbers", "xx").read_batches()),
    ):
        with pytest.raises(InputError, match=fault) as error:
            read()
        check_error(error.value, ("another version of factroots",))
    with pytest.raises(InputError, match="no column gone"):
        store.read("numbers", "xx", columns=["gone"])


@pytest.mark.parametrize(
    "changed",
    [
        {"version": "../../elsewhere"},
        {"version": ""},
        {"files": {"../../../home/.profile": "0" * 64}},
        {"files": {"/etc/profile": "0" * 64}},
        {"files": {"a//b": "0" * 64}},
        {"files": {"..\\x": "0" * 64}},
    ],
)
def test_a_manifest_names_nothing_outside_its_folder(store: Store, changed: dict[str, object]) -> None:
    """Whoever may write manifests, to a bucket for example, writes nowhere else on the disks of readers."""
    write(store, 1)
    version = store.version("numbers", "xx")
    content = {**version.manifest, **changed}
    content["checksum"] = manifest_checksum(content)
    (version.partition / MANIFEST).write_text(json.dumps(content))
    with pytest.raises(InputError, match="damaged"):
        store.version("numbers", "xx")
