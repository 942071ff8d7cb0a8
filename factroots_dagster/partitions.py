"""The partitions of the graph: languages (static), checkpoints (dynamic), and both.

Keys of cells read `<checkpoint>|<language>`: Dagster joins the dimensions in the order of their names.
"""

from __future__ import annotations

from dataclasses import dataclass

import dagster as dg

from factroots_dagster.settings import Settings


@dataclass(frozen=True)
class Partitions:
    """Partition definitions of one world."""

    languages: dg.StaticPartitionsDefinition
    checkpoints: dg.DynamicPartitionsDefinition
    cells: dg.MultiPartitionsDefinition


def partitions_for(settings: Settings) -> Partitions:
    """Definitions for the settings' world; checkpoint keys of different worlds are kept apart."""
    languages = dg.StaticPartitionsDefinition(list(settings.active_languages))
    checkpoints = dg.DynamicPartitionsDefinition(name=f"{settings.world}_checkpoint")
    return Partitions(
        languages, checkpoints, dg.MultiPartitionsDefinition({"checkpoint": checkpoints, "language": languages})
    )


def parts_of(partition_key: str | None) -> tuple[str, ...]:
    """Folder names of a partition key: `()`, `(language,)`, `(checkpoint,)` or `(checkpoint, language)`."""
    if partition_key is None:
        return ()
    if isinstance(partition_key, dg.MultiPartitionKey):
        keys = partition_key.keys_by_dimension
        return keys["checkpoint"], keys["language"]
    return (partition_key,)
