"""Removing what no manifest points to any more: versions that were replaced, and drafts of killed writers.

Readers may still be at work on a version when it is replaced, so that it stays for a day; a reader that is
slower is told (see `PartitionVersion`). Ages are taken by the clock of the disk, which may be a server's.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from math import inf
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import FolderBusyError, disk_time, locked
from factroots_dagster.store.digests import list_files
from factroots_dagster.store.versions import (
    CURRENT,
    DRAFTS,
    GONE,
    MANIFEST,
    VERSIONS,
    PartitionVersion,
    find_partitions,
    pointed_folder,
    visible_folders,
)

logger = logging.getLogger(__name__)

KEEP_SECONDS = 24 * 3600.0
"""How long a version stays after it was replaced: longer than anything should read a partition."""

KEEP_DRAFT_SECONDS = 7 * 24 * 3600.0
"""How long the draft of a run that failed waits for the run that continues it."""


@dataclass(frozen=True)
class Swept:
    """Something that was removed, or would be. path: of an object store a URI. what: 'replaced version' or
    'draft'."""

    path: Path | str
    what: str
    bytes: int


def retire(version: PartitionVersion) -> None:
    """Note on a version's folder that it was replaced now."""
    for path in [version.folder] if version.folder != version.partition else _old_files(version.partition):
        os.utime(path)


def has_versions(partition: Path) -> bool:
    """Whether a partition's folder holds files of any version."""
    return bool(_version_paths(partition))


def retire_all(partition: Path) -> None:
    """Note on every version that it was replaced now: which of them counted is not known."""
    for path in _version_paths(partition):
        os.utime(path)


def _version_paths(partition: Path) -> list[Path]:
    return [*visible_folders(partition / VERSIONS), *_old_files(partition)]


def sweep_world(
    root: Path,
    *,
    keep_seconds: float = KEEP_SECONDS,
    keep_draft_seconds: float = KEEP_DRAFT_SECONDS,
    dry_run: bool = False,
) -> Iterator[Swept]:
    """Sweep every partition of a world that no process is writing. root: the world's folder.

    keep_seconds, keep_draft_seconds: how old what is removed must be. dry_run: only say what would go.
    What this process may not remove is logged, and stays. Raises InputError where the disk has no locks.
    """
    if not root.is_dir():
        return
    try:
        now = disk_time(root)
    except OSError:  # nothing can be written there; what would be removed is shown all the same
        now = time.time()
    for partition in find_partitions(root):
        try:
            found = _sweep(partition, now, keep_seconds, keep_draft_seconds, dry_run=True)
            if found and not dry_run:
                with locked(partition):
                    now = disk_time(partition.parent)
                    found = _sweep(partition, now, keep_seconds, keep_draft_seconds, dry_run=False)
        except FolderBusyError:
            continue
        except OSError as error:
            if error.errno not in GONE:  # by a writer, whose lock was not asked for
                logger.warning("%s is not swept (%s)", partition, error.strerror)
            continue
        yield from found


def _sweep(
    partition: Path, now: float, keep_seconds: float, keep_draft_seconds: float, *, dry_run: bool
) -> list[Swept]:
    return [
        *sweep_versions(partition, now - keep_seconds, dry_run=dry_run),
        *remove_drafts(partition, now - keep_draft_seconds, dry_run=dry_run),
    ]


def sweep_versions(partition: Path, before: float, *, dry_run: bool = False) -> list[Swept]:
    """Remove the versions of a partition that were replaced before a time; the lock must be held.

    Nothing is removed where the manifest cannot be read: it would not say what counts.
    """
    try:
        counts = pointed_folder(partition)
    except InputError:
        return []
    replaced = [path for path in visible_folders(partition / VERSIONS) if path != counts]
    if counts != partition:
        replaced += _old_files(partition)
    return _remove(replaced, "replaced version", before, dry_run=dry_run)


def remove_drafts(
    partition: Path, before: float = inf, *, keep: Path | None = None, dry_run: bool = False
) -> list[Swept]:
    """Remove the drafts of writers that were killed or failed; the lock must be held.

    before: only those to which nothing was added since this time. keep: one that stays.
    """
    drafts = [path for path in visible_folders(partition / DRAFTS) if path != keep]
    if (partition / MANIFEST).is_file():
        # What killed writers of older releases have left.
        left = re.compile(rf"\.{re.escape(partition.name)}\.(([0-9]+|[0-9a-f]{{24}})\.tmp|old)")
        drafts += [path for path in partition.parent.iterdir() if left.fullmatch(path.name)]
    return _remove(drafts, "draft", before, dry_run=dry_run)


def _old_files(partition: Path) -> list[Path]:
    """What an older release has written into a partition's folder itself."""
    return [
        path
        for path in partition.iterdir()
        if path.name not in (MANIFEST, VERSIONS, DRAFTS, CURRENT) and not path.name.startswith(".")
    ]


def _remove(paths: list[Path], what: str, before: float, *, dry_run: bool) -> list[Swept]:
    swept = []
    for path in paths:
        if path.stat().st_mtime > before:
            continue
        files = list_files(path) if path.is_dir() else [path]
        found = Swept(path, what, sum(file.stat().st_size for file in files))
        if not dry_run:
            try:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
            except OSError as error:
                # NFS keeps what a process has opened, and its folder with it: until it is swept another time.
                if error.errno != errno.ENOTEMPTY:
                    logger.warning("%s: cannot be removed (%s)", path, error.strerror)
                continue
        swept.append(found)
    return swept
