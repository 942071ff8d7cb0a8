"""The project as tests run it: its folder, commands, assets, Dagster home, and a materialized world."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.orchestration.catalog import rows_in
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

PROJECT = Path(__file__).resolve().parent.parent
SEED = 1
STEPS = PRESETS["demo"].steps
"""Steps of the sandbox's training."""
LAST_CHECKPOINT = f"sandbox-step-{STEPS}"
"""The last checkpoint of that training."""


@dataclass(frozen=True)
class MaterializedWorld:
    """A world that `factroots demo` has materialized, its Dagster home and what the command printed."""

    settings: Settings
    store: Store
    dagster_home: Path
    output: str

    def environment(self) -> dict[str, str]:
        """The environment in which commands see this world."""
        return world_environment(self.settings, self.dagster_home)


def world_environment(settings: Settings, dagster_home: Path) -> dict[str, str]:
    """The environment in which commands see a world and a Dagster instance."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    return kept | {
        "DAGSTER_HOME": str(dagster_home),
        "FACTROOTS_WORLD": settings.world,
        "FACTROOTS_DATA_ROOT": str(settings.data_root),
        "FACTROOTS_SANDBOX_SEED": str(settings.sandbox_seed),
        **({"FACTROOTS_LANGUAGES": ",".join(settings.languages)} if settings.languages else {}),
    }


def assets_by(settings: Settings, *dimensions: str) -> list[str]:
    """The assets partitioned by exactly these dimensions, but for those that are made on demand."""
    rows = [row for row in rows_in(settings) if not row.on_demand]
    return [row.name for row in rows if row.partitioned_by == dimensions]


def command(name: str) -> str:
    """Path of a console script of the environment that runs the tests."""
    return str(Path(sys.executable).with_name(name))


def run_factroots(environment: Mapping[str, str], folder: Path, *arguments: str) -> str:
    """What the command prints when it is run in a folder; fails where it does."""
    done = subprocess.run(
        [command("factroots"), *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=1500,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-6000:]
    return done.stdout


def make_home(folder: Path) -> Path:
    """Make a Dagster home with the project's configuration."""
    folder.mkdir(parents=True)
    shutil.copy(PROJECT / ".dagster" / "dagster.yaml", folder)
    return folder
