"""Which assets need not be made again: today's code made them from today's inputs, and they passed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import dagster as dg

from factroots_dagster.orchestration.catalog import CATALOG
from factroots_dagster.orchestration.checks.bridge import BLOCKING
from factroots_dagster.orchestration.partitions import BLOCK, CHECKPOINT, LANGUAGE, Platform, key_of
from factroots_dagster.orchestration.versions import StoreSnapshot
from factroots_dagster.sandbox.blocks import block_names


def find_current(
    platform: Platform, instance: dg.DagsterInstance, assets: Sequence[str], checkpoint: str | None
) -> list[str]:
    """Those of a stage's assets, each after those that it reads, that are up to date in all their partitions.

    checkpoint: that of the stage's partitions, if it has any. An asset with a partition whose blocking check
    failed is not up to date.
    """
    settings = platform.settings
    snapshot = StoreSnapshot(platform.store, settings)
    keys: Mapping[str, Sequence[str]] = {
        CHECKPOINT: [checkpoint] if checkpoint else [],
        LANGUAGE: settings.active_languages,
        BLOCK: block_names(settings.sandbox_blocks),
    }

    def on_disk(name: str) -> bool:
        partitions = CATALOG[name].partitions(keys)
        failed = failed_partitions(instance, name)
        return all(snapshot.is_current(name, parts) and key_of(parts) not in failed for parts in partitions)

    return current_assets(assets, on_disk)


def failed_partitions(instance: dg.DagsterInstance, asset: str) -> set[str | None]:
    """An asset's partitions whose blocking check failed when it last ran; None where it has no partitions."""
    key = dg.AssetCheckKey(dg.AssetKey(asset), BLOCKING)
    found = instance.event_log_storage.get_asset_check_partition_info([key])
    return {info.partition_key for info in found if info.latest_execution_status.value == "FAILED"}


def current_assets(assets: Sequence[str], on_disk: Callable[[str], bool]) -> list[str]:
    """Those of a stage's assets, each after those that it reads, that need not be made again.

    on_disk: whether an asset is there, made from what is upstream on disk. What another asset of the stage is
    made from may itself be made again, which on_disk cannot know.
    """
    outdated: set[str] = set()
    for name in assets:
        if outdated.intersection(CATALOG[name].reads) or not on_disk(name):
            outdated.add(name)
    return [name for name in assets if name not in outdated]
