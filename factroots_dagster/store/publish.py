"""How a version of a partition is written: as a draft, which becomes a version that the manifest points to.

One writer at a time holds a partition's lock. Files of a version are never changed, so that whoever reads an
older one goes on reading it until it is swept (`sweep`).
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import atomic_file, locked, make_folder, move_folder, sync_tree
from factroots_dagster.store.digests import check_files, list_files
from factroots_dagster.store.sweep import (
    KEEP_SECONDS,
    has_versions,
    remove_drafts,
    retire,
    retire_all,
    sweep_versions,
)
from factroots_dagster.store.versions import (
    CURRENT,
    DRAFTS,
    FORMAT,
    MANIFEST,
    VERSIONS,
    NoManifestError,
    PartitionVersion,
    check_format,
    check_owner,
    load_manifest,
    manifest_checksum,
    read_version,
)

logger = logging.getLogger(__name__)


@contextmanager
def open_draft(partition: Path, parts: tuple[str, ...], resume: str | None = None) -> Iterator[Path]:
    """Yield the folder of a new draft, under the partition's lock; it is removed unless it was published.

    parts: the partition's keys. resume: a digest of everything that the content depends on. The draft of a
        writer that failed or was killed is then kept, and the next writer with the same digest continues it.

    Raises FolderBusyError when another process is writing the partition, and InputError where a newer release
    has written it, or it is another partition's folder.
    """
    make_folder(partition.parent)
    with locked(partition):
        old = partition.with_name(f".{partition.name}.old")
        if old.is_dir() and not partition.exists():
            old.rename(partition)  # a writer of an older release was killed between two renames
        check_replaceable(partition, parts)
        draft = partition / DRAFTS / (resume or str(os.getpid()))
        remove_drafts(partition, keep=draft if resume else None)
        make_folder(draft)
        try:
            yield draft
        finally:
            if resume is None:
                shutil.rmtree(draft, ignore_errors=True)
            for folder in (draft.parent, partition):
                with suppress(OSError):  # it is not empty
                    folder.rmdir()


def check_replaceable(partition: Path, parts: tuple[str, ...]) -> None:
    """Raise InputError where what is on disk is a newer release's, or another partition's.

    A manifest that is damaged is replaced. One that the disk does not give may be whole: InputError, too.
    """
    try:
        manifest = load_manifest(partition)
    except NoManifestError:
        return
    check_format(partition, manifest)
    check_owner(partition, manifest, parts)


def publish(partition: Path, draft: Path, manifest: Mapping[str, Any]) -> None:
    """Make a draft the version that counts; the lock must be held.

    manifest: what it says of itself, with the SHA-256 of its files.
    Where the manifest before is damaged or gone, every version that is there is kept as one replaced now.
    """
    sync_tree(draft)
    lost = _names_no_version(partition)
    before = _published(partition, manifest["partition"])
    version = _place(draft, partition / VERSIONS, manifest["files"])
    with atomic_file(partition / MANIFEST) as temporary:
        temporary.write_bytes(compose_manifest(version.name, manifest))
    with suppress(OSError):  # the version counts, whatever becomes of the rest
        _link_current(partition, version)
    with suppress(OSError):
        if lost:
            retire_all(partition)
        elif before is not None and before.folder != version:
            retire(before)
        sweep_versions(partition, (partition / MANIFEST).stat().st_mtime - KEEP_SECONDS)


def _names_no_version(partition: Path) -> bool:
    """Whether a partition has versions, and no manifest that says which of them counts; this is logged."""
    try:
        load_manifest(partition)
        return False
    except NoManifestError as error:
        if not has_versions(partition):
            return False
        days = KEEP_SECONDS / (24 * 3600)
        logger.warning("%s: it is written anew; its older versions stay for %g day", error.problem, days)
        return True


def compose_manifest(version: str, manifest: Mapping[str, Any]) -> bytes:
    """A manifest as it is written. version: the name of the version that it points to."""
    content = {"format": FORMAT, "version": version, **manifest}
    content["checksum"] = manifest_checksum(content)
    return (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()


def version_name(files: Mapping[str, str], number: int) -> str:
    """The name that the content of a version gives it. number: of versions with this content before it."""
    name = hashlib.sha256(json.dumps(files, sort_keys=True).encode()).hexdigest()[:24]
    return f"{name}-{number}" if number else name


def _published(partition: Path, parts: list[str]) -> PartitionVersion | None:
    try:
        return read_version(partition, parts)
    except InputError:
        return None


def _place(draft: Path, versions: Path, files: Mapping[str, str]) -> Path:
    """Move a draft among the versions, under a name that its content gives; the version's folder.

    A version with the same content is used again, unless it is damaged: a folder is never changed.
    """
    make_folder(versions)
    for number in count():
        version = versions / version_name(files, number)
        if not version.exists():
            move_folder(draft, version)
            break
        if _holds(version, files):
            shutil.rmtree(draft, ignore_errors=True)
            break
    return version


def _holds(version: Path, files: Mapping[str, str]) -> bool:
    """Whether a folder has exactly these files."""
    try:
        check_files(version, files)
    except InputError:
        return False
    return {path.relative_to(version).as_posix() for path in list_files(version)} == files.keys()


def _link_current(partition: Path, version: Path) -> None:
    """Have `current` lead to a version; raises OSError where the disk has no symbolic links."""
    current, temporary = partition / CURRENT, partition / f".{CURRENT}.tmp"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(Path(VERSIONS, version.name))
    if current.is_dir() and not current.is_symlink():
        shutil.rmtree(current)  # of a copy that was made with what links lead to
    temporary.replace(current)
