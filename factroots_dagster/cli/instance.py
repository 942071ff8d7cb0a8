"""The Dagster instance that commands work on, and its home."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from factroots_dagster.errors import InputError

if TYPE_CHECKING:
    import dagster as dg

CONFIGURATION = Path(__file__).with_name("dagster.yaml")
WORKSPACE = Path(__file__).with_name("workspace.yaml")


def dagster_home() -> Path:
    """The folder of DAGSTER_HOME, by default `.dagster` in the working directory, which is made.

    A home without a dagster.yaml gets the project's, which turns telemetry off. Raises InputError where
    DAGSTER_HOME names no folder: a misspelt one would be an empty history.
    """
    named = os.environ.get("DAGSTER_HOME")
    home = Path(named or Path.cwd() / ".dagster").absolute()
    try:
        if not named:
            home.mkdir(exist_ok=True)
            os.environ["DAGSTER_HOME"] = str(home)
        elif not home.is_dir():
            raise InputError(f"DAGSTER_HOME={home} is not a folder", "create it, or unset DAGSTER_HOME")
        if not (home / CONFIGURATION.name).exists():
            shutil.copyfile(CONFIGURATION, home / CONFIGURATION.name)
    except OSError as error:
        raise InputError(
            f"{home} cannot be written ({error.strerror})", "set DAGSTER_HOME to a folder of your own"
        ) from None
    return home


def written_folder(home: Path) -> Path:
    """Where in a Dagster home files can be written: in a read-only container in its volume `storage`."""
    return home if os.access(home, os.W_OK) else home / "storage"


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of `dagster_home`."""
    import dagster as dg

    dagster_home()
    with dg.DagsterInstance.get() as instance:
        yield instance
