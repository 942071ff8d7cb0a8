"""The example for Slurm, with an `sbatch` that runs the tasks of the array one after another."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import dagster as dg

from assets_tests.orchestration.golden.world import KEY
from assets_tests.project import PROJECT, command
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

ASSETS = ("predictions", "neuron_activations", "active_neurons")
SBATCH = """#!/bin/sh
for task in 0 1; do
  SLURM_ARRAY_TASK_ID=$task SLURM_ARRAY_TASK_COUNT=2 bash "$@" || exit 1
done
"""


def test_the_tasks_of_an_array_make_all_languages_and_recovery_records_them(
    tiny_world: tuple[Settings, Store], tiny_environment: dict[str, str], tmp_path: Path
) -> None:
    settings, before = tiny_world
    shutil.copytree(settings.data_root, tmp_path / "data", symlinks=True)
    store = Store(tmp_path / "data", settings.world)
    for name in ASSETS:
        shutil.rmtree(store.path(name, KEY))
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "sbatch").write_text(SBATCH)
    (tmp_path / "bin" / "sbatch").chmod(0o755)
    path = os.pathsep.join((str(tmp_path / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = (
        os.environ | tiny_environment | {"PATH": path, "FACTROOTS_DATA_ROOT": str(tmp_path / "data")}
    )

    def run(*words: str) -> None:
        done = subprocess.run(words, env=environment, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]

    run("sbatch", str(PROJECT / "examples" / "slurm" / "probe.sbatch"), KEY)
    runs = set()
    for name in ASSETS:
        for language in settings.active_languages:
            made = store.version(name, KEY, language)
            assert made.digest == before.digest(name, KEY, language)
            runs.add(made.run_id)
    assert len(runs) == 2
    run(command("factroots"), "recover", "--history")
    with dg.DagsterInstance.from_config(tiny_environment["DAGSTER_HOME"]) as instance:
        recorded = instance.get_materialized_partitions(dg.AssetKey("active_neurons"))
    assert recorded == {f"{KEY}|{language}" for language in settings.active_languages}
