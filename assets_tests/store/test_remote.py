"""Partitions in an object store: readers see one version, writers are told, damage is found and mended."""

from __future__ import annotations

import json
import os
import random
import shutil
import time
from collections.abc import Mapping
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pyarrow as pa
import pytest

from assets_tests.hostile.case import check_error
from assets_tests.orchestration.golden.world import CHECKPOINTS, KEY
from assets_tests.serving import free_port
from assets_tests.store.hammer import PROCESSES, ROWS, SCHEMA, count_mixes, kill, numbers, start_writer, write
from assets_tests.store.object_server import ADDRESS, BUCKET, ObjectServer
from factroots_dagster.errors import InputError, UnavailableError
from factroots_dagster.models.registry import registered
from factroots_dagster.settings import Settings
from factroots_dagster.store.atomic import FolderBusyError
from factroots_dagster.store.digests import digest_files
from factroots_dagster.store.objects import PIECE_BYTES, ObjectFolder, cached_uri
from factroots_dagster.store.store import Store
from factroots_dagster.store.sweep import KEEP_SECONDS
from factroots_dagster.store.upkeep import CLOCK
from factroots_dagster.store.versions import MANIFEST

CHECKPOINT = CHECKPOINTS / KEY
PREFIXES = ("", "data", "my data/ä+b@c~", "100%/a=b&c/%20")


pytestmark = pytest.mark.usefixtures("environment")


def object_of(store: Store, file: str, key: str = "xx") -> str:
    """The key of the object of a file of the version that counts."""
    uri = store.shown_place("numbers", key)
    return f"{uri.partition(f'://{BUCKET}/')[2]}/{file}"


