"""Verifying a whole world: whether every file of every partition has the content that was written."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.store.versions import MANIFEST, Schemas, find_partitions, read_version


@dataclass(frozen=True)
class Verified:
    """What was found of one partition.

    name: `<asset>/<keys>`. bytes: of its files. error: what is wrong with it; None where nothing is.
    """

    name: str
    bytes: int
    error: InputError | None


def verify_world(
    root: Path, schemas: Mapping[str, Schemas] | None = None, *, files: bool = True
) -> Iterator[Verified]:
    """Read the manifest of every partition, and all files of the version that it points to.

    root: the world's folder. schemas: what the tables of assets are declared as; others are errors, too.
    files: False for the manifests alone, which is quick.
    """
    for partition in find_partitions(root):
        if not (partition / MANIFEST).is_file():
            continue
        asset, *parts = partition.relative_to(root).parts
        size, error = 0, None
        try:
            version = read_version(partition, parts, (schemas or {}).get(asset))
            size = version.bytes
            if files:
                version.checked_folder()
        except InputError as found:
            error = found
        yield Verified("/".join((asset, *parts)), size, error)
