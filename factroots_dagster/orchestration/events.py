"""What Dagster's history is told of each partition: its data version, its code version, its inputs.

A run over many partitions has one data version for all of them, so that one language made again would look
like a change of every language. Each partition of such a run therefore gets an event of its own after the
run's, with its own versions; the later event counts, and Dagster's staleness is exact. (Dagster's issues
18649 and 34013 ask for a direct way.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

import dagster as dg

from factroots_dagster.orchestration.catalog import CATALOG, parents
from factroots_dagster.orchestration.metadata import materialization_metadata
from factroots_dagster.orchestration.partitions import Parts, key_of, parts_of
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

DATA_VERSION, CODE_VERSION = "dagster/data_version", "dagster/code_version"
Tags = Mapping[str, str]


def input_tags(asset: str, settings: Settings, instance: dg.DagsterInstance) -> Tags:
    """The versions of an asset's parents in the history at this moment, as Dagster records them.

    Taken before the parents are read: what is newer than this makes the asset stale.
    """
    tags: dict[str, str] = {}
    for name in {parent.split("/")[0] for parent in parents(asset, settings)}:
        records = instance.fetch_materializations(dg.AssetKey(name), limit=1).records
        version, pointer = "INITIAL", "NULL"
        if records:
            materialization = records[0].asset_materialization
            version = ((materialization and materialization.tags) or {}).get(DATA_VERSION, version)
            pointer = str(records[0].storage_id)
        tags |= {
            f"dagster/input_data_version/{name}": version,
            f"dagster/input_event_pointer/{name}": pointer,
        }
    return tags


def _latest_tags(instance: dg.DagsterInstance, asset: str) -> Tags:
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1).records
    event = records[0].asset_materialization if records else None
    return (event.tags or {}) if event is not None else {}


def materialization(
    asset: str, store: Store, parts: Parts, inputs: Tags, seconds: float | None = None
) -> dg.AssetMaterialization:
    """The event of one partition, from what its manifest says."""
    manifest = store.manifest(asset, *parts)
    tags = {
        DATA_VERSION: manifest["digest"],
        "dagster/data_version_is_user_provided": "true",
        CODE_VERSION: manifest["code_version"],
        **inputs,
    }
    return dg.AssetMaterialization(
        asset,
        metadata=materialization_metadata(CATALOG[asset], store, parts, seconds),
        partition=key_of(parts),
        tags=tags,
    )


def recorded_versions(instance: dg.DagsterInstance, asset: str) -> dict[Parts, str]:
    """The latest data version in the history of each partition of an asset."""
    if not CATALOG[asset].partitioned_by:
        tags = _latest_tags(instance, asset)
        return {(): tags[DATA_VERSION]} if DATA_VERSION in tags else {}
    by_partition = instance.event_log_storage.get_latest_tags_by_partition(
        dg.AssetKey(asset), dg.DagsterEventType.ASSET_MATERIALIZATION, [DATA_VERSION]
    )
    return {parts_of(key): tags[DATA_VERSION] for key, tags in by_partition.items() if DATA_VERSION in tags}


def unrecorded_partitions(
    instance: dg.DagsterInstance, store: Store, run_id: str, assets: Iterable[str]
) -> Iterator[tuple[str, Parts]]:
    """What a run has written to the store and not told the history: it was killed before it could."""
    for asset in assets:
        recorded = recorded_versions(instance, asset)
        for parts in _partitions_on_disk(store, asset):
            info = store.partition_info(asset, *parts)
            if info.run_id == run_id and recorded.get(parts) != info.digest:
                yield asset, parts


def _partitions_on_disk(store: Store, asset: str) -> Iterator[Parts]:
    folders: list[Parts] = [()]
    for _ in CATALOG[asset].partitioned_by:
        folders = [(*parts, name) for parts in folders for name in store.folders(asset, *parts)]
    return (parts for parts in folders if store.exists(asset, *parts))


def record_unrecorded(
    instance: dg.DagsterInstance, settings: Settings, store: Store, run_id: str, assets: Iterable[str]
) -> list[str]:
    """Tell the history what a killed run has finished; the partitions, in words.

    Their inputs are taken to be those that the history has now: if one has changed since, the manifest
    still says so, and the partition is due.
    """
    recorded = []
    for asset, parts in unrecorded_partitions(instance, store, run_id, assets):
        inputs = input_tags(asset, settings, instance)
        instance.report_runless_asset_event(materialization(asset, store, parts, inputs))
        recorded.append("/".join((asset, *parts)))
    return recorded
