"""Checkpoints as a Dagster resource: resolved through the registry, the last one kept in memory."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import dagster as dg

from factroots_dagster.models.registry import lookup
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import PartitionWriter, Store

if TYPE_CHECKING:
    from factroots_dagster.models.checkpoint import LoadedModel


def wordpiece_tokenizer(settings: Settings, store: Store) -> str | None:
    """The `tokenizer.json` of the checkpoint whose wordpieces are looked for; None when none is set.

    Of a checkpoint that the asset `checkpoint` has described it is that of the described revision. Raises
    InputError when the checkpoint is not registered, has changed since, or its tokenizer cannot be used.
    """
    key = settings.wordpiece_checkpoint
    if not key:
        return None
    entry, revision = lookup(settings, key), None
    if store.exists("checkpoint", key):
        revision = store.read("checkpoint", key, columns=["revision"])["revision"][0].as_py()
    return _tokenizer(entry.source, revision or entry.revision)


@lru_cache(maxsize=1)
def _tokenizer(source: str, revision: str | None) -> str:
    """Read once a process, however many languages are asked."""
    from factroots_dagster.models.files import resolve_checkpoint
    from factroots_dagster.text.wordpieces.search import read_tokenizer

    return read_tokenizer(resolve_checkpoint(source, revision).path)


class ModelResource(dg.ConfigurableResource[None]):
    """Loads checkpoints on the configured device, in the configured precision."""

    device: str

    def load(self, settings: Settings, work: PartitionWriter, checkpoint: str) -> LoadedModel:
        """The model of a checkpoint's key, at exactly the revision that its `checkpoint` asset records.

        Raises InputError when the key is not registered, not described yet, or its files have changed.
        """
        from factroots_dagster.models.checkpoint import load, resolve_checkpoint

        revision = work.read("checkpoint", checkpoint)["revision"][0].as_py()
        dtype = {"fp32": "float32", "bf16": "bfloat16"}[settings.precision]
        resolved = resolve_checkpoint(lookup(settings, checkpoint).source, revision)
        return load(resolved, device=self.device, dtype=dtype)
