"""Ways to break a published partition, and what must notice: the tools of the table in `cases`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet

from assets_tests.project import LAST_CHECKPOINT
from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.partitions import BLOCK, CELL, CHECKPOINT, LANGUAGE
from factroots_dagster.store.parquet import write_table

BROKEN_LANGUAGE = "de"
KEYS = {
    (): (),
    (LANGUAGE,): (BROKEN_LANGUAGE,),
    (CHECKPOINT,): (LAST_CHECKPOINT,),
    (BLOCK,): ("own-1",),
    CELL: (LAST_CHECKPOINT, BROKEN_LANGUAGE),
}
PARTS = {name: KEYS[row.partitioned_by] for name, row in CATALOG.items()}
"""By asset, the partition that is broken."""
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Broken:
    """A way to break an asset: what happens to its folder, and which expectations must notice."""

    asset: str
    breaks: Callable[[Path], None]
    noticed: tuple[str, ...]  # "<expectation type>:<column>"
    name: str


def rows(change: Callable[[Rows], object]) -> Callable[[Path], None]:
    """Break the rows of the main table in place; the change may also return new rows."""

    def apply(folder: Path) -> None:
        files = sorted(p for p in folder.glob("*.parquet") if not p.name.startswith("_"))
        table = pa.concat_tables([pa.parquet.read_table(path) for path in files])
        listed = table.to_pylist()
        changed = change(listed)
        schema = pa.schema([field.with_nullable(True) for field in table.schema])
        kept = changed if isinstance(changed, list) else listed
        for path in files[1:]:
            path.unlink()
        write_table(pa.Table.from_pylist(kept, schema=schema), files[0])

    return apply


def side(name: str, change: Callable[[Rows], object]) -> Callable[[Path], None]:
    """Break the rows of a side table in place; the change may also return new rows."""

    def apply(folder: Path) -> None:
        path = folder / f"_{name}.parquet"
        table = pa.parquet.read_table(path)
        listed = table.to_pylist()
        changed = change(listed)
        schema = pa.schema([field.with_nullable(True) for field in table.schema])
        kept = changed if isinstance(changed, list) else listed
        write_table(pa.Table.from_pylist(kept, schema=schema), path)

    return apply


def put(column: str, value: object) -> Callable[[Path], None]:
    return rows(lambda listed: listed[0].update({column: value}))


def everywhere(column: str, value: object) -> Callable[[Path], None]:
    return rows(lambda listed: [row | {column: value} for row in listed])


def twice() -> Callable[[Path], None]:
    return rows(lambda listed: [*listed, listed[0]])


def emptied() -> Callable[[Path], None]:
    return rows(lambda listed: [])


def first(condition: Callable[[dict[str, Any]], bool], **values: object) -> Callable[[Path], None]:
    """Change the first row for which the condition holds."""

    def change(listed: Rows) -> None:
        next(row for row in listed if condition(row)).update(values)

    return rows(change)


def tensors(change: Callable[[np.ndarray], np.ndarray | None]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        from safetensors.numpy import load_file, save_file

        path = min(folder.glob("*.safetensors"))
        values = load_file(path)["activations"]
        changed = change(values)
        save_file({"activations": values if changed is None else changed}, path)

    return apply


def summary(change: Callable[[dict[str, Any]], object]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "summary.json"
        content = json.loads(path.read_text())
        change(content)
        path.write_text(json.dumps(content))

    return apply


def page(change: Callable[[str], str]) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        path = folder / "index.html"
        path.write_text(change(path.read_text()))

    return apply


def removed(pattern: str) -> Callable[[Path], None]:
    def apply(folder: Path) -> None:
        for path in folder.glob(pattern):
            shutil.rmtree(path) if path.is_dir() else path.unlink()

    return apply


NULL, UNIQUE, PAIR = "not_be_null", "be_unique", "pair_values_a_to_be_greater_than_b"
BETWEEN, AMONG, REGEX = "values_to_be_between", "be_in_set", "match_regex"
ROWS, COMPOUND, DISTINCT = (
    "row_count_to_be_between",
    "compound_columns_to_be_unique",
    "unique_value_count_to_be_between",
)


def of(asset: str, *cases: tuple[Callable[[Path], None], str]) -> Iterator[Broken]:
    for number, (breaks, noticed) in enumerate(cases):
        yield Broken(asset, breaks, tuple(noticed.split(" ")), f"{asset}-{number}-{noticed.split(' ')[0]}")


def lost_cell(listed: Rows) -> Rows:
    return [
        row
        for row in listed
        if row["relation"] != next(r["relation"] for r in listed if r["relation"] != "*")
    ]


def shrink_neurons(listed: Rows) -> None:
    listed[0]["neurons"] = listed[0]["neurons"][1:]


def repeat_neuron(listed: Rows) -> None:
    listed[0]["neurons"][1] = listed[0]["neurons"][0]


def reverse_scores(listed: Rows) -> None:
    listed[0]["scores"] = listed[0]["scores"][::-1]


def foreign_neuron(listed: Rows) -> None:
    listed[0]["signed_neurons"][0] = 10**6
