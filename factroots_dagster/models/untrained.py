"""The placebo of everything that is read from a model: its untrained twin."""

from __future__ import annotations

import dataclasses

import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import find_feed_forward
from factroots_dagster.models.heads import find_vocabulary_head


def with_random_weights(model: LoadedModel, seed: int) -> LoadedModel:
    """A model of the same configuration and tokenizer whose weights were drawn anew."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = type(model.model)(model.model.config)
    drawn.eval().requires_grad_(False).to(device=model.device, dtype=model.model.dtype)
    return dataclasses.replace(
        model, model=drawn, head=find_vocabulary_head(drawn), ffn=find_feed_forward(drawn)
    )
