"""The yardstick's table as a file: what ships with the package, and what `factroots dev yardstick` writes."""

from __future__ import annotations

import math
import platform
import statistics
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import csv

from factroots_dagster import sandbox
from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import atomic_file
from factroots_dagster.yardstick.schema import YARDSTICK

SHIPPED = Path(sandbox.__file__).with_name("yardstick.csv")
"""Scores of worlds on which nothing was tuned, measured beforehand."""
DEVELOPMENT_SEEDS = {None: frozenset(range(100)), "demo": frozenset(range(101))}
"""Seeds that methods may be tuned on, by preset, None for all others; reported scores come from others."""
_PACKAGES = ("factroots_dagster", "numpy", "torch", "transformers")


def tabulate(preset: str, seed: int, rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """YARDSTICK of one world, from the rows of `scores.score_world`."""
    versions = {"python": platform.python_version()} | {name: version(name) for name in _PACKAGES}
    stamp = " ".join(f"{name} {number}" for name, number in versions.items())
    common = {"preset": preset, "seed": seed, "versions": stamp}
    table = pa.Table.from_pylist([common | dict(row) for row in rows], schema=YARDSTICK)
    return _with_numbers(table, lambda value: None if math.isnan(value) else value)


def pool_seeds(table: pa.Table) -> list[dict[str, Any]]:
    """YARDSTICK over seeds: preset, method, metric, seeds (those with a value), and mean, low and high.

    The interval is that of the mean when facts and seeds both vary: 1.96 times the root of the variances
    within the seeds, and between them, over the number of seeds.
    """
    scores: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        of_metric = scores.setdefault((row["preset"], row["method"], row["metric"]), [])
        if row["value"] is not None:
            of_metric.append(row)
    return [
        {
            "preset": preset,
            "method": method,
            "metric": metric,
            "seeds": [row["seed"] for row in rows],
            **dict(zip(("value", "low", "high"), _mean_with_interval(rows), strict=True)),
        }
        for (preset, method, metric), rows in scores.items()
    ]


def _mean_with_interval(rows: list[dict[str, Any]]) -> tuple[float | None, float | None, float | None]:
    if not rows:
        return None, None, None
    values = [row["value"] for row in rows]
    mean = statistics.fmean(values)
    if any(row["low"] is None for row in rows):
        return mean, None, None
    within = statistics.fmean(((row["high"] - row["low"]) / (2 * 1.96)) ** 2 for row in rows)
    between = statistics.variance(values) if len(values) > 1 else 0.0
    half = 1.96 * math.sqrt((within + between) / len(values))
    return mean, mean - half, mean + half


def write_yardstick(table: pa.Table, path: Path) -> None:
    """Write the table as CSV with a header, values to six significant digits; null is an empty field."""
    with atomic_file(path) as temporary:
        csv.write_csv(_with_numbers(table, lambda value: float(f"{value:.6g}")), temporary)


def _with_numbers(table: pa.Table, change: Callable[[float], float | None]) -> pa.Table:
    """The table with its numbers changed; null stays null."""
    for name in ("value", "low", "high"):
        values = [None if value is None else change(value) for value in table[name].to_pylist()]
        column = pa.array(values, pa.float64())
        table = table.set_column(table.schema.get_field_index(name), YARDSTICK.field(name), column)
    return table


def read_yardstick(path: Path = SHIPPED) -> pa.Table:
    """YARDSTICK from a file that `write_yardstick` wrote; raises InputError where it is none."""
    types = csv.ConvertOptions(column_types=YARDSTICK, strings_can_be_null=False)
    try:
        return csv.read_csv(path, convert_options=types).select(YARDSTICK.names).cast(YARDSTICK)
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise InputError(f"{path} is no table of the yardstick ({error})", "write it again") from error
