"""Runs say what they made and where, so that worlds that share one history are told apart."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest
from click.testing import CliRunner

from assets_tests.project import make_home
from factroots_dagster import __version__
from factroots_dagster.cli.main import main
from factroots_dagster.cli.run import stage_runner
from factroots_dagster.orchestration.history import other_origins
from factroots_dagster.settings import Settings


def test_a_history_of_several_worlds_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = make_home(tmp_path / "home")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    one, other = (Settings(world="sandbox", data_root=tmp_path / name, device="cpu") for name in ("a", "b"))
    cldr = Settings(world="cldr", data_root=tmp_path / "a")
    with dg.DagsterInstance.get() as instance:
        stage_runner(one, instance, print).run("release", ["mlama_release"])
        (run,) = instance.get_runs()
        own = {key: value for key, value in run.tags.items() if key.startswith("factroots/")}
        assert own.keys() > {"factroots/process"}
        assert (own["factroots/world"], own["factroots/data_root"]) == ("sandbox", str(tmp_path / "a"))
        assert (own["factroots/device"], own["factroots/release"]) == ("cpu", __version__)
        assert other_origins(instance, one) == []
        assert other_origins(instance, other) == [f"data root {tmp_path / 'a'}"]
        assert other_origins(instance, cldr) == ["world sandbox"]
    said = f"this history is also of data root {tmp_path / 'a'}"
    for name in ("a", "b"):
        monkeypatch.setenv("FACTROOTS_DATA_ROOT", str(tmp_path / name))
        shown = CliRunner().invoke(main, ["status"])
        assert (said in shown.output) is (name == "b")
    made = CliRunner().invoke(main, ["run", "--until", "mlama_release"])
    assert made.exit_code == 0 and made.stderr.startswith(said), made.output
