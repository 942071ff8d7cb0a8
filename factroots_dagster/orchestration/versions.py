"""What decides whether a partition is still good: code, settings, and what it was made from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.metadata import version
from typing import Any

from factroots_dagster.errors import suppress_bad_input
from factroots_dagster.orchestration.catalog import CATALOG, AssetRow, parents
from factroots_dagster.orchestration.partitions import Parts
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def code_version(asset: str, settings: Settings) -> str:
    """The code version of an asset, see `row_version`."""
    return row_version(CATALOG[asset], settings)


def row_version(row: AssetRow, settings: Settings) -> str:
    """The code version of a row's asset: its number, and a digest of its world, settings and libraries.

    What is left at its default is not part of it, so that adding a setting makes nothing out of date. The
    world is part of it because worlds may share one DAGSTER_HOME, where the history of an asset without
    partitions does not tell them apart: what another world left shows as out of date.
    """
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    values = {name: getattr(settings, name) for name in settings_read(row, settings)}
    values = {name: value for name, value in values.items() if value != defaults.get(name)}
    values["world"] = settings.world
    if row.libraries:
        # without what says for which device one was built
        values["libraries"] = [f"{name} {version(name).partition('+')[0]}" for name in row.libraries]
    return f"{row.number}-{_digest(values)[:12]}"


def settings_read(row: AssetRow, settings: Settings) -> tuple[str, ...]:
    """The settings that an asset reads in the settings' world."""
    if settings.generated and row.settings_if_generated is not None:
        return row.settings_if_generated
    return row.settings


class StoreSnapshot:
    """The partitions on disk as seen at one moment: each is looked at once, however often it is asked for."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self.store, self.settings = store.snapshot(), settings
        self._manifests: dict[tuple[str, Parts], Mapping[str, Any] | None] = {}
        self._folders = cache(self.store.folders)
        self._joint: dict[tuple[str, tuple[str | None, ...]], str | None] = {}

    def manifest(self, asset: str, parts: Parts) -> Mapping[str, Any] | None:
        """What a partition says of itself, None when there is none or it cannot be read: it is to be made."""
        if (asset, parts) not in self._manifests:
            manifest = None
            if self.store.exists(asset, *parts):
                with suppress_bad_input():
                    manifest = self.store.manifest(asset, *parts)
            self._manifests[asset, parts] = manifest
        return self._manifests[asset, parts]

    def upstream(self, asset: str, parts: Parts) -> dict[str, str]:
        """By parent, a digest of those of its partitions that this partition is made from.

        A cell is made from the partitions of its language, its checkpoint, or the same cell; an asset that is
        not partitioned by language is made from every language on disk, and so for checkpoints. Of
        `checkpoint/<key>` (see `catalog.parents`) only the tokenizer counts: weights change no mention.
        A parent without partitions on disk is left out.
        """
        own = dict(zip(CATALOG[asset].partitioned_by, parts, strict=True))
        digests = {
            parent: self._tokenizer_digest(parent.split("/")[1])
            if "/" in parent
            else self._joint_digest(parent, own)
            for parent in parents(asset, self.settings)
        }
        return {parent: digest for parent, digest in digests.items() if digest is not None}

    def is_current(self, asset: str, parts: Parts) -> bool:
        """Whether a partition is on disk, made by this code from what is upstream now."""
        manifest = self.manifest(asset, parts)
        return (
            manifest is not None
            and manifest["code_version"] == code_version(asset, self.settings)
            and manifest.get("upstream") == self.upstream(asset, parts)
        )

    def partitions(self, asset: str, chosen: Iterable[str | None]) -> list[Parts]:
        """The folders of an asset that may hold a partition, with some dimensions fixed (None: any)."""
        partitions: list[Parts] = [()]
        for key in chosen:
            partitions = [
                (*folder, name)
                for folder in partitions
                for name in ([key] if key is not None else self._folders(asset, *folder))
            ]
        return partitions

    def _joint_digest(self, asset: str, own: Mapping[str, str]) -> str | None:
        chosen = tuple(own.get(dimension) for dimension in CATALOG[asset].partitioned_by)
        if (asset, chosen) not in self._joint:
            manifests = {
                "/".join(parts): self.manifest(asset, parts) for parts in self.partitions(asset, chosen)
            }
            digests = {key: manifest["digest"] for key, manifest in manifests.items() if manifest}
            self._joint[asset, chosen] = _digest(digests)[:24] if digests else None
        return self._joint[asset, chosen]

    def _tokenizer_digest(self, checkpoint: str) -> str | None:
        with suppress_bad_input():
            table = self.store.read("checkpoint", checkpoint, columns=["tokenizer_sha256"])
            return str(table["tokenizer_sha256"][0])
        return None  # not described, or not by this release


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
