"""`factroots checkpoints list` names what is registered, what is half-copied and what is gone."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from assets_tests.models.folders import checkpoint_folder
from assets_tests.project import make_home
from factroots_dagster.cli.main import main


def test_what_is_gone_or_half_copied_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "checkpoints"
    for name in ("step-1", "step-2"):
        checkpoint_folder(folder / name)
    monkeypatch.setenv("DAGSTER_HOME", str(make_home(tmp_path / "home")))
    monkeypatch.setenv("FACTROOTS_WORLD", "mlama")
    monkeypatch.setenv("FACTROOTS_DATA_ROOT", str(tmp_path / "data"))
    monkeypatch.setenv("FACTROOTS_CHECKPOINTS", str(folder))

    def listed() -> dict[str, str]:
        done = CliRunner().invoke(main, ["checkpoints", "list"])
        assert done.exit_code == 0, done.output
        return {line.split("\t")[0]: line.split("\t")[-1] for line in done.output.splitlines()}

    assert listed() == {name: str((folder / name).resolve()) for name in ("step-1", "step-2")}
    shutil.rmtree(folder / "step-1")
    (checkpoint_folder(folder / "half") / "tokenizer.json").unlink()
    found = listed()
    assert found["step-2"] == str((folder / "step-2").resolve())
    assert found["half"] == "left until it is complete: its tokenizer is missing"
    assert found["step-1"] == "gone: no longer registered, its results are kept"
