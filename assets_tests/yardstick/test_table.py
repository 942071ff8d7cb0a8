"""The yardstick's file: what is written is read back, and the one that ships is complete."""

from __future__ import annotations

from pathlib import Path

import pytest

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.dials import PRESETS
from factroots_dagster.yardstick.methods import METHODS
from factroots_dagster.yardstick.schema import YARDSTICK
from factroots_dagster.yardstick.table import (
    DEVELOPMENT_SEEDS,
    read_yardstick,
    tabulate,
    write_yardstick,
)

ROWS = [
    {"method": "ours", "metric": "undetermined", "value": 1 / 3, "low": 0.25, "high": 0.5},
    {"method": "strings", "metric": "calibration_error", "value": float("nan"), "low": None, "high": None},
]


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    table = tabulate("demo", 7, ROWS)
    write_yardstick(table, tmp_path / "y.csv")
    again = read_yardstick(tmp_path / "y.csv")
    assert again.schema.equals(YARDSTICK)
    assert again["value"].to_pylist() == [0.333333, None]
    assert again.drop_columns("value").equals(table.drop_columns("value"))
    assert again["versions"][0].as_py().startswith("python 3.")


@pytest.mark.parametrize("content", ["", "preset,seed\ndemo,1\n", "a;b\n", None])
def test_another_file_is_refused_with_its_path(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "other.csv"
    if content is not None:
        path.write_text(content)
    with pytest.raises(InputError, match=r"other\.csv is no table of the yardstick"):
        read_yardstick(path)


def test_the_table_that_ships_has_every_method_and_no_development_seed() -> None:
    table = read_yardstick()
    assert {row["method"] for row in table.to_pylist()} >= METHODS.keys()
    for row in table.to_pylist():
        assert row["seed"] not in DEVELOPMENT_SEEDS.get(row["preset"], DEVELOPMENT_SEEDS[None])
    assert set(table["preset"].to_pylist()) <= PRESETS.keys()
