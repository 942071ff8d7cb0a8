"""A world in which everything has been made by stand-ins, once a session, and a copy of it for each test."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.models.folders import checkpoint_folder
from assets_tests.orchestration.automation.lab import CHECKPOINTS, Lab, Partition, lab_settings


@pytest.fixture(scope="session")
def settled_world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Partition]]:
    """The folder of a world in which everything has been made, and what was made in which order."""
    folder = tmp_path_factory.mktemp("settled")
    (folder / "home").mkdir()
    for key in CHECKPOINTS:
        checkpoint_folder(folder / "checkpoints" / key)
    with dg.instance_for_test(temp_dir=str(folder / "home")) as instance:
        lab = Lab(lab_settings(folder), instance)
        lab.register(*CHECKPOINTS)
        made = lab.settle()
    return folder, made


@pytest.fixture
def lab(settled_world: tuple[Path, list[Partition]], tmp_path: Path) -> Iterator[Lab]:
    """A copy of the settled world and its history for one test."""
    folder = shutil.copytree(settled_world[0], tmp_path / "world")
    with dg.instance_for_test(temp_dir=str(folder / "home")) as instance:
        yield Lab(lab_settings(folder), instance)
