"""What decides whether a published partition is still good: code, settings, and what it was made from.

Raise an asset's number here when its code, or another default of a setting, gives other results. Settings are
listed with the asset that reads them itself; what lies downstream learns of a change through the data.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

LANGUAGE, CHECKPOINT = "language", "checkpoint"
CELL = (CHECKPOINT, LANGUAGE)


@dataclass(frozen=True)
class Recipe:
    """Number of an asset's code, the settings that it reads, and what its partitions are keyed by."""

    number: int
    by: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    generated: tuple[str, ...] | None = None  # the settings in a generated world, where they differ


RECIPES: Mapping[str, Recipe] = {
    "mlama_release": Recipe(1, (), ("mlama_source",), generated=("sandbox_seed",)),
    "wikipedia_dump": Recipe(
        1, (LANGUAGE,), ("wikipedia_source", "wikipedia_snapshot"), generated=("sandbox_seed",)
    ),
    "checkpoint": Recipe(1, (CHECKPOINT,)),
    "planted_truth": Recipe(1, (), ("sandbox_seed", "active_languages")),
    "sandbox_training": Recipe(1, (), ("sandbox_seed", "active_languages")),
    "mlama_split": Recipe(1, (LANGUAGE,)),
    "fact_coverage": Recipe(1, (), ("active_languages",)),
    "wikipedia_articles": Recipe(2, (LANGUAGE,), ("wikipedia_lists",)),
    "wikipedia_volume": Recipe(1, (LANGUAGE,)),
    "entity_mentions": Recipe(2, (LANGUAGE,), ("wordpiece_checkpoint",)),
    "fact_sources": Recipe(1, (LANGUAGE,)),
    "predictions": Recipe(1, CELL, ("precision", "protocols", "mask_counts")),
    "neuron_activations": Recipe(1, CELL, ("precision",)),
    "active_neurons": Recipe(1, CELL),
    "probing_scores": Recipe(1, (CHECKPOINT,), ("sandbox_seed", "active_languages")),
    "language_clusters": Recipe(1, (CHECKPOINT,), ("sandbox_seed", "active_languages")),
    "neuron_similarity": Recipe(1, (CHECKPOINT,), ("sandbox_seed", "active_languages")),
    "neuron_interventions": Recipe(1, (CHECKPOINT,), ("sandbox_seed", "active_languages", "precision")),
    "fact_types": Recipe(1, (CHECKPOINT,), ("active_languages",)),
    "categorization_report": Recipe(1, (CHECKPOINT,)),
    "checkpoint_comparison": Recipe(1),
}
"""Every asset. `device`, `spark_master` and `data_root` say where work is done, not what comes out."""


def code_version(asset: str, settings: Settings) -> str:
    """The asset's code version: its number, and a digest of the world and of the settings it reads.

    What is left at its default is not part of it, so that a setting that is added makes nothing out of date.
    The world is part of it because worlds may share one DAGSTER_HOME, where the history of an asset
    without partitions does not tell them apart: what another world left shows as out of date.
    """
    recipe = RECIPES[asset]
    names = recipe.generated if settings.generated and recipe.generated is not None else recipe.settings
    values = {name: getattr(settings, name) for name in names}
    defaults = {name: field.default for name, field in Settings.model_fields.items()}
    values = {name: value for name, value in values.items() if value != defaults.get(name)}
    values["world"] = settings.world
    return f"{recipe.number}-{_digest(values)[:12]}"


class StoreSnapshot:
    """What is published, as seen at one moment: a partition is looked at once, however often."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._manifests: dict[tuple[str, tuple[str, ...]], dict[str, Any] | None] = {}
        self._folders: dict[tuple[str, ...], list[str]] = {}
        self._joint: dict[tuple[str, tuple[str | None, ...]], str | None] = {}

    def manifest(self, asset: str, parts: tuple[str, ...]) -> dict[str, Any] | None:
        """What a published partition says of itself, None when there is none."""
        if (asset, parts) not in self._manifests:
            exists = self.store.exists(asset, *parts)
            self._manifests[asset, parts] = self.store.manifest(asset, *parts) if exists else None
        return self._manifests[asset, parts]

    def upstream(self, asset: str, parents: Iterable[str], parts: tuple[str, ...]) -> dict[str, str]:
        """Digest of every published parent of a partition, over the parent's partitions that match it.

        A cell is matched by its language, its checkpoint, or the same cell; an asset that is not keyed by
        language is matched by every published language, and so for checkpoints. Of `checkpoint/<key>`
        (see `partitions.parents_of`) the tokenizer alone is read.
        """
        own = dict(zip(RECIPES[asset].by, parts, strict=True))
        found = {
            parent: self._tokenizer(*parent.split("/")[1:])
            if "/" in parent
            else self._joint_digest(parent, own)
            for parent in sorted(parents)
        }
        return {parent: digest for parent, digest in found.items() if digest is not None}

    def is_current(
        self, asset: str, parts: tuple[str, ...], code_version: str, parents: Iterable[str]
    ) -> bool:
        """Whether a partition is published, by this code and from what is upstream now."""
        manifest = self.manifest(asset, parts)
        return (
            manifest is not None
            and manifest["code_version"] == code_version
            and manifest.get("upstream") == self.upstream(asset, parents, parts)
        )

    def _joint_digest(self, asset: str, own: Mapping[str, str]) -> str | None:
        chosen = tuple(own.get(dimension) for dimension in RECIPES[asset].by)
        if (asset, chosen) not in self._joint:
            places: list[tuple[str, ...]] = [()]
            for key in chosen:
                places = [
                    (*place, name)
                    for place in places
                    for name in ([key] if key is not None else self._below(asset, *place))
                ]
            manifests = {"/".join(place): self.manifest(asset, place) for place in places}
            versions = {place: manifest["digest"] for place, manifest in manifests.items() if manifest}
            self._joint[asset, chosen] = _digest(versions)[:24] if versions else None
        return self._joint[asset, chosen]

    def _tokenizer(self, checkpoint: str) -> str | None:
        """Digest of a described checkpoint's tokenizer: its weights may change, and no mention does."""
        if not self.store.exists("checkpoint", checkpoint):
            return None
        table = self.store.read("checkpoint", checkpoint, columns=["tokenizer_sha256"])
        return str(table["tokenizer_sha256"][0])

    def _below(self, asset: str, *parts: str) -> list[str]:
        if (asset, *parts) not in self._folders:
            self._folders[asset, *parts] = self.store.folders(asset, *parts)
        return self._folders[asset, *parts]


def _digest(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True, default=str).encode()).hexdigest()
