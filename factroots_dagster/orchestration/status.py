"""What is there, out of date or failed, asset by asset, and whether disk and daemon are well."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import dagster as dg

from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.catalog import AssetRow, rows_in
from factroots_dagster.orchestration.health import InstanceHealth, examine_instance
from factroots_dagster.orchestration.history import other_origins
from factroots_dagster.orchestration.outdated import failed_partitions
from factroots_dagster.orchestration.partitions import BLOCK, CHECKPOINT, LANGUAGE, Parts, Platform, key_of
from factroots_dagster.orchestration.versions import StoreSnapshot
from factroots_dagster.sandbox.blocks import block_names
from factroots_dagster.store.store import Store

LOW_BYTES = 10**9
"""With less than that free, the disk is nearly full."""


@dataclass(frozen=True)
class AssetStatus:
    """Of an asset, how many partitions there should be, and the keys of those that are not well.

    A key is None where the asset has no partitions. outdated: made by other code, from other inputs or under
    other settings than today's. failed: its last run, or its last blocking check, failed.
    """

    asset: str
    partitions: int
    materialized: int
    missing: Sequence[str | None]
    outdated: Sequence[str | None]
    failed: Sequence[str | None]


@dataclass(frozen=True)
class PlatformStatus:
    """A world's assets, the disk that it is on, and Dagster's own health.

    history_shared_with: the other worlds and data roots that Dagster's history is of.
    """

    world: str
    data_root: str
    assets: Sequence[AssetStatus]
    free_bytes: int
    health: InstanceHealth = field(default_factory=InstanceHealth)
    history_shared_with: Sequence[str] = ()

    @property
    def problems(self) -> list[str]:
        """What somebody should look at, in words."""
        problems = [f"{one.asset}: {len(one.failed)} failed" for one in self.assets if one.failed]
        return problems + _disk_problems(self.free_bytes, self.data_root) + self.health.problems

    def as_json(self) -> dict[str, Any]:
        """The object of `factroots status --json`."""
        return asdict(self) | {"problems": self.problems}


def find_status(platform: Platform, instance: dg.DagsterInstance) -> PlatformStatus:
    """The status of a platform's world. On-demand assets are passed over until they are made."""
    settings, store = platform.settings, platform.store
    snapshot = StoreSnapshot(store, settings)
    keys: dict[str, Sequence[str]] = {
        CHECKPOINT: list(registered(settings)),
        LANGUAGE: settings.active_languages,
        BLOCK: block_names(settings.sandbox_blocks),
    }
    assets = [
        _asset_status(instance, platform, snapshot, row, keys)
        for row in rows_in(settings)
        if not row.on_demand or snapshot.store.folders(row.name) or snapshot.store.exists(row.name)
    ]
    return PlatformStatus(
        world=settings.world,
        data_root=settings.data_place,
        assets=assets,
        free_bytes=_free_bytes(store),
        health=examine_instance(instance),
        history_shared_with=other_origins(instance, settings),
    )


def find_problems(platform: Platform, instance: dg.DagsterInstance) -> list[str]:
    """What somebody should look at, whatever the assets are: the disk, and Dagster's own health."""
    data_root = platform.settings.data_place
    return _disk_problems(_free_bytes(platform.store), data_root) + examine_instance(instance).problems


def _free_bytes(store: Store) -> int:
    folder = store.root
    while not folder.exists():
        folder = folder.parent
    return shutil.disk_usage(folder).free


def _disk_problems(free: int, data_root: str) -> list[str]:
    disk = f"for the cache of {data_root}" if "://" in data_root else f"under {data_root}"
    return [f"less than {LOW_BYTES / 1e9:.0f} GB free {disk}"] if free < LOW_BYTES else []


def _asset_status(
    instance: dg.DagsterInstance,
    platform: Platform,
    snapshot: StoreSnapshot,
    row: AssetRow,
    keys: Mapping[str, Sequence[str]],
) -> AssetStatus:
    partitions = row.partitions(keys)
    there = [parts for parts in partitions if snapshot.manifest(row.name, parts) is not None]
    wrong = failed_partitions(instance, row.name) | _failed_runs(instance, platform, row, partitions)
    return AssetStatus(
        asset=row.name,
        partitions=len(partitions),
        materialized=len(there),
        missing=[key_of(parts) for parts in partitions if parts not in there],
        outdated=[key_of(parts) for parts in there if not snapshot.is_current(row.name, parts)],
        failed=[key_of(parts) for parts in partitions if key_of(parts) in wrong],
    )


def _failed_runs(
    instance: dg.DagsterInstance, platform: Platform, row: AssetRow, partitions: Sequence[Parts]
) -> set[str | None]:
    """The partitions whose last run failed before it made them."""
    key = dg.AssetKey(row.name)
    definition = platform.partitions_def(row.partitioned_by)
    if definition is not None:
        known = set(definition.get_partition_keys(dynamic_partitions_store=instance))
        chosen = [name for name in map(key_of, partitions) if name in known]
        statuses = instance.get_status_by_partition(key, chosen, definition) or {}
        return {name for name, status in statuses.items() if status and status.value == "FAILED"}
    (record,) = instance.get_asset_records([key]) or (None,)
    entry = record and record.asset_entry
    if not entry or not entry.last_run_id:
        return set()
    made = entry.last_materialization
    run = instance.get_run_by_id(entry.last_run_id)
    if run is None or (made is not None and made.run_id == run.run_id):
        return set()
    return {None} if run.status is dg.DagsterRunStatus.FAILURE else set()
