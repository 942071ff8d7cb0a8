"""A world whose partitions are in an object store, and the folder of this machine that caches them.

The layout is that of a local data root (see `versions`), in the store and in the cache, but for `current`.
What counts is the manifest in the store. It is written by a conditional put after all files of its version,
so that of two writers one is told. Files are downloaded when they are asked for, and compared with their
SHA-256. Drafts and locks are of this machine.

    <partition>/.replaced/<version>   in the store: an empty object, written when the version was replaced
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

from factroots_dagster.errors import InputError
from factroots_dagster.store.atomic import FolderBusyError
from factroots_dagster.store.digests import MATERIALIZE_AGAIN, known_sha256
from factroots_dagster.store.objects import ChangedError, Content, ObjectFolder, Tag, cached_uri, find_cache
from factroots_dagster.store.pointers import REPLACED, Key, Pointer, Pointers, in_parallel, object_name
from factroots_dagster.store.publish import compose_manifest, version_name
from factroots_dagster.store.versions import (
    MANIFEST,
    VERSIONS,
    PartitionVersion,
    Schemas,
    check_format,
    check_owner,
    version_folder,
)

logger = logging.getLogger(__name__)


class RemoteWorld:
    """The partitions of one world in an object store.

    pointers: their manifests. Methods raise InputError where the store refuses a request, and
    UnavailableError where it does not answer.
    """

    def __init__(self, pointers: Pointers) -> None:
        self.pointers, self.objects = pointers, pointers.objects

    @property
    def uri(self) -> str:
        """Of the world."""
        return self.objects.uri

    def snapshot(self) -> RemoteWorld:
        """The world as of now: each asset's partitions are listed once, when they are first asked for."""
        return RemoteWorld(self.pointers.snapshot())

    def version(self, key: Key, schemas: Schemas | None = None) -> PartitionVersion | None:
        """The version that counts; None without the partition. Raises InputError where it cannot be read."""
        pointer = self.pointers.find(key)
        return None if pointer is None else self.version_at(key, pointer, schemas)

    def version_at(self, key: Key, pointer: Pointer, schemas: Schemas | None = None) -> PartitionVersion:
        """The version that a partition's manifest points to. Raises InputError where it cannot be read."""
        uri = self.objects.uri_of(object_name(key))
        if pointer.manifest is None:
            raise InputError(f"{uri}: its {MANIFEST} is damaged", MATERIALIZE_AGAIN)
        check_format(uri, pointer.manifest)
        check_owner(uri, pointer.manifest, key[1:])
        if pointer.manifest["asset"] != key[0]:
            raise InputError(f"{uri}: its {MANIFEST} is of {pointer.manifest['asset']}", MATERIALIZE_AGAIN)
        partition = self.pointers.root.joinpath(*key)
        folder = version_folder(partition, pointer.manifest)
        return PartitionVersion(partition, folder, pointer.manifest, schemas or {}, self)

    def uri_of(self, version: PartitionVersion) -> str:
        """The URI of a version's files."""
        return self.objects.uri_of(_object_folder(version))

    def download(self, version: PartitionVersion, names: Collection[str]) -> None:
        """Have the version's folder hold some of its files, each with its SHA-256.

        Raises InputError where one is missing or damaged in the store, or the disk is full.
        """
        folder = _object_folder(version)
        missing = [name for name in names if not _is_whole(version.folder / name, version.files[name])]
        in_parallel(
            lambda name: self.fetch(f"{folder}/{name}", version.folder / name, version.files[name]), missing
        )

    def fetch(self, name: str, path: Path, sha256: str) -> None:
        """Write an object of a version to a path. Raises InputError as `download` does."""
        with self.pointers.place(path) as temporary, temporary.open("wb") as file:
            if self._read(name, file.write) != sha256:
                problem = f"{self.objects.uri_of(name)}: damaged (its content is not what was written)"
                raise InputError(problem, MATERIALIZE_AGAIN)

    def _read(self, name: str, write: Callable[[bytes], object] = len) -> str:
        """The SHA-256 of an object, which is read piece by piece."""
        digest = hashlib.sha256()
        for piece in self.objects.read(name):
            digest.update(piece)
            write(piece)
        return digest.hexdigest()

    def still_counts(self, version: PartitionVersion) -> bool:
        """Whether the partition has no other version by now."""
        now = self.pointers.fetch((version.manifest["asset"], *version.manifest["partition"]))
        return now is None or now.manifest is None or now.manifest == version.manifest

    def begin(self, key: Key) -> Pointer | None:
        """What a writer replaces: the manifest of now, readable or not; None where there is none.

        Raises InputError where a newer release has written it, or it is another partition's.
        """
        pointer = self.pointers.fetch(key)
        if pointer is not None and pointer.manifest is not None:
            self.version_at(key, pointer)
        return pointer

    def publish(self, draft: Path, manifest: Mapping[str, Any], seen: Pointer | None) -> None:
        """Make a draft the version that counts, if what counts still is what `begin` saw.

        manifest: what the version says of itself, with the SHA-256 of its files.
        Raises FolderBusyError where another writer was first; the partition is then as that one left it.
        """
        key, files = (manifest["asset"], *manifest["partition"]), manifest["files"]
        version = self._upload(key, draft, files, seen)
        content = compose_manifest(version, manifest)
        tag = self._point(key, content, seen)
        with suppress(OSError, InputError):  # the version counts, and the cache can be filled again
            _move_files(draft, self.pointers.root.joinpath(*key, VERSIONS, version), files)
            self.pointers.remember(key, Content(content, tag, time.time()))
        before = seen and seen.manifest and seen.manifest.get("version")
        with suppress(InputError):  # such a version stays longer
            if before and before != version:
                self.objects.put(object_name(key, REPLACED, before), b"")

    def _upload(self, key: Key, draft: Path, files: Mapping[str, str], seen: Pointer | None) -> str:
        """Write the files of a draft among the versions; the version's name.

        A version that is there is used again only while it counts, and if it is whole: it stays while the
        manifest does, of which the writer would be told. Others may be removed at any moment.
        """
        now = seen and seen.manifest
        if now and now["files"] == files and (name := now.get("version")) and self._holds(key, name, files):
            return str(name)
        # A name of its own: whoever sweeps may be about to remove a version of this content.
        version = f"{version_name(files, 0)}-{uuid4().hex[:12]}"
        in_parallel(
            lambda name: self.objects.upload(object_name(key, VERSIONS, version, name), draft / name), files
        )
        return version

    def _holds(self, key: Key, version: str, files: Mapping[str, str]) -> bool:
        """Whether a version in the store has these files, whole."""
        try:
            found = in_parallel(lambda name: self._read(object_name(key, VERSIONS, version, name)), files)
        except InputError:  # one is missing; where the store does not answer the upload fails, too
            return False
        return found == list(files.values())

    def _point(self, key: Key, content: bytes, seen: Pointer | None) -> Tag:
        name = object_name(key, MANIFEST)
        try:
            return self.objects.replace(name, content, seen.tag if seen else None)
        except ChangedError:
            # The answer to the first of two requests may have been lost: then it is ours that is there.
            if (now := self.objects.get(name)) is not None and now.data == content:
                return now.tag
            raise FolderBusyError(
                f"{self.objects.uri_of(object_name(key))}: another writer has published it meanwhile",
                "run this one again if it is out of date now",
            ) from None


