"""`factroots status` tells what is there, outdated, failed or late; `open` and `completion`."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from click.testing import CliRunner

from assets_tests.orchestration.golden.world import KEY
from assets_tests.project import command
from factroots_dagster.cli.main import main
from factroots_dagster.orchestration.health import LATE_SECONDS, InstanceHealth
from factroots_dagster.orchestration.status import LOW_BYTES, PlatformStatus
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

World = tuple[Settings, Store]


@pytest.fixture(autouse=True)
def environment(tiny_world: World, tiny_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in tiny_environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)


def status() -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(main, ["status", "--json"])
    return result.exit_code, json.loads(result.output)


def by_asset(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {row["asset"]: row for row in found["assets"]}


def test_what_is_up_to_date_is_said_to_be(tiny_world: World) -> None:
    code, found = status()
    assert code == 0 and found["problems"] == [] and found["world"] == "sandbox"
    assert found["data_root"] == str(tiny_world[0].data_root) and found["free_bytes"] > 0
    assets = by_asset(found)
    assert assets.pop("sandbox_training")["missing"] == [None]  # the tiny world has a checkpoint without it
    assert all(row["materialized"] == row["partitions"] and not row["outdated"] for row in assets.values())
    assert assets["predictions"]["partitions"] == 3


def test_another_seed_makes_the_world_outdated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FACTROOTS_SANDBOX_SEED", "1")
    code, found = status()
    assert code == 0 and by_asset(found)["mlama_release"]["outdated"] == [None]


def test_a_failed_check_is_a_problem() -> None:
    with dg.DagsterInstance.get() as instance:
        instance.add_dynamic_partitions("sandbox_checkpoint", [KEY])
        instance.report_runless_asset_event(
            dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("predictions"),
                check_name="blocking",
                passed=False,
                metadata={},
                partition=f"{KEY}|qab",
            )
        )
    code, found = status()
    assert code == 1 and found["problems"] == ["predictions: 1 failed"]
    assert by_asset(found)["predictions"]["failed"] == [f"{KEY}|qab"]


def test_a_late_daemon_and_a_full_disk_are_problems() -> None:
    ages = {"SENSOR": LATE_SECONDS + 1, "SCHEDULER": LATE_SECONDS - 1}
    found = PlatformStatus("sandbox", "/data", [], LOW_BYTES - 1, InstanceHealth(ages))
    assert found.health.late_daemons == ["SENSOR"]
    assert found.problems == ["less than 1 GB free under /data", "SENSOR: no heartbeat for 300 s"]


def test_open_prints_the_path_where_there_is_no_browser(tiny_world: World) -> None:
    result = CliRunner().invoke(main, ["open"])
    page = tiny_world[1].shown_folder("categorization_report", KEY) / "index.html"
    assert result.exit_code == 0 and result.output == f"{page}\n" and page.is_file()
    comparison = CliRunner().invoke(main, ["open", "--comparison"]).output.strip()
    assert Path(comparison).is_file() and "checkpoint_comparison" in comparison
    refused = CliRunner().invoke(main, ["open", "--checkpoint", "nobody"])
    assert refused.exit_code == 1 and f"those that have: {KEY}" in refused.output
    assert str(tiny_world[1].root) in refused.output


def test_open_starts_the_browser_of_the_environment(
    tiny_world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser = tmp_path / "browser.sh"
    browser.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/opened\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", f"{browser} %s")
    assert subprocess.run([command("factroots"), "open"], check=True, capture_output=True).stdout
    deadline = time.monotonic() + 20
    while not (tmp_path / "opened").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert (tmp_path / "opened").read_text().startswith("file:///")


def test_bash_completes_commands_assets_and_checkpoints(tmp_path: Path) -> None:
    script = subprocess.run(
        [command("factroots"), "completion", "bash"], capture_output=True, text=True, check=True
    ).stdout
    (tmp_path / "completion.sh").write_text(script)

    def completed(*words: str) -> list[str]:
        asked = f"""
        source {tmp_path}/completion.sh
        COMP_WORDS=({" ".join(("factroots", *words))}); COMP_CWORD={len(words)}
        _factroots_completion {command("factroots")}; printf '%s\\n' "${{COMPREPLY[@]}}"
        """
        done = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=True)
        return done.stdout.split()

    assert completed("checkp") == ["checkpoints"]
    assert completed("run", "--until", "fact_cov") == ["fact_coverage"]
    assert completed("run", "--world", "cl") == ["cldr"]
    assert completed("data", "fact_verdicts.sh") == ["fact_verdicts.shares"]
    assert completed("trace", "X", "--checkpoint", "st") == [KEY]
