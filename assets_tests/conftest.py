"""Fixtures for the whole suite: the sandbox world as `make demo` makes it, one Spark session, real data."""

from __future__ import annotations

import os
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pytest
from filelock import FileLock
from hypothesis import settings as hypothesis_settings

from assets_tests.project import (
    PROJECT,
    SEED,
    MaterializedWorld,
    make_home,
    run_factroots,
    world_environment,
)
from factroots_dagster.facts.mlama.split import read_split
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

hypothesis_settings.register_profile("suite", deadline=None)  # a busy machine is no reason to fail
hypothesis_settings.load_profile("suite")
pytest_plugins = ["assets_tests.models.fixtures"]

SLOW_FIXTURES = {"world", "tiny_world", "spark", "real_data"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that need a world, Spark or real data as slow: `make test-fast` leaves them out.

    Only those that use the fixtures of this module: a folder may have a small `world` of its own. Files are
    ordered so that workers do not wait for one another: one makes the demo world while others run what does
    not need it, and quick files are left for the end.
    """
    needs: dict[Path, set[str]] = {}
    for item in items:
        fixtures = item._fixtureinfo.name2fixturedefs if isinstance(item, pytest.Function) else {}
        used = [
            name for name in SLOW_FIXTURES & fixtures.keys() if fixtures[name][-1].func.__module__ == __name__
        ]
        if used:
            item.add_marker(pytest.mark.slow)
        slow = [*used, *(["slow"] if item.get_closest_marker("slow") else [])]
        needs.setdefault(item.path, set()).update(slow)
    first = [next((path for path in needs if name in needs[path]), None) for name in ("world", "tiny_world")]

    def place(item: pytest.Item) -> int:
        needed = needs[item.path]
        if item.path in first:
            return first.index(item.path)
        return 4 if not needed else 3 if "world" in needed else 2

    items.sort(key=place)  # stable: a file's tests stay together and in order


@pytest.fixture(scope="session")
def world(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str
) -> Iterator[MaterializedWorld]:
    """The sandbox world of a seed, every asset materialized by the demo command.

    The first worker of pytest-xdist that needs it makes it; each of them has a copy of its own to write to.
    """
    made = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        made = made.parent
    made = made / f"demo-{testrun_uid}"
    with FileLock(made.with_suffix(".lock")):
        if not made.is_dir():
            _make_demo(made)
    folder = tmp_path_factory.mktemp("world") / "copy"
    shutil.copytree(made, folder, symlinks=True)
    settings = _demo_settings(folder)
    store = Store(settings.data_root, settings.world)
    output = (folder / "output.txt").read_text().replace(str(_draft(made)), str(folder))
    yield MaterializedWorld(settings, store, folder / "home", output)


def _demo_settings(folder: Path) -> Settings:
    return Settings(world="sandbox", data_root=folder / "data", sandbox_seed=SEED)


def _draft(folder: Path) -> Path:
    return folder.with_suffix(".draft")


def _make_demo(folder: Path) -> None:
    """Run `factroots demo` in a folder, which appears when it has succeeded."""
    draft = _draft(folder)
    home = make_home(draft / "home")
    output = run_factroots(world_environment(_demo_settings(draft), home), draft, "demo")
    (draft / "output.txt").write_text(output)
    draft.rename(folder)


@pytest.fixture(scope="session")
def tiny_world(
    tmp_path_factory: pytest.TempPathFactory, worker_id: str, testrun_uid: str
) -> tuple[Settings, Store]:
    """The world of the golden record, every asset materialized; nobody writes to it.

    The first worker of pytest-xdist that needs it makes it.
    """
    from assets_tests.orchestration.golden.world import golden_settings, materialize

    shared = tmp_path_factory.getbasetemp()
    if worker_id != "master":
        shared = shared.parent
    folder = shared / f"tiny-{testrun_uid}"
    with FileLock(folder.with_suffix(".lock")):
        if not (finished := folder.with_suffix(".finished")).exists():
            materialize(folder, print)
            finished.touch()
    settings = golden_settings(folder)
    return settings, Store(settings.data_root, settings.world)


@pytest.fixture
def tiny_copy(tiny_world: tuple[Settings, Store], tmp_path: Path) -> Settings:
    """The tiny world in folders of its own, data and checkpoints, to write to."""
    settings, _ = tiny_world
    assert settings.checkpoints is not None
    folders = {"data_root": settings.data_root, "checkpoints": settings.checkpoints}
    for name, folder in folders.items():
        shutil.copytree(folder, tmp_path / "tiny" / name, symlinks=True)
    return settings.model_copy(update={name: tmp_path / "tiny" / name for name in folders})


@pytest.fixture
def tiny_environment(tiny_world: tuple[Settings, Store], tmp_path: Path) -> dict[str, str]:
    """The variables with which a process sees the tiny world, and a Dagster home of its own."""
    settings, _ = tiny_world
    return {
        "DAGSTER_HOME": str(make_home(tmp_path / "home")),
        "FACTROOTS_WORLD": settings.world,
        "FACTROOTS_DATA_ROOT": str(settings.data_root),
        "FACTROOTS_LANGUAGES": ",".join(settings.languages),
        "FACTROOTS_CHECKPOINTS": str(settings.checkpoints),
        "FACTROOTS_SANDBOX_PRESET": settings.sandbox_preset,
        "FACTROOTS_SPARK_MASTER": settings.spark_master,
        "FACTROOTS_DEVICE": settings.device,
    }


@pytest.fixture(scope="session")
def spark() -> Iterator[object]:
    """One Spark session for all tests."""
    from factroots_dagster.spark.session import spark_session

    yield spark_session("local[2]")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data: FACTROOTS_TEST_DATA, or `shared/data` beside the project."""
    override = os.environ.get("FACTROOTS_TEST_DATA")
    folder = Path(override) if override else PROJECT.parent / "shared" / "data"
    if not (folder / "wikipedia").is_dir():
        pytest.skip(f"no real dumps in {folder} (set FACTROOTS_TEST_DATA)")
    return folder


@dataclass(frozen=True)
class Greek:
    """The real Greek dump's articles and the real Greek facts."""

    articles_folder: Path
    articles: pa.Table
    split: pa.Table


@pytest.fixture(scope="session")
def greek(spark, real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Greek:  # type: ignore[no-untyped-def]
    from factroots_dagster.corpora.wikipedia.articles import write_articles
    from factroots_dagster.corpora.wikipedia.dump import acquire_dump

    folder = tmp_path_factory.mktemp("greek")
    dump = acquire_dump("el", str(real_data / "wikipedia"), "latest", folder)
    write_articles(spark, dump, folder)
    with tarfile.open(real_data / "mlama1.1.tar.xz") as archive:
        release = tmp_path_factory.mktemp("mlama")
        members = [member for member in archive if "/el/" in f"/{member.name}" and member.isfile()]
        archive.extractall(release, members, filter="data")
    (templates,) = release.rglob("templates.jsonl")
    articles = ds.dataset(folder).to_table().filter(pc.is_null(pc.field("redirect_to")))
    return Greek(folder, articles, read_split(templates.parent.parent, "el"))
