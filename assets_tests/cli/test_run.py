"""`factroots run` in an empty folder: what it makes, says, leaves out, and leaves behind."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import time
from pathlib import Path

import dagster as dg
import pytest
import yaml
from click.testing import CliRunner

from assets_tests.models.tiny import save_checkpoint
from assets_tests.orchestration.golden.world import KEY
from assets_tests.project import command, make_home
from factroots_dagster.cli.display import make_log_file
from factroots_dagster.cli.main import main
from factroots_dagster.cli.summary import summarize
from factroots_dagster.models import registry
from factroots_dagster.orchestration.history import LOCATION
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

SMALL = {"FACTROOTS_SANDBOX_DIALS": "languages=3,relations=3,facts_per_relation=12"}
UNTIL = ["--until", "fact_coverage", "--until", "planted_truth"]


def environment(**more: str) -> dict[str, str]:
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("FACTROOTS_") and name != "DAGSTER_HOME"
    }
    return kept | SMALL | more


def run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [command("factroots"), *arguments],
        env=environment(**more),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder in which a part of a small world was made, and what was printed."""
    folder = tmp_path_factory.mktemp("empty")
    done = run(folder, "run", *UNTIL)
    assert done.returncode == 0 and done.stderr == "", done.stdout + done.stderr
    return folder, done.stdout


def test_without_a_terminal_there_is_a_line_per_stage(made: tuple[Path, str]) -> None:
    _, printed = made
    lines = printed.splitlines()
    assert lines[0] == "stage 1 of 3: mlama_release, planted_truth"
    assert [line for line in lines if line.startswith("stage")][1:] == [
        "stage 2 of 3: mlama_split in 3 languages",
        "stage 3 of 3: fact_coverage",
    ]
    assert lines[-1] == "Next        factroots status"
    assert not any("INFO" in line for line in lines)


def test_the_log_is_in_a_file(made: tuple[Path, str]) -> None:
    folder, printed = made
    (log,) = (folder / ".dagster" / "run_logs").glob("*.log")
    assert str(log) in printed
    assert "mlama_split/en: " in log.read_text() and "fact_coverage" in log.read_text()


def test_the_log_is_in_the_storage_of_a_home_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "storage").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != tmp_path)
    assert make_log_file(tmp_path).parent == tmp_path / "storage" / "run_logs"


def test_the_home_that_is_made_sends_no_telemetry(made: tuple[Path, str]) -> None:
    folder, _ = made
    configuration = yaml.safe_load((folder / ".dagster" / "dagster.yaml").read_text())
    assert configuration["telemetry"] == {"enabled": False}


def test_runs_are_of_the_code_location_and_name_their_assets(made: tuple[Path, str]) -> None:
    folder, _ = made
    with dg.DagsterInstance.local_temp(str(folder / ".dagster")) as instance:
        runs = instance.get_runs(dg.RunsFilter(tags={"dagster/code_location": LOCATION}))
    assert [sorted(key.to_user_string() for key in run.asset_selection or ()) for run in reversed(runs)] == [
        ["mlama_release", "planted_truth"],
        ["mlama_split"],
        ["fact_coverage"],
    ]
    for run_ in runs:
        assert run_.job_name == "__ASSET_JOB" and run_.status is dg.DagsterRunStatus.SUCCESS
        assert run_.remote_job_origin is not None and run_.remote_job_origin.location_name == LOCATION


def test_a_second_run_finds_nothing_to_do(made: tuple[Path, str]) -> None:
    folder, _ = made
    again = run(folder, "run", *UNTIL)
    assert again.returncode == 0
    assert again.stdout.startswith("nothing has changed: every asset is up to date\n")


