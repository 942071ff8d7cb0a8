"""What Dagster's history records of each partition: its data version, its code version, its inputs.

A run over many partitions has one data version for all of them, so that one language made again would look
like a change of every language. Each partition of such a run therefore gets an event of its own after the
run's, with its own versions; the later event counts, and Dagster's staleness is exact. (Dagster's issues
18649 and 34013 ask for a direct way.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.catalog import CATALOG, parents
from factroots_dagster.orchestration.metadata import materialization_metadata
from factroots_dagster.orchestration.partitions import Parts, key_of, parts_of
from factroots_dagster.orchestration.versions import StoreSnapshot
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

DATA_VERSION, CODE_VERSION = "dagster/data_version", "dagster/code_version"
POINTER = "dagster/input_event_pointer/"
Tags = Mapping[str, str]


def input_tags(asset: str, settings: Settings, instance: dg.DagsterInstance) -> Tags:
    """The versions of an asset's parents in the history at this moment, as Dagster records them.

    Taken before the parents are read: what is newer than this makes the asset stale.
    """
    tags: dict[str, str] = {}
    for name in {parent.split("/")[0] for parent in parents(asset, settings)}:
        version, pointer = "INITIAL", "NULL"
        if event := _first_event(instance, name, newest=True):
            version, pointer = (event[1].tags or {}).get(DATA_VERSION, version), str(event[0])
        tags |= {f"dagster/input_data_version/{name}": version, POINTER + name: pointer}
    return tags


def materialization(
    asset: str, store: Store, parts: Parts, inputs: Tags, seconds: float | None = None
) -> dg.AssetMaterialization:
    """The event of one partition, from what its manifest says."""
    metadata = materialization_metadata(CATALOG[asset], store, parts, seconds)
    tags = version_tags(asset, store, parts, inputs)
    return dg.AssetMaterialization(asset, metadata=metadata, partition=key_of(parts), tags=tags)


def version_tags(asset: str, store: Store, parts: Parts, inputs: Tags) -> Tags:
    """The tags from which Dagster tells whether a partition is stale.

    inputs: what `input_tags` gave before the partition was made.
    """
    manifest = store.manifest(asset, *parts)
    return {
        DATA_VERSION: manifest["digest"],
        "dagster/data_version_is_user_provided": "true",
        CODE_VERSION: manifest["code_version"],
        **inputs,
    }


class Record(NamedTuple):
    """The latest event of a partition: its id, which grows from event to event, and its data version."""

    event_id: int
    version: str


def latest_records(instance: dg.DagsterInstance, asset: str) -> dict[Parts, Record]:
    """The latest event in the history of each partition of an asset."""
    if not CATALOG[asset].partitioned_by:
        event = _first_event(instance, asset, newest=True)
        version = (event[1].tags or {}).get(DATA_VERSION) if event else None
        return {(): Record(event[0], version)} if event and version else {}
    storage, key = instance.event_log_storage, dg.AssetKey(asset)
    kind = dg.DagsterEventType.ASSET_MATERIALIZATION
    ids = storage.get_latest_storage_id_by_partition(key, kind)
    tags = storage.get_latest_tags_by_partition(key, kind, [DATA_VERSION])
    return {
        parts_of(partition): Record(event_id, tags[partition][DATA_VERSION])
        for partition, event_id in ids.items()
        if DATA_VERSION in tags.get(partition, {})
    }


def first_event_id(instance: dg.DagsterInstance, asset: str) -> int:
    """The id of the oldest event of an asset since it was last wiped; 0 where there is none."""
    event = _first_event(instance, asset, newest=False)
    return event[0] if event else 0


def _first_event(
    instance: dg.DagsterInstance, asset: str, *, newest: bool
) -> tuple[int, dg.AssetMaterialization] | None:
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=1, ascending=not newest).records
    event = records[0].asset_materialization if records else None
    return (records[0].storage_id, event) if event is not None else None


def record_unrecorded(
    instance: dg.DagsterInstance,
    settings: Settings,
    store: Store,
    assets: Iterable[str],
    run_id: str | None = None,
) -> Iterator[tuple[str, InputError | None]]:
    """Record what is in the store and not in the history; each partition, as text, and why it cannot be.

    assets: each after those that it reads. run_id: only what this run has written; None for everything.
    Inputs are taken to be those that the history has now: if one has changed since, the manifest still says
    so, and the partition is due.
    """
    snapshot = StoreSnapshot(store, settings)
    for asset in assets:
        records, anything = latest_records(instance, asset), [None] * len(CATALOG[asset].partitioned_by)
        for parts in snapshot.partitions(asset, anything):
            name, error = "/".join((asset, *parts)), None
            try:
                if not snapshot.store.exists(asset, *parts):
                    continue
                manifest = snapshot.store.manifest(asset, *parts)
                if run_id not in (None, manifest.get("run_id")):
                    continue
                if parts in records and records[parts].version == manifest["digest"]:
                    continue
                inputs = input_tags(asset, settings, instance)
                instance.report_runless_asset_event(materialization(asset, store, parts, inputs))
            except InputError as found:
                error = found
            yield name, error
