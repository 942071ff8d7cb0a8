"""The command line, the jobs and the UI's API on a materialized world, as users use them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets_tests.project import LAST_CHECKPOINT, STEPS, MaterializedWorld, command
from assets_tests.serving import DEFINITIONS, Api, dagster_dev
from factroots_dagster.orchestration.catalog import CATALOG, rows_in
from factroots_dagster.orchestration.history import LOCATION


def run(world: MaterializedWorld, *arguments: str, timeout: float = 300) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command(arguments[0]), *arguments[1:]],
        env=world.environment(),
        cwd=world.dagster_home,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


@pytest.mark.parametrize(
    ("asset", "partition"),
    [
        ("wikipedia_articles", "uk"),
        ("fact_sources", "uk"),
        ("predictions", f"{LAST_CHECKPOINT}|de"),
        ("fact_types", LAST_CHECKPOINT),
    ],
)
def test_materializing_again_from_the_command_line_gives_the_same_bytes(
    world: MaterializedWorld, asset: str, partition: str
) -> None:
    parts = partition.split("|")
    before = world.store.digest(asset, *parts)
    done = run(
        world, "dagster", "asset", "materialize", *DEFINITIONS, "--select", asset, "--partition", partition
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "ASSET_CHECK_EVALUATION" in done.stderr + done.stdout
    assert world.store.digest(asset, *parts) == before


def test_an_unregistered_checkpoint_is_refused_by_name(world: MaterializedWorld) -> None:
    done = run(
        world,
        "dagster",
        "asset",
        "materialize",
        *DEFINITIONS,
        "--select",
        "predictions",
        "--partition",
        "nobody|de",
    )
    assert done.returncode != 0 and "nobody" in done.stdout + done.stderr


def test_a_job_runs_from_the_command_line(world: MaterializedWorld) -> None:
    tags = json.dumps({"dagster/partition": "uk"})
    done = run(world, "dagster", "job", "execute", *DEFINITIONS, "-j", "rebuild_sources", "--tags", tags)
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
    assert "RUN_SUCCESS" in done.stderr + done.stdout


def test_checkpoints_are_listed(world: MaterializedWorld) -> None:
    done = run(world, "factroots", "checkpoints", "list")
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == [
        f"sandbox-step-{step:04d}" for step in (STEPS // 3, 2 * STEPS // 3, STEPS)
    ]


def test_the_definitions_are_valid(world: MaterializedWorld) -> None:
    done = run(world, "dagster", "definitions", "validate", *DEFINITIONS)
    assert done.returncode == 0, done.stdout + done.stderr


def test_great_expectations_can_be_imported_where_main_has_no_file() -> None:
    """Without PySpark's extra `connect` this exits silently, as a run launched from the UI would."""
    done = subprocess.run(
        [sys.executable, "-c", "import great_expectations; print('ok')"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "ok\n"


def test_a_wrong_setting_is_refused_at_start(world: MaterializedWorld) -> None:
    done = subprocess.run(
        [command("dagster"), "definitions", "validate", *DEFINITIONS],
        env=world.environment() | {"FACTROOTS_WORLD": "atlantis"},
        cwd=world.dagster_home,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode != 0 and "FACTROOTS_WORLD" in done.stdout + done.stderr


@pytest.fixture(scope="module")
def api(world: MaterializedWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    with dagster_dev(world, tmp_path_factory.mktemp("webserver")) as api:
        yield api


def test_an_asset_is_materialized_and_checked_from_the_ui(api: Api) -> None:
    """By the request that the UI's Materialize button sends, in a process of its own."""
    run = api.launch(["mlama_split"], "fr")
    assert api.wait(run) == "SUCCESS"
    assert api.checks(run) == {"mlama_split": True}


def test_the_ui_shows_the_history_of_the_demo(api: Api, world: MaterializedWorld) -> None:
    query = """{ assetNodes { assetKey { path } groupName owners { ... on TeamAssetOwner { team } } kinds
                 description hasAssetChecks
                 assetMaterializations(limit: 1) { metadataEntries { label } } } }"""
    nodes = api(query)["assetNodes"]
    assert len(nodes) == len(rows_in(world.settings))
    for node in nodes:
        name = "/".join(node["assetKey"]["path"])
        if CATALOG[name].on_demand:
            assert node["assetMaterializations"] == []
            continue
        (materialization,) = node["assetMaterializations"]
        labels = {entry["label"] for entry in materialization["metadataEntries"]}
        assert labels >= {"path", "seconds", "megabytes_per_second", "digest", "inputs"}, name
        assert labels & {"preview", "picture"}, name
        assert node["groupName"] and node["owners"] and node["kinds"] and node["description"], name
        assert node["hasAssetChecks"], name


RUNS = """
query Runs($filter: RunsFilter!) {
  runsOrError(filter: $filter) {
    ... on Runs { results { runId assetSelection { path } repositoryOrigin { repositoryLocationName } } }
  }
}
"""
START_AGAIN = """
mutation Again($params: ReexecutionParams!) {
  launchPipelineReexecution(reexecutionParams: $params) {
    ... on LaunchRunSuccess { run { runId } }
    ... on PythonError { message }
  }
}
"""


def test_a_run_of_the_demo_is_started_again_from_the_ui(api: Api) -> None:
    of_location = {"tags": [{"key": "dagster/code_location", "value": LOCATION}]}
    runs = api(RUNS, filter=of_location)["runsOrError"]["results"]
    chosen = [run for run in runs if run["assetSelection"] == [{"path": ["knowledge_timeline"]}]][-1]
    assert chosen["repositoryOrigin"]["repositoryLocationName"] == LOCATION
    params = {"parentRunId": chosen["runId"], "strategy": "ALL_STEPS"}
    run = api(START_AGAIN, params=params)["launchPipelineReexecution"]["run"]["runId"]
    assert api.wait(run) == "SUCCESS"
    assert api.checks(run) == {"knowledge_timeline": True}


KILLABLE = [
    ("mlama_split", "id"),
    ("wikipedia_articles", "id"),
    ("predictions,neuron_activations", f"{LAST_CHECKPOINT}|id"),
]


@pytest.mark.parametrize(("assets", "partition"), KILLABLE)
def test_a_killed_run_leaves_the_old_data_and_the_next_one_makes_the_same(
    world: MaterializedWorld, assets: str, partition: str
) -> None:
    parts = partition.split("|")
    names = assets.split(",")
    before = {name: world.store.digest(name, *parts) for name in names}
    arguments = ["asset", "materialize", *DEFINITIONS, "--select", assets, "--partition", partition]
    for seconds in (4.0, 7.0):
        process = subprocess.Popen(
            [command("dagster"), *arguments],
            env=world.environment(),
            cwd=world.dagster_home,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        time.sleep(seconds)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert {name: world.store.digest(name, *parts) for name in names} == before
    done = run(world, "dagster", *arguments)
    assert done.returncode == 0, done.stderr[-3000:]
    assert {name: world.store.digest(name, *parts) for name in names} == before
    folders = [Path(world.store.path(name, *parts)).parent for name in names]
    assert [path for folder in folders for path in folder.glob(".*")] == []
