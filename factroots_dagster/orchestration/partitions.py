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


def checkpoint_set(settings: Settings) -> str:
    """Name of the dynamic partitions of a world's checkpoints: those of different worlds are kept apart."""
    return f"{settings.world}_checkpoint"


def platform_for(settings: Settings) -> Platform:
    """The platform of the settings' world."""
    languages = dg.StaticPartitionsDefinition(list(settings.active_languages))
    checkpoints = dg.DynamicPartitionsDefinition(name=checkpoint_set(settings))
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
    languages = ", ".join(platform.settings.active_languages)
    checkpoints = ", ".join(instance.get_dynamic_partitions(checkpoint_set(platform.settings))) or (
        "none yet, add one with: factroots checkpoints add <hub id or folder>"
    )
    sentences = {
        (): "the asset has no partitions",
        (LANGUAGE,): f"languages: {languages}",
        (CHECKPOINT,): f"checkpoints: {checkpoints}",
        (BLOCK,): f"blocks: {', '.join(block_names(platform.settings.sandbox_blocks))}",
        CELL: f"<checkpoint>|<language>, checkpoints: {checkpoints}; languages: {languages}",
    }
    return sentences[dimensions]


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
    checkpoints = instance.get_dynamic_partitions(checkpoint_set(platform.settings))
    if dimensions == CELL:
        return (f"{checkpoint}|{language}" for checkpoint in checkpoints for language in languages)
    blocks = block_names(platform.settings.sandbox_blocks)
    keys = {LANGUAGE: languages, CHECKPOINT: checkpoints, BLOCK: blocks}
    return keys[dimensions[0]]
