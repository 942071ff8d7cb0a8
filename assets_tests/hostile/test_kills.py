"""A few kills of real runs in a world with one language; `kill_run` does the same with the whole graph."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys

import pytest

from assets_tests.hostile.kill_run import HEAVY_MODULES
from assets_tests.project import PROJECT

ASSETS = "mlama_release,wikipedia_dump,mlama_split,wikipedia_articles"


@pytest.mark.parametrize("module", HEAVY_MODULES)
def test_a_module_that_is_imported_before_the_runs_exists(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


@pytest.mark.timeout(600)
def test_killed_runs_are_resumed_to_the_same_content() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "assets_tests.hostile.kill_run"),
            *("--kills", "5", "--languages", "uk", "--assets", ASSETS),
        ],
        capture_output=True,
        text=True,
        timeout=580,
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
        check=False,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert done.stdout.splitlines()[-1].startswith(
        "5 kills, 5 resumed to the same content, 0 mixed partitions seen, 0 temporaries left, 0 of"
    )
