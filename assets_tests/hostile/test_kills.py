"""A few kills of real runs in a world with one language; `kill_run` does the same with the whole graph."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets_tests.conftest import PROJECT
from assets_tests.hostile.kill_run import HEAVY_MODULES, STEPS
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.settings import Settings

ASSETS = "mlama_release,wikipedia_dump,mlama_split,wikipedia_articles"


def test_every_asset_of_the_sandbox_is_killed(tmp_path: Path) -> None:
    graph = build_defs(Settings(world="sandbox", data_root=tmp_path)).resolve_asset_graph()
    names = [name for assets, _ in STEPS for name in assets]
    assert sorted(names) == sorted(key.to_user_string() for key in graph.get_all_asset_keys())


@pytest.mark.parametrize("module", HEAVY_MODULES)
def test_a_module_that_is_imported_before_the_runs_exists(module: str) -> None:
    assert importlib.util.find_spec(module) is not None


@pytest.mark.timeout(600)
def test_killed_runs_are_resumed_to_the_same_bytes() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "assets_tests.hostile.kill_run"),
            *("--kills", "5", "--languages", "qag", "--assets", ASSETS),
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
        "5 kills, 5 resumed to the same bytes, 0 mixed partitions seen, 0 temporaries left, 0 of"
    )
