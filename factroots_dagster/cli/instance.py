"""The Dagster instance that commands work on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from factroots_dagster.errors import InputError

if TYPE_CHECKING:
    import dagster as dg


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """The Dagster instance of DAGSTER_HOME, by default the `.dagster` folder of the working directory."""
    import dagster as dg

    home = Path(os.environ.setdefault("DAGSTER_HOME", str(Path.cwd() / ".dagster")))
    if not home.is_dir():
        raise InputError(
            f"DAGSTER_HOME={home} is not a folder", "create it, or run factroots in the project's folder"
        )
    with dg.DagsterInstance.get() as instance:
        yield instance
