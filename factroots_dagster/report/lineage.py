"""Which assets a partition was made from, read back from the manifests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from factroots_dagster.store.store import Store


@dataclass(frozen=True)
class Origin:
    """One asset behind a result.

    partitions: number of its partitions that went into the result. digest: of these. made_from: other assets.
    """

    asset: str
    partitions: int
    digest: str
    made_from: tuple[str, ...]


def trace_lineage(store: Store, inputs: Iterable[str]) -> list[Origin]:
    """Every asset upstream of some partitions, each after the assets it was made from.

    Only partitions that are still in the store are followed further; digests are those of the partitions as
    they are now. inputs: partitions written as `asset/part/part`.
    """
    manifests: dict[str, Mapping[str, Any]] = {}
    queue = list(inputs)
    while queue:
        key = queue.pop()
        asset, *parts = key.split("/")
        if key not in manifests and store.exists(asset, *parts):
            manifests[key] = store.manifest(asset, *parts)
            queue += manifests[key]["inputs"]
    origins = {}
    for asset in sorted({_asset_of(key) for key in manifests}):
        own = {key: manifest for key, manifest in manifests.items() if _asset_of(key) == asset}
        parents = {_asset_of(source) for manifest in own.values() for source in manifest["inputs"]}
        origins[asset] = Origin(asset, len(own), _joint_digest(own), tuple(sorted(parents - {asset})))
    return _parents_first(origins)


def _asset_of(key: str) -> str:
    return key.split("/")[0]


def _joint_digest(manifests: Mapping[str, Mapping[str, Any]]) -> str:
    """The digest of a single partition, or one over the digests of all."""
    if len(manifests) == 1:
        (manifest,) = manifests.values()
        return str(manifest["digest"])
    lines = "".join(f"{key} {manifests[key]['digest']}\n" for key in sorted(manifests))
    return hashlib.sha256(lines.encode()).hexdigest()


def _parents_first(origins: dict[str, Origin]) -> list[Origin]:
    """The origins in topological order; what remains in a circle comes last."""
    ordered: list[Origin] = []
    remaining = dict(origins)
    while remaining:
        ready = [name for name, origin in remaining.items() if not remaining.keys() & set(origin.made_from)]
        ordered += [remaining.pop(name) for name in ready or list(remaining)]
    return ordered
