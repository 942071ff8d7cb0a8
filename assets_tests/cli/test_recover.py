"""`factroots recover` fails runs whose process was killed, and records what they had finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner, Result

from assets_tests.project import PROJECT, make_home, world_environment
from factroots_dagster.cli.main import main
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.orchestration.events import latest_records
from factroots_dagster.settings import Settings
from factroots_dagster.store.versions import MANIFEST

KILLED_RUN = """
import os, signal
import dagster as dg
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.settings import load_settings
from factroots_dagster.store.store import Store

write_partition = Store.write_partition

def write_or_die(store, asset, *parts, **arguments):
    if parts == ("fr",):
        os.kill(os.getpid(), signal.SIGKILL)
    return write_partition(store, asset, *parts, **arguments)

Store.write_partition = write_or_die
with dg.DagsterInstance.get() as instance:
    stage_runner(load_settings(), instance, print).run("splits", ["mlama_split"], "en", "fr")
"""


def recover(environment: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, ["recover", *arguments], env=environment)


def test_a_killed_run_is_failed_and_what_it_finished_is_recorded_or_why_not_is_said(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    settings = Settings(world="sandbox", data_root=tmp_path / "data", languages=("en", "de", "fr"))
    environment = world_environment(settings, home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        stage_runner(settings, instance, print).run("release", ["mlama_release"])
        process = subprocess.run(
            [sys.executable, "-c", KILLED_RUN],
            env=environment | {"PYTHONPATH": os.pathsep.join([str(PROJECT), *sys.path])},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )
        assert process.returncode == -signal.SIGKILL, process.stderr[-2000:]
        (run,) = instance.get_runs(dg.RunsFilter(statuses=[dg.DagsterRunStatus.STARTED]))
        assert latest_records(instance, "mlama_split") == {}
        manifest = settings.data_root / "sandbox" / "mlama_split" / "de" / MANIFEST
        content = manifest.read_text()
        manifest.write_text("{")
        result = recover(environment)
        beginning = f"run {run.run_id} failed: its process is gone; finished: mlama_split/en; not recorded: "
        assert result.exit_code == 0 and result.output.startswith(beginning + "mlama_split/de: "), (
            result.output
        )
        assert "is damaged" in result.output
        recovered = instance.get_run_by_id(run.run_id)
        assert recovered is not None and recovered.status == dg.DagsterRunStatus.FAILURE
        assert set(latest_records(instance, "mlama_split")) == {("en",)}
        assert recover(environment).output == ""
        manifest.write_text(content)
        assert "recorded: mlama_split/de\n" in recover(environment, "--history").output
        assert set(latest_records(instance, "mlama_split")) == {("en",), ("de",)}


@pytest.mark.parametrize("address", ["code", ":4000", "code:", "code:port"])
def test_a_server_needs_a_host_and_a_port(address: str) -> None:
    result = recover({}, "--server", address)
    assert result.exit_code == 1 and "write it as host:port" in result.output