def flip(content: bytes, bit: int) -> bytes:
    flipped = bytearray(content)
    flipped[bit // 8] ^= 1 << bit % 8
    return bytes(flipped)


@pytest.mark.parametrize("prefix", PREFIXES)
def test_what_one_machine_writes_another_one_reads(server: ObjectServer, tmp_path: Path, prefix: str) -> None:
    here, there = server.machine(tmp_path, "a b", prefix), server.machine(tmp_path, "c", prefix)
    uri = server.uri(prefix)
    assert cached_uri(here.root.parent) == uri and there.location == f"{uri}/sandbox"
    assert not there.exists("numbers", "xx") and there.keys("numbers") == []
    with pytest.raises(InputError, match="has not been materialized"):
        there.version("numbers", "xx")
    write(here, 1, 2, 3)
    write(here, 4, key="yy")
    with here.write_partition("cells", "model", "xx", code_version="7", upstream={"numbers": "d"}) as writer:
        writer.record_input(here.version("numbers", "xx"))
        (writer.folder / "pages").mkdir()
        (writer.folder / "pages" / "größe.html").write_text("words")
        (writer.folder / "empty").touch()
    assert numbers(there) == [1, 2, 3] and there.read_side("first", "numbers", "xx")["n"].to_pylist() == [1]
    assert there.keys("numbers") == ["xx", "yy"] == there.folders("numbers")
    assert there.folders("cells") == ["model"] and there.keys("cells") == []
    assert there.keys("cells", "model") == ["xx"] and there.exists("cells", "model", "xx")
    assert there.manifest("cells", "model", "xx") == here.manifest("cells", "model", "xx")
    assert there.manifest("cells", "model", "xx")["inputs"] == {"numbers/xx": there.digest("numbers", "xx")}
    folder = there.require("cells", "model", "xx")
    assert (folder / "pages" / "größe.html").read_text() == "words" and (folder / "empty").read_bytes() == b""


def test_the_bucket_holds_the_layout_of_a_local_data_root(
    here: Store, server: ObjectServer, prefix: str, tmp_path: Path
) -> None:
    """So that what other tools copy from one to the other can be read."""
    write(here, 1, 2)
    partition = tmp_path / "copy" / "sandbox" / "numbers" / "xx"
    for name in (
        MANIFEST,
        *(object_of(here, file).partition("/xx/")[2] for file in here.version("numbers", "xx").files),
    ):
        (partition / name).parent.mkdir(parents=True, exist_ok=True)
        (partition / name).write_bytes(server.get(f"{prefix}/sandbox/numbers/xx/{name}"))
    assert numbers(Store(tmp_path / "copy", "sandbox")) == [1, 2]


def test_only_files_that_are_asked_for_are_downloaded(here: Store, there: Store) -> None:
    write(here, 1, 2)
    assert numbers(there) == [1, 2]
    assert [path.name for path in there.version("numbers", "xx").folder.iterdir()] == ["data.parquet"]


def test_files_larger_than_a_request_come_and_go_in_pieces(here: Store, there: Store) -> None:
    content = random.Random(0).randbytes(2 * PIECE_BYTES + 7)
    with here.write_partition("numbers", "xx", code_version="1") as writer:
        (writer.folder / "large").write_bytes(content)
    assert there.version("numbers", "xx").file("large").read_bytes() == content


def test_checkpoints_that_another_machine_has_trained_are_found(here: Store, there: Store) -> None:
    with here.write_partition("sandbox_training", code_version="1") as writer:
        shutil.copytree(CHECKPOINT, writer.folder / "step-2000")
    settings = Settings(world="sandbox", data_root=there.root.parent)
    (found,) = registered(settings).values()
    assert found.key == "sandbox-step-2000" and there.root in Path(found.source).parents
    assert digest_files(Path(found.source)) == digest_files(CHECKPOINT)


def test_a_view_stays_on_one_version(here: Store, there: Store) -> None:
    write(here, 1)
    view = there.view()
    assert view.version("numbers", "xx").rows == 1
    write(here, 2, 3)
    assert numbers(view) == [1] and view.read_side("first", "numbers", "xx")["n"].to_pylist() == [1]
    assert numbers(there) == [2, 3] and numbers(there.view()) == [2, 3]


def test_readers_beside_a_writer_never_see_two_versions(
    tmp_path: Path, prefix: str, server: ObjectServer
) -> None:
    roots = [server.machine(tmp_path, name, prefix).root.parent for name in ("w", "r1", "r2")]
    for root in roots:
        root.mkdir(parents=True)
    writer = start_writer(roots[0], environment=server.environment())
    try:
        assert count_mixes(roots[1:], times=120, environment=server.environment()) == 0
    finally:
        kill(writer)


def add_ones(root: Path, times: int, environment: Mapping[str, str], start: Barrier, result: Path) -> None:
    """Publish one more than what counts, each time when another writer begins, too.

    Writes how often that succeeded, and was refused.
    """
    os.environ.update(environment)
    store, done, refused = Store(root, "sandbox"), 0, 0
    while done + refused < times:
        start.wait(timeout=60)
        try:
            with store.write_partition("numbers", "xx", code_version=root.parent.name) as writer:
                number = store.read("numbers", "xx")["n"][0].as_py()
                writer.write(pa.table({"n": [number + 1]}, SCHEMA), SCHEMA)
            done += 1
        except FolderBusyError:
            refused += 1
    result.write_text(json.dumps([done, refused]))


def test_of_racing_writers_one_wins_each_time_and_the_others_are_told(
    here: Store, tmp_path: Path, prefix: str, server: ObjectServer
) -> None:
    write(here, 0)
    results, start = [tmp_path / f"result-{number}" for number in range(2)], PROCESSES.Barrier(2)
    roots = [server.machine(tmp_path, str(number), prefix).root.parent for number in range(2)]
    processes = [
        PROCESSES.Process(target=add_ones, args=(root, 7, server.environment(), start, result))
        for root, result in zip(roots, results, strict=True)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    counts = [json.loads(result.read_text()) for result in results]
    assert numbers(here) == [sum(done for done, _ in counts)]
    assert sum(refused for _, refused in counts) > 0


def test_a_writer_that_comes_second_changes_nothing(here: Store, there: Store) -> None:
    for before in ([], [1]):
        if before:
            write(here, *before)
        with (
            pytest.raises(FolderBusyError) as caught,
            there.write_partition("numbers", "xx", code_version="1") as writer,
        ):
            writer.write(pa.table({"n": [9, 9]}, SCHEMA), SCHEMA)
            write(here, *before, 5)
        check_error(caught.value, ("numbers/xx", "another writer"))
        assert numbers(here) == numbers(there) == [*before, 5]


def test_content_that_was_written_again_is_replaced(here: Store, there: Store) -> None:
    """Its ETag is that of before, and at Google its generation is not."""
    write(here, 1)
    assert numbers(there) == [1]
    write(here, 1)
    write(there, 2)
    assert numbers(here) == numbers(there) == [2]


def test_what_is_gone_already_keeps_nothing_else_from_being_removed(
    server: ObjectServer, prefix: str
) -> None:
    folder = ObjectFolder(server.uri(prefix))
    names = [f"{number}" for number in range(30)]
    for name in names[1:]:
        folder.put(name, b"")
    folder.delete(names)
    assert list(folder.find("")) == []


def test_a_writer_killed_at_any_moment_leaves_one_whole_version(
    tmp_path: Path, prefix: str, server: ObjectServer, there: Store
) -> None:
    chance, here = random.Random(0), server.machine(tmp_path, "here", prefix)
    for kills in range(8):
        writer = start_writer(here.root.parent, 1000 * kills, server.environment())
        time.sleep(chance.uniform(0, 0.3))
        kill(writer)
        version = there.version("numbers", "xx")
        found = {*version.read()["n"].to_pylist(), *version.read_side("same")["n"].to_pylist()}
        assert len(found) == 1 and version.rows == ROWS and min(found) >= 1000 * kills
        version.checked_folder()
    write(here, 7)
    assert numbers(there) == [7] and not (here.path("numbers", "xx") / "w").exists()


def test_a_draft_that_could_not_be_uploaded_is_continued(
    here: Store, there: Store, monkeypatch: pytest.MonkeyPatch, server: ObjectServer
) -> None:
    made = []
    for address in (f"http://127.0.0.1:{free_port()}", server.address):
        try:
            with here.write_partition("numbers", "xx", code_version="1", resume="source") as writer:
                if not (writer.folder / "data.parquet").exists():
                    made.append(address)
                    writer.write(pa.table({"n": [1]}, SCHEMA), SCHEMA)
                monkeypatch.setenv(ADDRESS[server.scheme], address)
        except UnavailableError:
            monkeypatch.setenv(ADDRESS[server.scheme], server.address)
            assert not there.exists("numbers", "xx")
    assert len(made) == 1 and numbers(there) == [1]


def test_a_flipped_bit_in_the_store_is_told_and_mended_by_writing_again(
    here: Store, there: Store, server: ObjectServer, prefix: str
) -> None:
    write(here, *range(100))
    chance = random.Random(1)
    for file in ("data.parquet", "_first.parquet", MANIFEST):
        name = f"{prefix}/sandbox/numbers/xx/{MANIFEST}" if file == MANIFEST else object_of(here, file)
        content = server.get(name)
        for _ in range(6):
            server.put(name, flip(content, chance.randrange(8 * len(content))))
            with pytest.raises(InputError, match="damaged") as caught:
                there.require("numbers", "xx")
            check_error(caught.value, ("numbers/xx",))
            (found,) = there.verify()
            assert found.error is not None and "damaged" in found.error.problem
            assert str(there.root.parent) not in found.error.problem
        write(here, *range(100))
        (found,) = there.verify()
        assert found.error is None and there.require("numbers", "xx")
        shutil.rmtree(there.root)


def test_a_flipped_bit_in_the_cache_is_told_and_mended_by_downloading_again(
    here: Store, there: Store, caplog: pytest.LogCaptureFixture
) -> None:
    write(here, *range(100))
    path = there.version("numbers", "xx").file("data.parquet")
    for damaged in (flip(path.read_bytes(), 99), path.read_bytes()[:-1]):
        path.write_bytes(damaged)
        caplog.clear()
        assert numbers(there) == list(range(100))
        assert str(path) in caplog.text and "damaged" in caplog.text
    path.unlink()
    (there.path("numbers", "xx") / MANIFEST).write_text("{")
    assert numbers(Store(there.root.parent, "sandbox")) == list(range(100))


def test_an_object_that_is_missing_is_named(
    here: Store, there: Store, server: ObjectServer, prefix: str
) -> None:
    write(here, 1)
    name = object_of(here, "_first.parquet")
    ObjectFolder(server.uri(prefix)).delete([name.removeprefix(f"{prefix}/")])
    with pytest.raises(InputError, match=r"_first\.parquet: the file is missing") as caught:
        there.require("numbers", "xx")
    assert not isinstance(caught.value, UnavailableError)
    write(here, 1)
    assert there.require("numbers", "xx")


def test_a_reader_of_a_version_that_was_removed_is_told(here: Store, there: Store) -> None:
    write(here, 1)
    version = there.version("numbers", "xx")
    write(here, 2)
    assert len(list(here.sweep(keep_seconds=0))) == 2
    with pytest.raises(UnavailableError, match="was written anew"):
        version.read()


def test_what_was_replaced_is_removed_from_store_and_cache_when_it_is_old(
    here: Store, there: Store, server: ObjectServer, prefix: str
) -> None:
    for number in (1, 2, 2, 1):
        write(here, number)
        assert numbers(there) == [number]
    assert list(there.sweep()) == []
    swept = list(there.sweep(keep_seconds=0, dry_run=True))
    assert len(swept) == 4 and list(there.sweep(keep_seconds=0)) == swept
    assert {str(found.path).partition(":")[0] == server.scheme for found in swept} == {True, False}
    names = [info.name for info in ObjectFolder(server.uri(prefix)).find("")]
    counts = here.version("numbers", "xx").folder.name
    assert len(names) == 4
    assert all(f"/v/{counts}/" in name or name.endswith((MANIFEST, CLOCK)) for name in names)
    assert [path.name for path in (there.path("numbers", "xx") / "v").iterdir()] == [counts]
    assert numbers(here) == numbers(there) == [1] and list(there.sweep(keep_seconds=0)) == []


def test_an_upload_that_is_under_way_or_was_given_up_is_kept_for_a_day(
    here: Store, server: ObjectServer, prefix: str
) -> None:
    write(here, 1)
    server.put(f"{prefix}/sandbox/numbers/xx/v/half/data.parquet", b"half")
    server.put(f"{prefix}/sandbox/numbers/yy/v/half/data.parquet", b"half")
    assert list(here.sweep(keep_seconds=0)) == [] and here.keys("numbers") == ["xx"]
    assert KEEP_SECONDS == 24 * 3600 and numbers(here) == [1]


def test_many_partitions_are_looked_at_in_one_request_for_each_asset(
    here: Store, there: Store, server: ObjectServer
) -> None:
    keys = [f"k{number:02}" for number in range(12)]
    for number, key in enumerate(keys):
        write(here, number, key=key)
    digests = {key: here.digest("numbers", key) for key in keys}

    def look(store: Store) -> int:
        """The requests that it takes to look at all of them."""
        before, snapshot = len(server.requests), store.snapshot()
        assert snapshot.keys("numbers") == keys == snapshot.folders("numbers")
        assert {key: snapshot.digest("numbers", key) for key in keys} == digests
        assert not snapshot.exists("numbers", "other") and snapshot.exists("numbers", "k01")
        return len(server.requests) - before

    assert look(there) == 1 + len(keys) and look(there) == 1
    write(here, 99, key="k03")
    digests["k03"] = here.digest("numbers", "k03")
    assert look(there) == 2 and look(Store(there.root.parent, "sandbox")) == 1


def test_a_newer_release_is_not_overwritten(here: Store, server: ObjectServer, prefix: str) -> None:
    write(here, 1)
    name = f"{prefix}/sandbox/numbers/xx/{MANIFEST}"
    server.put(name, server.get(name).replace(b'"format": 2', b'"format": 3'))
    for call in (numbers, write):
        with pytest.raises(InputError, match="format 3"):
            call(here)