def test_on_a_terminal_a_forced_run_shows_the_stage_under_way_and_no_log(made: tuple[Path, str]) -> None:
    folder, _ = made
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [command("factroots"), "run", "--until", "mlama_split", "--force"],
        env=environment(TERM="xterm", COLUMNS="100"),
        cwd=folder,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    shown, deadline = b"", time.monotonic() + 300
    while time.monotonic() < deadline:
        try:
            part = os.read(leader, 1 << 16)
        except OSError:  # the other end is closed
            break
        if not part:
            break
        shown += part
    os.close(leader)
    assert process.wait(60) == 0, shown[-2000:].decode()
    text = shown.decode()
    assert "✓ stage 2 of 2: mlama_split in 3 languages" in text
    assert re.search(r"of 3 partitions .*about 0:\d\d for all stages", text)
    assert "Next        factroots status" in text
    assert "INFO" not in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "fact_coverag"], "has no asset 'fact_coverag'. To fix it, write fact_coverage"),
        (["--world", "atlantis"], "FACTROOTS_WORLD"),
        (["--languages", "xx"], "xx not in world 'sandbox'"),
        (["--world", "mlama", "--checkpoint", "nobody"], "no checkpoint is registered"),
        (["--world", "mlama", "--sample", "many"], "FACTROOTS_SAMPLE"),
    ],
)
def test_what_cannot_be_is_refused_at_once(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    result = CliRunner().invoke(main, ["run", *arguments])
    monkeypatch.delenv("DAGSTER_HOME", raising=False)  # the command sets it for those that it starts
    assert result.exit_code == 1 and message in result.output, result.output


def test_a_stopped_run_ends_and_says_that_it_goes_on_next_time(made: tuple[Path, str]) -> None:
    folder, _ = made
    process = subprocess.Popen(
        [command("factroots"), "run", "--until", "mlama_split", "--force"],
        env=environment(),
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a shell's background job, in which tests may run, ignores it
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert process.stdout is not None and process.stderr is not None
    assert process.stdout.readline() == "stage 1 of 2: mlama_release\n"
    process.send_signal(signal.SIGINT)
    assert process.wait(120) == 1
    assert "what is finished is kept, and the next run goes on from there" in process.stderr.read()
    with dg.DagsterInstance.local_temp(str(folder / ".dagster")) as instance:
        assert all(run.is_finished for run in instance.get_runs())


def test_a_folder_is_registered_when_it_is_to_be_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    model = save_checkpoint(tmp_path / "tiny")
    arguments = ["run", "--world", "mlama", "--checkpoint", str(model), "--until", "checkpoint"]
    for expected in ("stage 1 of 2: checkpoint of tiny\n", "nothing has changed"):
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0 and result.output.startswith(expected), result.output
    assert list(registry.registered(Settings(world="mlama"))) == ["tiny"]


def test_the_summary_has_the_answer_the_scores_and_commands_that_work(
    tiny_world: tuple[Settings, Store], tiny_environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings, store = tiny_world
    for name, value in tiny_environment.items():
        monkeypatch.setenv(name, value)
    lines = list(summarize(settings, [KEY], ["probing_scores: few facts " + "x" * 300]))
    text = "\n".join(lines)
    predicted = len(store.read("fact_verdicts", KEY))
    assert f"The model answers {predicted} of 1,416 questions in 3 languages correctly." in text
    for row in store.read("probing_scores", KEY).to_pylist():
        if row["relation"] == "*" and row["language"] != "*":
            (line,) = [line for line in lines if f"· {row['language']} " in line]
            assert f"{row['full_match']:.1%}" in line and f"{row['majority']:.1%}" in line
    assert any(line.startswith("  probing_scores: few facts") and len(line) < 170 for line in lines)
    assert f"Report      {store.shown_folder('categorization_report', KEY) / 'index.html'}" in lines
    shown = [line.removeprefix("Next        ") for line in lines if line.startswith("Next ")]
    assert [line.split()[1] for line in shown] == ["open", "trace", "data"]
    monkeypatch.chdir(tiny_environment["DAGSTER_HOME"])
    for line in shown[1:]:
        result = CliRunner().invoke(main, shlex.split(line)[1:])
        assert result.exit_code == 0, result.output


def test_a_failure_names_its_reason_and_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world = {"FACTROOTS_WORLD": "mlama", "FACTROOTS_MLAMA_SOURCE": "nowhere", "FACTROOTS_SANDBOX_DIALS": ""}
    failed = run(tmp_path, "run", "--until", "mlama_release", **world)
    assert failed.returncode == 1
    assert "Error: mlama_release: mlama_release: nowhere" in failed.stderr
    (log,) = (tmp_path / ".dagster" / "run_logs").glob("*.log")
    assert f"The log is {log}" in failed.stderr
    for name, value in {**world, "DAGSTER_HOME": str(tmp_path / ".dagster")}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    status = CliRunner().invoke(main, ["status"])
    assert status.exit_code == 1 and "problem: mlama_release: 1 failed" in status.output
