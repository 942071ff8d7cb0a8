"""The objects of a language's facts, among which answers are ranked."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.facts.schema import MLAMA_OBJECTS
from factroots_dagster.tables import zip_columns


def count_objects(split: pa.Table) -> pa.Table:
    """MLAMA_OBJECTS of one language, from all its facts."""
    keys = ["language", "relation", "object"]
    counted = split.group_by(keys).aggregate([([], "count_all")]).rename_columns([*keys, "facts"])
    ordered = counted.sort_by([(key, "ascending") for key in keys])
    return ordered.select(MLAMA_OBJECTS.names).cast(MLAMA_OBJECTS)


def labels_by_relation(objects: pa.Table) -> dict[str, list[str]]:
    """The labels of every relation's objects. objects: MLAMA_OBJECTS of one language."""
    labels: dict[str, list[str]] = {}
    for relation, label in zip_columns(objects, "relation", "object"):
        labels.setdefault(relation, []).append(label)
    return labels
