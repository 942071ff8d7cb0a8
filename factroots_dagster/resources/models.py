"""Checkpoints as a Dagster resource: resolved through the registry, the last one kept in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dagster as dg

from factroots_dagster.registry import CheckpointSource

if TYPE_CHECKING:
    from factroots_dagster.probing.checkpoint import LoadedModel


class ModelResource(dg.ConfigurableResource):
    """Loads checkpoints on the configured device."""

    device: str

    def load(self, checkpoint: CheckpointSource, revision: str) -> LoadedModel:
        """The model of a registered checkpoint at exactly `revision`; raises InputError if it changed."""
        from factroots_dagster.probing.checkpoint import load, resolve_checkpoint

        return load(resolve_checkpoint(checkpoint.source, revision), device=self.device)
