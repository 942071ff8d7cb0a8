"""What the driver and the tasks see of each other's disks: all, or only what is in an object store as well.

On one machine tasks see the driver's files, and on a cluster those of a data root that is a folder, which has
to be on a disk that all workers share. The cache of an object store is each machine's own: tasks take from
the store what they read, and the driver brings what they compute.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from factroots_dagster.store.digests import known_sha256
from factroots_dagster.store.objects import find_cache

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

Needed = Mapping[int, Mapping[Path, str]]
"""By the number of a part, the files that its task takes from an object store, with their SHA-256."""


def see_one_disk(spark: SparkSession, path: Path) -> bool:
    """Whether the tasks of a session see a path of the driver's."""
    return str(spark.sparkContext.master).startswith("local") or find_cache(path.absolute()) is None


def needed_files(
    spark: SparkSession, files: Sequence[Sequence[Path]], numbers: Sequence[int]
) -> dict[int, dict[Path, str]]:
    """What the tasks of some parts do not see of the driver's files. files: of every part."""
    if not files:
        return {}
    return {
        number: {
            path.absolute(): known_sha256(path) for path in files[number] if not see_one_disk(spark, path)
        }
        for number in numbers
    }
