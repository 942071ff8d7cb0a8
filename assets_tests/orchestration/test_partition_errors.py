"""A partition that is missing, unknown, swapped, or a range the wrong way round: refused in one line."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import dagster as dg
import pytest

from assets_tests.orchestration.stand_ins import LANGUAGES, StandIn, good_rows
from assets_tests.project import command, make_home, world_environment
from assets_tests.serving import DEFINITIONS
from factroots_dagster.orchestration.command_errors import range_error
from factroots_dagster.settings import Settings

SANDBOX_LANGUAGES = "en, de, fr, id, hu, ru, uk, el"
ARGUMENTS = {
    "missing": (["mlama_split"], "no --partition is given"),
    "unknown": (["mlama_split", "--partition", "zz"], "there is no such partition"),
    "swapped": (["predictions", "--partition", "en|step-1"], "there is no such partition"),
    "reversed": (["mlama_split", "--partition-range", "fr...en"], "ends before it starts"),
    "unknown end": (["mlama_split", "--partition-range", "fr...zz"], "there is no such partition"),
    "no range": (["mlama_split", "--partition-range", "fr"], "written FIRST...LAST"),
    "not partitioned": (["mlama_release", "--partition", "en"], "have no partitions"),
    "two kinds": (["mlama_split,predictions", "--partition", "en"], "different kinds of partitions"),
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_home(tmp_path_factory.mktemp("partitions") / "home")


def run(home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    settings = Settings(world="sandbox", data_root=home / "data")
    return subprocess.run(
        [command(arguments[0]), *arguments[1:]],
        env=world_environment(settings, home),
        cwd=home,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.mark.parametrize("case", ARGUMENTS)
def test_the_command_line_refuses_in_one_line_that_names_the_keys(home: Path, case: str) -> None:
    arguments, problem = ARGUMENTS[case]
    done = run(home, "dagster", "asset", "materialize", *DEFINITIONS, "--select", *arguments)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1 and problem in line and SANDBOX_LANGUAGES in line
    assert "Traceback" not in done.stderr


def test_dg_launch_refuses_in_the_same_words(home: Path) -> None:
    arguments = ["--assets", "mlama_split", "--partition", "zz", *DEFINITIONS]
    done = run(home, "dg", "launch", *arguments)
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Error: ")]
    assert done.returncode == 1 and "there is no such partition" in line and SANDBOX_LANGUAGES in line


@pytest.mark.parametrize("tags", [{}, {"dagster/partition": "zz"}], ids=["missing", "unknown"])
def test_job_execute_fails_in_words_that_name_the_keys(home: Path, tags: dict[str, str]) -> None:
    arguments = ["-j", "fetch_dump", "--tags", json.dumps(tags)]
    done = run(home, "dagster", "job", "execute", *DEFINITIONS, *arguments)
    assert done.returncode != 0 and SANDBOX_LANGUAGES in done.stderr


@pytest.mark.parametrize("key", ["en|step-1", "step-1|en"], ids=["swapped", "unknown"])
def test_an_unknown_cell_is_refused_before_its_inputs_are_looked_up(home: Path, key: str) -> None:
    for asset in (["mlama_release"], ["mlama_split", "--partition", "en"]):
        made = run(home, "dagster", "asset", "materialize", *DEFINITIONS, "--select", *asset)
        assert made.returncode == 0, made.stderr
    arguments = ["-j", "probe_checkpoint", "--tags", json.dumps({"dagster/partition": key})]
    done = run(home, "dagster", "job", "execute", *DEFINITIONS, *arguments)
    assert done.returncode != 0 and SANDBOX_LANGUAGES in done.stderr
    assert f"unknown partition '{key}'" in done.stderr


@pytest.mark.parametrize(
    ("tags", "problem"),
    [
        ({}, "no partition is given"),
        ({"dagster/partition": "zz"}, "unknown partition 'zz'"),
        (
            {"dagster/asset_partition_range_start": "uk", "dagster/asset_partition_range_end": "el"},
            "the range uk...el is empty: its end comes first",
        ),
    ],
    ids=["missing", "unknown", "reversed"],
)
def test_a_run_of_the_ui_fails_in_words_that_name_the_keys(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tags: dict[str, str], problem: str
) -> None:
    """The UI starts a run with tags; nothing but the run itself looks at them."""
    world = StandIn(monkeypatch, tmp_path, good_rows)
    with dg.instance_for_test() as instance:
        job = dg.Definitions(
            assets=world.assets,
            resources=world.resources(),
            jobs=[dg.define_asset_job("job", world.assets)],
            executor=dg.in_process_executor,
        ).resolve_job_def("job")
        result = job.execute_in_process(instance=instance, tags=tags, raise_on_error=False)
    (failure,) = [event for event in result.all_events if event.is_step_failure]
    description = failure.step_failure_data.user_failure_data.description
    assert problem in description and f"languages: {', '.join(LANGUAGES)}" in description


def test_ranges_of_cells_are_compared_part_by_part(tmp_path: Path) -> None:
    from factroots_dagster.orchestration.partitions import platform_for

    platform = platform_for(Settings(world="sandbox", data_root=tmp_path))
    with dg.instance_for_test() as instance:
        instance.add_dynamic_partitions("sandbox_checkpoint", ["step-1", "step-2"])
        assert range_error(platform, "step-1|en...step-2|fr", instance) is None
        assert range_error(platform, "step-2|en...step-1|fr", instance) is not None
        assert range_error(platform, "step-1|fr...step-2|en", instance) is not None
