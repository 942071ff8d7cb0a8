"""Sweeping and verifying a world in an object store: as `sweep` and `verify` do for one on a local disk."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import disk_time
from factroots_dagster.store.objects import ObjectInfo, Tag
from factroots_dagster.store.pointers import REPLACED, Key, object_name, split_name
from factroots_dagster.store.remote import RemoteWorld
from factroots_dagster.store.sweep import KEEP_SECONDS, Swept
from factroots_dagster.store.verify import Verified
from factroots_dagster.store.versions import MANIFEST, VERSIONS, PartitionVersion, Schemas, version_folder

CLOCK = "_clock"
"""An empty object in a world's folder, written to learn the time by the store's clock."""


@dataclass
class _Listed:
    """What is in the store of a partition.

    versions: their files. replaced: when they were, in seconds. manifest: None without one.
    """

    versions: dict[str, list[ObjectInfo]] = field(default_factory=dict)
    replaced: dict[str, float] = field(default_factory=dict)
    manifest: ObjectInfo | None = None

    def published(self, tag: Tag, now: float) -> float:
        """When the manifest of a state was written; now for another one than was listed."""
        if self.manifest is not None and self.manifest.tag.get("e_tag") == tag.get("e_tag"):
            return self.manifest.modified
        return now


def sweep_remote(
    world: RemoteWorld, key: Key = (), *, keep_seconds: float = KEEP_SECONDS, dry_run: bool = False
) -> Iterator[Swept]:
    """Sweep all partitions, or one that has just been written.

    keep_seconds: how long ago a version that is removed was replaced. What was uploaded and never counted is
    removed after a day, whatever this is: its writer may be at work.

    Ages are by the store's clock, which the object that was written last tells; a dry run, which writes none,
    takes this machine's.
    """
    if not key and not dry_run:
        world.objects.put(CLOCK, b"")
    partitions, clock = _list_partitions(world, key)
    for partition, listed in partitions.items():
        written = clock or (listed.manifest.modified if listed.manifest else 0.0)
        now = time.time() if dry_run else written
        pointer = world.pointers.fetch(partition)
        if pointer is not None and pointer.manifest is None:  # it would not say what counts
            continue
        counts = pointer.manifest.get("version") if pointer and pointer.manifest else None
        published = 0.0 if pointer is None else listed.published(pointer.tag, now)
        for version, files in listed.versions.items():
            if version == counts or not _is_old(listed, version, published, now, keep_seconds):
                continue
            place = world.objects.uri_of(object_name(partition, VERSIONS, version))
            yield Swept(place, "replaced version", sum(file.bytes for file in files))
            if not dry_run:
                world.objects.delete(file.name for file in files)
                world.objects.delete([object_name(partition, REPLACED, version)])
        if not dry_run:  # a sweep was stopped between the files and the mark
            marks = sorted(listed.replaced.keys() - listed.versions.keys())
            world.objects.delete(object_name(partition, REPLACED, version) for version in marks)


def _is_old(listed: _Listed, version: str, published: float, now: float, keep_seconds: float) -> bool:
    if (replaced := listed.replaced.get(version)) is not None:
        return replaced <= now - keep_seconds
    # A writer is at work on it, or was killed before it noted what its version replaced.
    newest = max(published, *(file.modified for file in listed.versions[version]))
    return newest <= now - max(keep_seconds, KEEP_SECONDS)


def _list_partitions(world: RemoteWorld, key: Key) -> tuple[Mapping[Key, _Listed], float | None]:
    """What is below a key, and when the object of the clock was written; None without one there."""
    partitions: dict[Key, _Listed] = {}
    clock = None
    for info in world.objects.find(object_name(key)):
        if info.name == CLOCK:
            clock = info.modified
        partition, rest = split_name(info.name)
        folder, _, name = rest.partition("/")
        if not partition or not (name or rest == MANIFEST):
            continue
        listed = partitions.setdefault(partition, _Listed())
        if rest == MANIFEST:
            listed.manifest = info
        elif folder == REPLACED:
            listed.replaced[name] = info.modified
        elif folder == VERSIONS:
            listed.versions.setdefault(name.partition("/")[0], []).append(info)
    return partitions, clock


def remove_abandoned_downloads(world: RemoteWorld, keep_seconds: float = KEEP_SECONDS) -> None:
    """Remove from the cache what killed processes have left on its way into it."""
    with suppress(OSError):  # there is no such folder, or it is another user's
        now = disk_time(world.pointers.downloads)
        for path in world.pointers.downloads.glob("*"):
            with suppress(OSError):
                if path.stat().st_mtime <= now - keep_seconds:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


def verify_remote(
    world: RemoteWorld, schemas: Mapping[str, Schemas] | None = None, *, files: bool = True
) -> Iterator[Verified]:
    """Read the manifest of every partition, and all files of the version that it points to: from the store,
    whatever is in the cache; a partition at a time is on this disk meanwhile.

    schemas: what the tables of assets are declared as; others are errors, too. files: False for the manifests
    alone.
    """
    for key in sorted(world.pointers.tags()):
        size, error = 0, None
        try:
            if (pointer := world.pointers.fetch(key)) is None:
                continue
            version = world.version_at(key, pointer, (schemas or {}).get(key[0]))
            size = version.bytes
            if files:
                _verify(world, version)
        except InputError as found:
            error = found
        yield Verified("/".join(key), size, error)


def _verify(world: RemoteWorld, version: PartitionVersion) -> None:
    world.pointers.downloads.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=world.pointers.downloads) as folder:
        elsewhere = version_folder(Path(folder), version.manifest)
        try:
            replace(version, partition=Path(folder), folder=elsewhere).checked_folder()
        except InputError as error:
            problem = error.problem.replace(str(elsewhere), world.uri_of(version))
            raise type(error)(problem, error.remedy) from None
