"""Tables of the store by name, for people: all partitions of an asset's table as one, with their keys."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.catalog import AssetRow, rows_in
from factroots_dagster.orchestration.partitions import CHECKPOINT, LANGUAGE, Parts
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

BATCH_ROWS = 1 << 16


@dataclass(frozen=True)
class StoredTable:
    """The main table of an asset, or a side table, in chosen partitions.

    side: name of the side table; None for the main one. schema: its declared columns. partitions: those on
    disk, sorted. only: by column, the value that the rows have.
    """

    store: Store
    row: AssetRow
    side: str | None
    schema: pa.Schema
    partitions: tuple[Parts, ...]
    only: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """As `find_table` takes it."""
        return f"{self.row.name}.{self.side}" if self.side else self.row.name

    def batches(self) -> Iterator[pa.Table]:
        """The rows, partition by partition, a few at a time; keys that the rows do not hold come first."""
        for parts in self.partitions:
            for batch in self._batches_of(parts):
                chosen = self._with_keys(batch, parts)
                for name, value in self.only.items():
                    chosen = chosen.filter(pc.field(name) == value)
                yield chosen

    def read(self) -> pa.Table:
        """All rows; columns that not all partitions have are null elsewhere."""
        return pa.concat_tables(self.batches(), promote_options="default")

    def _batches_of(self, parts: Parts) -> Iterator[pa.Table]:
        """At least one batch, so that an empty table keeps its columns."""
        version = self.store.version(self.row.name, *parts)
        if self.side is not None:
            yield version.read_side(self.side)
            return
        empty = True
        for batch in version.read_batches(BATCH_ROWS):
            empty = False
            yield batch
        if empty:
            yield version.read()

    def _with_keys(self, table: pa.Table, parts: Parts) -> pa.Table:
        keys = zip(self.row.partitioned_by, parts, strict=True)
        for name, key in reversed([(name, key) for name, key in keys if name not in table.column_names]):
            table = table.add_column(0, name, pa.repeat(key, len(table)))
        return table


def find_table(
    settings: Settings, name: str, *, checkpoint: str | None = None, language: str | None = None
) -> StoredTable:
    """The table `asset`, or `asset.side`, of the settings' world. checkpoint, language: only of these.

    Raises InputError where there is no such table, where it is not partitioned so, and where no such
    partition is on disk.
    """
    store = Store(settings.data_root, settings.world)
    declared = {}
    for row, side, schema in _declared(settings):
        declared[f"{row.name}.{side}" if side else row.name] = (row, side, schema)
    if name not in declared:
        nearest = difflib.get_close_matches(name, declared, n=1)
        remedy = f"write {nearest[0]}" if nearest else f"choose from {', '.join(declared)}"
        raise InputError(f"world {settings.world!r} has no table {name!r}", remedy)
    row, side, schema = declared[name]
    keys = {CHECKPOINT: checkpoint, LANGUAGE: language}
    wanted = {name: key for name, key in keys.items() if key is not None}
    only = {name: key for name, key in wanted.items() if name not in row.partitioned_by}
    for dimension in only:
        if dimension not in schema.names:
            raise InputError(f"{name} does not tell {dimension}s apart", f"leave out the {dimension}")
    partitions = [
        parts
        for parts in _partitions(store, row)
        if all(wanted.get(name, key) == key for name, key in zip(row.partitioned_by, parts, strict=True))
        and (side is None or store.has_side(side, row.name, *parts))
    ]
    if not partitions:
        chosen = "".join(f" of {key}" for key in wanted.values())
        there = ", ".join("|".join(parts) for parts in _partitions(store, row)) or "none"
        raise InputError(
            f"{store.location}: {name}{chosen} is not there; partitions of {row.name}: {there}",
            f"run: factroots run --until {row.name}",
        )
    return StoredTable(store, row, side, schema, tuple(partitions), only)


def list_tables(settings: Settings) -> list[StoredTable]:
    """Every table of the settings' world, with its partitions on disk, in the order of the catalog."""
    store = Store(settings.data_root, settings.world)
    return [
        StoredTable(store, row, side, schema, tuple(_partitions(store, row)))
        for row, side, schema in _declared(settings)
    ]


def _declared(settings: Settings) -> Iterator[tuple[AssetRow, str | None, pa.Schema]]:
    """The asset, the name of the side table, and the columns of each."""
    for row in rows_in(settings):
        if row.schema is not None:
            yield row, None, row.schema
        yield from ((row, side, schema) for side, schema in row.side_tables.items())


def _partitions(store: Store, row: AssetRow) -> Iterable[Parts]:
    """The partitions of an asset on disk, sorted."""
    levels: list[Parts] = [()]
    for depth in range(len(row.partitioned_by)):
        last = depth + 1 == len(row.partitioned_by)
        names = store.keys if last else store.folders
        levels = [(*parts, name) for parts in levels for name in names(row.name, *parts)]
    return levels if row.partitioned_by or store.exists(row.name) else []
