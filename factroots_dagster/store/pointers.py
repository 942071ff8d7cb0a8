"""The manifests of a world in an object store, and those that were seen, in the folder that caches them.

<partition>/.pointer.json    which state of the manifest in the store the cache's `_manifest.json` is
<cache>/_downloads/          files on their way into the cache
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

from factroots_dagster.errors import InputError
from factroots_dagster.store.objects import Content, ObjectFolder, Tag
from factroots_dagster.store.versions import (
    LONGEST_KEY,
    MANIFEST,
    VERSIONS,
    parse_manifest,
    version_folder,
)

REPLACED = ".replaced"
SEEN = ".pointer.json"
DOWNLOADS = "_downloads"
REQUESTS = 8
"""At a time, where there are many to make."""

Key = tuple[str, ...]
"""A partition: its asset and its keys."""

Given = TypeVar("Given")
Made = TypeVar("Made")


@dataclass(frozen=True)
class Pointer:
    """The manifest of a partition in the store.

    tag: of its state. manifest: None where it is damaged. modified: when it was written, in seconds since the
    epoch.
    """

    tag: Tag
    manifest: Mapping[str, Any] | None
    modified: float


class Pointers:
    """The manifests of a world. objects: of the world. root: the world's folder in the cache."""

    def __init__(self, objects: ObjectFolder, root: Path) -> None:
        self.objects, self.root = objects, root
        self.downloads = root.parent / DOWNLOADS
        self._known: dict[Key, Pointer] = {}
        self._listings: dict[str, dict[Key, Pointer]] | None = None

    def snapshot(self) -> Pointers:
        """Those of now: each asset is listed once, when it is first asked for."""
        snapshot = copy(self)
        snapshot._listings = {}
        return snapshot

    def find(self, key: Key) -> Pointer | None:
        """The manifest of a partition; None without the partition."""
        return self.fetch(key) if self._listings is None else self._listed(key[0]).get(key)

    def folders(self, key: Key) -> list[str]:
        """The names of what is one level below an asset or a key, sorted."""
        if self._listings is None:
            return self.objects.list_folders("/".join(key))
        length = len(key)
        return sorted({name[length] for name in self._listed(key[0]) if name[:length] == key != name})

    def keys(self, key: Key) -> list[str]:
        """The last keys of the partitions one level below an asset or a key, sorted."""
        there: Iterable[Key] = self.tags(key) if self._listings is None else self._listed(key[0])
        return sorted(name[-1] for name in there if name[:-1] == key)

    def tags(self, key: Key = ()) -> dict[Key, Tag]:
        """The partitions below an asset or a key, or all of the world, with the tags of their manifests.

        A thousand objects take one request.
        """
        found = {}
        for info in self.objects.find("/".join(key)):
            name, rest = split_name(info.name)
            if name and rest == MANIFEST:
                found[name] = info.tag
        return found

    def fetch(self, key: Key) -> Pointer | None:
        """The manifest of now; None without the partition."""
        known = self._recall(key)
        found = self.objects.get(object_name(key, MANIFEST), known.tag if known else None)
        if found is None:
            self._known.pop(key, None)
            return None
        return known if found.data is None else self.remember(key, found)

    def remember(self, key: Key, found: Content) -> Pointer:
        """Note a manifest in the cache, where a version that it replaces was replaced now.

        Raises InputError where the cache cannot be written.
        """
        assert found.data is not None
        try:
            manifest = parse_manifest(found.data)
        except ValueError:
            return Pointer(found.tag, None, found.modified)
        before, partition = self._recall(key), self.root.joinpath(*key)
        noted = {"tag": dict(found.tag), "checksum": manifest.get("checksum"), "modified": found.modified}
        for name, content in ((MANIFEST, found.data), (SEEN, json.dumps(noted).encode())):
            with self.place(partition / name) as temporary:
                temporary.write_bytes(content)
        if (
            before is not None
            and before.manifest
            and before.manifest.get("version") != manifest.get("version")
        ):
            with suppress(OSError):
                os.utime(version_folder(partition, before.manifest))
        pointer = self._known[key] = Pointer(found.tag, manifest, found.modified)
        return pointer

    def _recall(self, key: Key) -> Pointer | None:
        """The manifest as this process, or another one on this machine, saw it last."""
        if key not in self._known:
            partition = self.root.joinpath(*key)
            try:
                noted = json.loads((partition / SEEN).read_bytes())
                manifest = parse_manifest((partition / MANIFEST).read_bytes())
                if noted["checksum"] != manifest["checksum"]:  # of two states: another process writes them
                    return None
                self._known[key] = Pointer(noted["tag"], manifest, noted["modified"])
            except (OSError, ValueError, KeyError, TypeError):
                return None
        return self._known[key]

    def _listed(self, asset: str) -> Mapping[Key, Pointer]:
        """The manifests of an asset in a snapshot; those that have changed are read."""
        assert self._listings is not None
        if asset not in self._listings:
            there, found = self.tags((asset,)), dict[Key, Pointer]()
            for key, tag in there.items():
                if (known := self._recall(key)) is not None and known.tag.get("e_tag") == tag.get("e_tag"):
                    found[key] = known
            changed = [key for key in there if key not in found]
            for key, pointer in zip(changed, in_parallel(self.fetch, changed), strict=True):
                if pointer is not None:
                    found[key] = pointer
            self._listings[asset] = found
        return self._listings[asset]

    @contextmanager
    def place(self, target: Path) -> Iterator[Path]:
        """Yield the path of a file to write, which replaces one of the cache when the block succeeds.

        Nothing waits for the disk: what a power cut takes is downloaded again. Raises InputError where the
        cache cannot be written.
        """
        try:
            self.downloads.mkdir(parents=True, exist_ok=True)
            temporary = self.downloads / uuid4().hex
            try:
                yield temporary
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(temporary, target)
            finally:
                temporary.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{target}: cannot be written ({error.strerror})",
                "free space, or set FACTROOTS_CACHE to a folder on another disk",
            ) from error


def object_name(key: Key, *rest: str) -> str:
    """The name of an object of a partition, below the world's."""
    return "/".join((*key, *rest))


def split_name(name: str) -> tuple[Key, str]:
    """The partition that an object belongs to, and its name in it; () where it belongs to none."""
    parts = name.split("/")
    for length in range(1, min(len(parts), LONGEST_KEY + 2)):
        if parts[length] in (MANIFEST, VERSIONS, REPLACED):
            return tuple(parts[:length]), "/".join(parts[length:])
    return (), name


def in_parallel(function: Callable[[Given], Made], values: Iterable[Given]) -> list[Made]:
    """What a function that mostly waits or reads makes of each value, in order; raises its first error."""
    given = list(values)
    if len(given) < 2:
        return list(map(function, given))
    with ThreadPoolExecutor(REQUESTS) as pool:
        try:
            return list(pool.map(function, given))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
