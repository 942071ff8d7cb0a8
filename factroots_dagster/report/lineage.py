"""Which assets a partition was made from, read back from the manifests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from factroots_dagster.store.store import Store


@dataclass(frozen=True)
class Origin:
    """One asset as it went into a result: how many partitions, their digest, and what they were made from."""

    asset: str
    partitions: int
    digest: str
    made_from: tuple[str, ...]


def lineage(store: Store, inputs: Iterable[str]) -> list[Origin]:
    """Every asset upstream of partitions written `asset/part/part`, each after those it was made from.

    Only what is still in the store is followed further; the digest is of the partitions as they are there.
    """
    manifests: dict[str, dict[str, Any]] = {}
    waiting = list(inputs)
    while waiting:
        key = waiting.pop()
        asset, *parts = key.split("/")
        if key not in manifests and store.exists(asset, *parts):
            manifests[key] = store.manifest(asset, *parts)
            waiting += manifests[key]["inputs"]
    assets = sorted({key.split("/")[0] for key in manifests})
    found = {}
    for asset in assets:
        own = {key: manifest for key, manifest in manifests.items() if key.split("/")[0] == asset}
        sources = {source.split("/")[0] for manifest in own.values() for source in manifest["inputs"]}
        digests = "".join(f"{key} {own[key]['digest']}\n" for key in sorted(own))
        whole = next(iter(own.values()))["digest"] if len(own) == 1 else _sha256(digests)
        found[asset] = Origin(asset, len(own), whole, tuple(sorted(sources - {asset})))
    ordered: list[Origin] = []
    while found:
        free = [name for name, origin in found.items() if not found.keys() & set(origin.made_from)]
        ordered += [found.pop(name) for name in free or list(found)]
    return ordered


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
