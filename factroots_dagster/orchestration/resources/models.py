"""Checkpoints as a Dagster resource: found through the registry, at the revision that was described."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import dagster as dg

from factroots_dagster.models.registry import CheckpointSource, lookup
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    from factroots_dagster.models.checkpoint import LoadedModel
    from factroots_dagster.models.tokenizer import CheckpointTokenizer

DTYPES = {"fp32": "float32", "bf16": "bfloat16"}


class ModelResource(dg.ConfigurableResource[None]):
    """Loads models and tokenizers of a world's registered checkpoints.

    world, data_root, checkpoints: where checkpoints are registered and described (see `Settings`).
    device, precision: where and in which number format models run.
    """

    world: str
    data_root: str
    checkpoints: str | None
    device: str
    precision: str

    @classmethod
    def from_settings(cls, settings: Settings) -> ModelResource:
        """The resource for the settings' world."""
        return cls(
            world=settings.world,
            data_root=str(settings.data_root),
            checkpoints=None if settings.checkpoints is None else str(settings.checkpoints),
            device=settings.device,
            precision=settings.precision,
        )

    def load(self, checkpoint: str) -> LoadedModel:
        """The model of a checkpoint's key, at exactly the revision that its `checkpoint` asset records.

        Raises InputError when the key is not registered, not described yet, or its files have changed.
        """
        from factroots_dagster.models.checkpoint import load
        from factroots_dagster.models.files import resolve_checkpoint

        resolved = resolve_checkpoint(self._source(checkpoint).source, self._described(checkpoint))
        return load(resolved, device=self.device, dtype=DTYPES[self.precision])

    def tokenizer(self, checkpoint: str) -> CheckpointTokenizer:
        """The tokenizer of a checkpoint's key, at the described revision; no weights are loaded."""
        from factroots_dagster.models.files import resolve_checkpoint
        from factroots_dagster.models.tokenizer import load_tokenizer

        return load_tokenizer(
            resolve_checkpoint(self._source(checkpoint).source, self._described(checkpoint))
        )

    def tokenizer_json(self, checkpoint: str) -> str:
        """The text of a checkpoint's `tokenizer.json`, at the described revision where there is one.

        Raises InputError when the key is not registered, its files have changed since it was described, or
        its tokenizer cannot be used.
        """
        source = self._source(checkpoint)
        described = self._store().exists("checkpoint", checkpoint)
        revision = self._described(checkpoint) if described else source.revision
        return _tokenizer_json(source.source, revision)

    def _store(self) -> Store:
        return Store(self.data_root, self.world)

    def _source(self, checkpoint: str) -> CheckpointSource:
        return lookup(
            Settings.model_construct(
                world=self.world,
                data_root=Path(self.data_root),
                checkpoints=None if self.checkpoints is None else Path(self.checkpoints),
            ),
            checkpoint,
        )

    def _described(self, checkpoint: str) -> str:
        return str(self._store().read("checkpoint", checkpoint, columns=["revision"])["revision"][0])


@lru_cache(maxsize=1)
def _tokenizer_json(source: str, revision: str | None) -> str:
    """Read once a process, however many languages are asked."""
    from factroots_dagster.models.files import resolve_checkpoint
    from factroots_dagster.text.wordpieces.search import read_tokenizer

    return read_tokenizer(resolve_checkpoint(source, revision).path)
