"""Files that a Spark task takes from an object store, by the path that they have on the driver."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from assets_tests.store.hammer import write
from factroots_dagster.errors import InputError
from factroots_dagster.spark.disks import needed_files
from factroots_dagster.store.digests import compute_sha256
from factroots_dagster.store.objects import find_cache
from factroots_dagster.store.remote import fetch_cached
from factroots_dagster.store.store import Store

FILE = "data.parquet"


@pytest.mark.usefixtures("environment")
def test_a_file_comes_once_and_again_when_it_is_damaged(here: Store, there: Store) -> None:
    write(here, 1, 2)
    written, wanted = here.version("numbers", "xx"), there.version("numbers", "xx")
    path, sha256 = wanted.folder / FILE, written.files[FILE]
    fetch_cached(path, sha256)
    assert path.read_bytes() == (written.folder / FILE).read_bytes()
    first = path.stat().st_mtime_ns
    fetch_cached(path, sha256)
    assert path.stat().st_mtime_ns == first
    path.write_bytes(b"other")
    fetch_cached(path, sha256)
    assert compute_sha256(path) == sha256


@pytest.mark.usefixtures("environment")
def test_what_the_store_does_not_give_is_told(here: Store, there: Store, tmp_path: Path) -> None:
    write(here, 1)
    folder = there.version("numbers", "xx").folder
    with pytest.raises(InputError, match="damaged"):
        fetch_cached(folder / FILE, "0" * 64)
    with pytest.raises(InputError, match=r"no\.parquet: the file is missing"):
        fetch_cached(folder / "no.parquet", "0" * 64)
    assert not (folder / FILE).exists() and not (folder / "no.parquet").exists()
    with pytest.raises(ValueError, match="not in the cache of an object store"):
        fetch_cached(tmp_path / FILE, "0" * 64)


class Session:
    """What `needed_files` looks at of a Spark session, which would need a cluster."""

    def __init__(self, master: str) -> None:
        self.sparkContext = self
        self.master = master


@pytest.mark.parametrize(("master", "are_needed"), [("local[2]", False), ("spark://host:7077", True)])
def test_tasks_elsewhere_need_what_is_in_a_cache(tmp_path: Path, master: str, are_needed: bool) -> None:
    cached, shared = tmp_path / "objects+s3+facts" / "sandbox" / FILE, tmp_path / FILE
    for path in (cached, shared):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"rows")
    session: Any = Session(master)
    needed = needed_files(session, [[shared], [cached, shared]], [0, 1])
    assert needed == {0: {}, 1: {cached: compute_sha256(cached)} if are_needed else {}}
    assert needed_files(session, [], [0, 1]) == {}
    assert find_cache(cached) == tmp_path / "objects+s3+facts" and find_cache(shared) is None
