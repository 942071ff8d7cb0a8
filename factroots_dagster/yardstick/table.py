"""The yardstick's table as a file: what ships with the package, and what `factroots yardstick` writes."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from factroots_dagster import sandbox
from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.yardstick.schema import YARDSTICK

SHIPPED = Path(sandbox.__file__).with_name("yardstick.csv")
"""Scores of worlds on which nothing was tuned, measured beforehand."""
DEVELOPMENT_SEEDS = range(100)
"""Seeds that methods may be tuned on; scores that are reported come from others."""
_PACKAGES = ("factroots_dagster", "numpy", "torch", "transformers")


def tabulate(preset: str, seed: int, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """YARDSTICK of one world, from the rows of `scores.score_world`."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    stamp = " ".join(f"{name} {number}" for name, number in versions.items())
    common = {"preset": preset, "seed": seed, "versions": stamp}
    table = pa.Table.from_pylist([common | dict(row) for row in rows], schema=YARDSTICK)
    numbers = {
        name: pc.if_else(pc.is_nan(table[name]), None, table[name]) for name in ("value", "low", "high")
    }
    for name, column in numbers.items():
        table = table.set_column(table.schema.get_field_index(name), YARDSTICK.field(name), column)
    return table


def write_yardstick(table: pa.Table, path: Path) -> None:
    """Write the table as CSV with a header, values to six significant digits; null is an empty field."""
    rounded = {
        name: [None if value is None else float(f"{value:.6g}") for value in table[name].to_pylist()]
        for name in ("value", "low", "high")
    }
    for name, values in rounded.items():
        position = table.schema.get_field_index(name)
        table = table.set_column(position, table.schema.field(name), pa.array(values, pa.float64()))
    with atomic_file(path) as temporary:
        csv.write_csv(table, temporary)


def read_yardstick(path: Path = SHIPPED) -> pa.Table:
    """YARDSTICK from a file that `write_yardstick` wrote; raises InputError where it is none."""
    types = csv.ConvertOptions(column_types=YARDSTICK, strings_can_be_null=False)
    try:
        return csv.read_csv(path, convert_options=types).select(YARDSTICK.names).cast(YARDSTICK)
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} is no table of the yardstick ({error})", "write it again") from error
