"""`factroots dev yardstick` on a tiny world of the real graph: complete, resumed, refused where it must."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from factroots_dagster.cli.main import main
from factroots_dagster.cli.yardstick import parse_seeds
from factroots_dagster.errors import InputError
from factroots_dagster.yardstick.methods import METHODS
from factroots_dagster.yardstick.table import read_yardstick

DIALS = "languages=3,relations=3,facts_per_relation=12,hidden=32,steps=400"


def invoke(output: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["dev", "yardstick", "--output", str(output), *arguments])


@pytest.mark.slow
def test_a_world_is_scored_by_every_method_and_taken_up_again(tmp_path: Path) -> None:
    arguments = ["--preset", "demo", "--dials", DIALS, "--seeds", "3", "--blocks", "2", "--trainings", "2"]
    first = invoke(tmp_path / "first.csv", *arguments, "--folder", str(tmp_path / "worlds"))
    assert first.exit_code == 0, first.output
    assert "training 7 of 7, without everywhere-4" in first.output
    table = read_yardstick(tmp_path / "first.csv")
    metrics: dict[str, set[str]] = {}
    for row in table.to_pylist():
        assert (row["preset"], row["seed"]) == ("demo", 3)
        metrics.setdefault(row["method"], set()).add(row["metric"])
    assert metrics.keys() == {*METHODS, "truth"}
    assert metrics.pop("truth") == {"agreement_of_trainings", "decided"}
    assert {"called_shared_at_38", "called_shared_at_4", "undetermined"} <= metrics["ours"]
    assert all("auc_within_linked" in of_method for of_method in metrics.values())
    again = invoke(tmp_path / "again.csv", *arguments, "--folder", str(tmp_path / "worlds"))
    assert again.exit_code == 0 and "training 1 of 7" not in again.output
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "first.csv").read_bytes()


def test_seeds_are_parsed_and_checked() -> None:
    assert parse_seeds("4, 5,6") == [4, 5, 6]
    for wrong in ("", "x", "1;2", "-1", "3,3"):
        with pytest.raises(InputError, match="is not a list of seeds"):
            parse_seeds(wrong)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--seeds", "a"], "'a' is not a list of seeds"),
        (["--seeds", "1", "--preset", "huge"], "there is no preset 'huge'"),
        (["--seeds", "1", "--dials", "magic=1"], "'magic=1' sets no dial"),
        (["--seeds", "1", "--blocks", "0"], "0 is not in the range"),
        ([], "Missing option '--seeds'"),
    ],
)
def test_what_cannot_be_scored_is_refused_before_any_work(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = invoke(tmp_path / "scores.csv", *arguments)
    assert result.exit_code != 0 and message in result.output
    assert list(tmp_path.iterdir()) == []
