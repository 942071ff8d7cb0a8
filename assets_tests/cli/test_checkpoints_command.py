"""`factroots checkpoints` registers checkpoints, and lists the incomplete and missing ones too."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from assets_tests.models.folders import checkpoint_folder
from assets_tests.project import make_home
from factroots_dagster.cli.main import main


def run(*arguments: str) -> list[list[str]]:
    """The lines that `factroots checkpoints` prints, split into columns."""
    result = CliRunner().invoke(main, ["checkpoints", *arguments])
    assert result.exit_code == 0, result.output
    return [line.split("\t") for line in result.output.splitlines()]


@pytest.fixture(autouse=True)
def checkpoints(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of checkpoints that the settings name."""
    folder = tmp_path / "checkpoints"
    folder.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("FACTROOTS_CHECKPOINTS", str(folder))
    return folder.resolve()


def test_incomplete_and_missing_checkpoints_are_listed(checkpoints: Path) -> None:
    for name in ("step-1", "step-2"):
        checkpoint_folder(checkpoints / name)
    assert run("list") == [[name, str(checkpoints / name)] for name in ("step-1", "step-2")]
    shutil.rmtree(checkpoints / "step-1")
    (checkpoint_folder(checkpoints / "half") / "tokenizer.json").unlink()
    assert run("list") == [
        ["step-2", str(checkpoints / "step-2")],
        ["half", "-", "incomplete: its tokenizer is missing"],
        ["step-1", "-", "no longer registered; its results are kept"],
    ]


def test_a_registered_checkpoint_is_listed_with_its_revision_and_a_missing_folder(tmp_path: Path) -> None:
    elsewhere = checkpoint_folder(tmp_path / "elsewhere")
    assert run("add", "owner/name", "--revision", "v1") == [["owner--name-v1"]]
    assert run("add", str(elsewhere), "--corpora", "wikipedia") == [["elsewhere"]]
    shutil.rmtree(elsewhere)
    assert run("list") == [
        ["owner--name-v1", "owner/name@v1"],
        [
            *("elsewhere", str(elsewhere.resolve()), "missing: its folder does not exist"),
            "trained on: wikipedia",
        ],
    ]
