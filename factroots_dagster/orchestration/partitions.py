"""What the graph is built for: the settings, the store, and the partitions that follow from them.

Languages are static partitions, checkpoints dynamic ones, cells are both.

Keys of cells read `<checkpoint>|<language>`: Dagster joins the dimensions in the order of their names.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import dagster as dg

from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


@dataclass(frozen=True)
class Platform:
    """One world: its settings, its store and its partition definitions."""

    settings: Settings
    store: Store
    languages: dg.StaticPartitionsDefinition
    checkpoints: dg.DynamicPartitionsDefinition
    cells: dg.MultiPartitionsDefinition


def checkpoint_set(settings: Settings) -> str:
    """Name of the dynamic partitions of a world's checkpoints: those of different worlds are kept apart."""
    return f"{settings.world}_checkpoint"


def platform_for(settings: Settings) -> Platform:
    """The platform of the settings' world."""
    languages = dg.StaticPartitionsDefinition(list(settings.active_languages))
    checkpoints = dg.DynamicPartitionsDefinition(name=checkpoint_set(settings))
    cells = dg.MultiPartitionsDefinition({"checkpoint": checkpoints, "language": languages})
    return Platform(settings, Store(settings.data_root, settings.world), languages, checkpoints, cells)


def parts_of(partition_key: str | None) -> tuple[str, ...]:
    """Folder names of a partition key: `()`, `(language,)`, `(checkpoint,)` or `(checkpoint, language)`."""
    return tuple(partition_key.split("|")) if partition_key is not None else ()


def parents_of(
    keys: Iterable[dg.AssetKey], mapping_of: Callable[[dg.AssetKey], dg.PartitionMapping | None]
) -> list[str]:
    """Names of an asset's parents, sorted; `name/key` where all its partitions are made from that one."""
    names = []
    for key in keys:
        mapping, name = mapping_of(key), key.to_user_string()
        fixed = isinstance(mapping, dg.SpecificPartitionsPartitionMapping)
        names += [f"{name}/{part}" for part in mapping.partition_keys] if fixed else [name]  # type: ignore[union-attr]
    return sorted(names)