def remote_world(root: Path) -> RemoteWorld | None:
    """The world in an object store whose cache a folder is; None for a folder of a local data root.

    root: the world's folder. Raises InputError where the library is not installed.
    """
    uri = cached_uri(root.parent)
    return None if uri is None else RemoteWorld(Pointers(ObjectFolder(f"{uri}/{root.name}"), root))


def fetch_cached(path: Path, sha256: str) -> None:
    """Have this machine's cache of an object store hold a file of a version that another machine's holds.

    path: that on both machines. Raises InputError where the store does not give the file, or it cannot be
    written.
    """
    cache = find_cache(path)
    world = None if cache is None else remote_world(cache / path.relative_to(cache).parts[0])
    if world is None:
        raise ValueError(f"{path} is not in the cache of an object store")
    if not _is_whole(path, sha256):
        world.fetch(path.relative_to(world.pointers.root).as_posix(), path, sha256)


def _is_whole(path: Path, expected: str) -> bool:
    """Whether a file of the cache is there and has its SHA-256."""
    try:
        found = known_sha256(path)
    except FileNotFoundError:
        return False
    if found != expected:
        logger.warning("%s was damaged and is downloaded again: check the disk", path)
    return found == expected


def _object_folder(version: PartitionVersion) -> str:
    """What the names of the objects of a version begin with."""
    key = (version.manifest["asset"], *version.manifest["partition"])
    return object_name(key, *version.folder.relative_to(version.partition).parts)


def _move_files(source: Path, target: Path, names: Iterable[str]) -> None:
    """Move files to a folder that may have some of them, and remove the folder that they were in."""
    for name in names:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(source / name, target / name)
    shutil.rmtree(source)
