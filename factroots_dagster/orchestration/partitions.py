"""One world of the graph: its settings, its store, and the partitions that follow from them.

Languages are static partitions, checkpoints dynamic ones, and cells are both. Keys of cells read
`<checkpoint>|<language>`: Dagster joins the dimensions in the order of their names. The blocks of a generated
world, what its retrainings leave out, are static.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.blocks import block_names
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

LANGUAGE, CHECKPOINT, BLOCK = "language", "checkpoint", "block"
CELL = (CHECKPOINT, LANGUAGE)
PARTITION_TAGS = (
    "dagster/partition",
    "dagster/asset_partition_range_start",
    "dagster/asset_partition_range_end",
)
"""Tags of a run that hold keys of partitions; Dagster does not export their names."""
Parts = tuple[str, ...]
"""The folder names of a partition: one for each of its dimensions, so `()` without any."""


@dataclass(frozen=True)
class Platform:
    """One world: its settings, its store and its partition definitions."""

    settings: Settings
    store: Store
    languages: dg.StaticPartitionsDefinition
    checkpoints: dg.DynamicPartitionsDefinition
    cells: dg.MultiPartitionsDefinition
    blocks: dg.StaticPartitionsDefinition

    def partitions_def(self, dimensions: tuple[str, ...]) -> dg.PartitionsDefinition | None:
        """The partitions of an asset that is partitioned by these dimensions."""
        definitions: dict[tuple[str, ...], dg.PartitionsDefinition | None] = {
            (): None,
            (LANGUAGE,): self.languages,
            (CHECKPOINT,): self.checkpoints,
            CELL: self.cells,
            (BLOCK,): self.blocks,
        }
        return definitions[dimensions]


def checkpoint_set(world: str) -> str:
    """Name of the dynamic partitions of a world's checkpoints: those of different worlds are kept apart."""
    return f"{world}_checkpoint"


def platform_for(settings: Settings) -> Platform:
    """The platform of the settings' world."""
    languages = dg.StaticPartitionsDefinition(list(settings.active_languages))
    checkpoints = dg.DynamicPartitionsDefinition(name=checkpoint_set(settings.world))
    cells = dg.MultiPartitionsDefinition({CHECKPOINT: checkpoints, LANGUAGE: languages})
    blocks = dg.StaticPartitionsDefinition(block_names(settings.sandbox_blocks))
    return Platform(
        settings, Store(settings.data_root, settings.world), languages, checkpoints, cells, blocks
    )


def parts_of(partition_key: str | None) -> Parts:
    """The folder names of a partition key."""
    return tuple(partition_key.split("|")) if partition_key is not None else ()


def key_of(parts: Parts) -> str | None:
    """The partition key of folder names; None for an asset without partitions."""
    return "|".join(parts) if parts else None


def known_keys(platform: Platform, dimensions: tuple[str, ...], instance: dg.DagsterInstance) -> str:
    """The partition keys that there are, in words."""
    settings = platform.settings
    checkpoints = instance.get_dynamic_partitions(checkpoint_set(settings.world))
    sentences = {
        (): "the asset has no partitions",
        (LANGUAGE,): f"languages: {', '.join(settings.active_languages)}",
        (CHECKPOINT,): f"checkpoints: {_listed(checkpoints)}",
        (BLOCK,): f"blocks: {', '.join(block_names(settings.sandbox_blocks))}",
        CELL: _known_cells(checkpoints, settings.active_languages),
    }
    return sentences[dimensions]


def _known_cells(checkpoints: Sequence[str], languages: Iterable[str]) -> str:
    return f"<checkpoint>|<language>, checkpoints: {_listed(checkpoints)}; languages: {', '.join(languages)}"


def _listed(checkpoints: Sequence[str]) -> str:
    return ", ".join(checkpoints) or "none yet, add one with: factroots checkpoints add <hub id or folder>"


def check_cell(key: str, checkpoints: Sequence[str], languages: Sequence[str]) -> None:
    """Check the key of a run's partition if it is that of a cell. Raises InputError for an unknown one."""
    checkpoint, bar, language = key.partition("|")
    if bar and key not in checkpoints and (checkpoint not in checkpoints or language not in languages):
        raise InputError(f"unknown partition {key!r}", f"choose from {_known_cells(checkpoints, languages)}")


def partition_keys(context: Any, platform: Platform, dimensions: tuple[str, ...]) -> Sequence[str | None]:
    """Keys of the run's partitions, one or a range; `[None]` for an asset without partitions.

    Cells come checkpoint by checkpoint, so that each model is loaded once. Raises InputError where the run
    names no partition of a partitioned asset, an unknown one, or a range whose end comes before its start.
    """
    if not dimensions:
        return [None]
    remedy = f"choose from {known_keys(platform, dimensions, context.instance)}"
    if not (context.has_partition_key_range or context.has_partition_key):
        raise InputError("no partition is given", remedy)
    chosen = context.partition_key_range
    known = set(_all_keys(platform, dimensions, context.instance))
    if unknown := {str(key) for key in (chosen.start, chosen.end)} - known:
        raise InputError(f"unknown partition {', '.join(map(repr, sorted(unknown)))}", remedy)
    keys = list(context.partition_keys)
    if not keys:
        raise InputError(f"the range {chosen.start}...{chosen.end} is empty: its end comes first", remedy)
    order = list(dict.fromkeys(parts_of(key)[0] for key in keys))
    return sorted(keys, key=lambda key: order.index(parts_of(key)[0]))


def _all_keys(platform: Platform, dimensions: tuple[str, ...], instance: dg.DagsterInstance) -> Iterable[str]:
    languages = platform.settings.active_languages
    checkpoints = instance.get_dynamic_partitions(checkpoint_set(platform.settings.world))
    if dimensions == CELL:
        return (f"{checkpoint}|{language}" for checkpoint in checkpoints for language in languages)
    blocks = block_names(platform.settings.sandbox_blocks)
    keys = {LANGUAGE: languages, CHECKPOINT: checkpoints, BLOCK: blocks}
    return keys[dimensions[0]]
