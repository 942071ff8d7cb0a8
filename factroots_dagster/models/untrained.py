"""The placebo of everything that is read from a model: its untrained twin."""

from __future__ import annotations

import dataclasses
from typing import Any

import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import find_feed_forward
from factroots_dagster.models.heads import find_vocabulary_head
from factroots_dagster.models.memory import memory_for


def with_random_weights(model: LoadedModel, seed: int) -> LoadedModel:
    """A model of the same configuration and tokenizer whose weights were drawn anew.

    They are drawn in main memory in 32 bits. The twin of a model that is divided among GPUs is divided, too:
    among what the model leaves free on them, and main memory.
    """
    where = "the GPUs" if model.split else model.device
    with memory_for("an untrained twin beside the model", where), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        drawn = type(model.model)(model.model.config)
        drawn.eval().requires_grad_(False).to(dtype=model.model.dtype)
        if model.split:
            _divide(drawn)
        else:
            drawn.to(model.device)
    return dataclasses.replace(
        model,
        model=drawn,
        device=drawn.device,
        head=find_vocabulary_head(drawn),
        ffn=find_feed_forward(drawn),
    )


def _divide(model: Any) -> None:
    """Divide a model that is in main memory among all devices, as transformers does on loading."""
    from accelerate import dispatch_model, infer_auto_device_map
    from accelerate.utils import get_balanced_memory

    whole = list(model._no_split_modules or [])
    memory = get_balanced_memory(model, no_split_module_classes=whole)
    placed = infer_auto_device_map(model, max_memory=memory, no_split_module_classes=whole)
    dispatch_model(model, placed, skip_keys=model._skip_keys_device_placement)
