"""Fixtures for the whole suite: the sandbox world, materialized once as `make demo` does it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from factroots_dagster.settings import Settings
from factroots_dagster.storage.store import Store

PROJECT = Path(__file__).resolve().parent.parent
SEED = 1
CHECKPOINT = "sandbox-step-2400"  # the last of the training


@dataclass(frozen=True)
class MaterializedWorld:
    """A world that `factroots demo` has materialized, its history and what the command printed."""

    settings: Settings
    store: Store
    dagster_home: Path
    output: str

    def environment(self) -> dict[str, str]:
        return world_environment(self.settings, self.dagster_home)


def world_environment(settings: Settings, dagster_home: Path) -> dict[str, str]:
    """The environment in which commands see this world and this Dagster instance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    return kept | {
        "DAGSTER_HOME": str(dagster_home),
        "FACTROOTS_WORLD": settings.world,
        "FACTROOTS_DATA_ROOT": str(settings.data_root),
        "FACTROOTS_SANDBOX_SEED": str(settings.sandbox_seed),
        **({"FACTROOTS_LANGUAGES": ",".join(settings.languages)} if settings.languages else {}),
    }


def command(name: str) -> str:
    """Path of a console script of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def make_home(folder: Path) -> Path:
    """A Dagster home with the project's configuration."""
    folder.mkdir(parents=True)
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", folder)
    return folder


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MaterializedWorld]:
    """The sandbox world of a seed, every asset materialized by the demo command."""
    folder = tmp_path_factory.mktemp("world")
    home = make_home(folder / "home")
    settings = Settings(world="sandbox", data_root=folder / "data", sandbox_seed=SEED)
    done = subprocess.run(
        [command("factroots"), "demo"],
        env=world_environment(settings, home),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1800,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    yield MaterializedWorld(settings, Store(settings.data_root, settings.world), home, done.stdout)
