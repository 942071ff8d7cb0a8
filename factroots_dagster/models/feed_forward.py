"""Where a model's feed-forward neurons are, how to read them, and how to scale them.

A neuron vector is the *input* of a layer's FFN down-projection (after the activation, and after the gate
where there is one): `intermediate_size` numbers per layer and token. The projection is found by its shape,
so every family needs no code of its own and no class is patched.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from factroots_dagster.errors import InputError

_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
_HIDDEN = ("hidden_size", "dim", "n_embd")
_INTERMEDIATE = ("intermediate_size", "hidden_dim", "n_inner", "ffn_dim")


@dataclass(frozen=True)
class FeedForward:
    """The down-projection of every layer, first layer first, and the width of their inputs."""

    projections: tuple[nn.Module, ...]
    neurons: int

    @property
    def layers(self) -> int:
        return len(self.projections)


def find_feed_forward(model: Any) -> FeedForward:
    """Finds in every layer the linear map intermediate_size -> hidden_size outside attention.

    BERT `output.dense`, DistilBERT `ffn.lin2`, ModernBERT `mlp.Wo`, GPT-2 `mlp.c_proj` (a Conv1D), BLOOM
    `mlp.dense_4h_to_h`, Llama/Qwen/Gemma `mlp.down_proj`.
    Raises InputError where a layer has none or several (mixture-of-experts models).
    """
    config = model.config.get_text_config()
    layers = _first(config, _LAYERS, "layers")
    hidden = _first(config, _HIDDEN, "hidden size")
    intermediate = _first(config, _INTERMEDIATE, None) or 4 * hidden  # GPT-2's and BLOOM's convention
    projections = []
    for name, layer in _layer_stack(model, layers):
        found = [
            (path, module)
            for path, module in layer.named_modules()
            if "att" not in path.lower() and _shape(module) == (intermediate, hidden)
        ]
        if len(found) != 1:
            raise InputError(
                f"layer {name} of {type(model).__name__} has {len(found)} feed-forward projections of shape "
                f"{intermediate} -> {hidden}, one is needed; mixture-of-experts models are not supported"
            )
        projections.append(found[0][1])
    return FeedForward(tuple(projections), intermediate)


@contextmanager
def read_neurons(
    ffn: FeedForward, rows: torch.Tensor, positions: torch.Tensor
) -> Iterator[list[torch.Tensor]]:
    """Captures neurons during one forward pass, at chosen tokens only.

    rows, positions: int64 [m], the tokens as (row of the batch, position in the row).
    Yields a list that holds, after the forward pass, one tensor [m, neurons] per layer.
    """
    captured: list[torch.Tensor] = []

    def hook(_module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        captured.append(args[0][rows, positions].detach())

    handles = [projection.register_forward_pre_hook(hook) for projection in ffn.projections]
    try:
        yield captured
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def scale_neurons(
    ffn: FeedForward,
    rows: torch.Tensor,
    positions: torch.Tensor,
    neurons: torch.Tensor,
    factors: torch.Tensor,
) -> Iterator[None]:
    """Multiplies given neurons at given tokens during the forward passes inside the context.

    All four are [n]: row of the batch, position in the row, neuron (layer * neurons_per_layer + index),
    factor (0 ablates, 1 leaves as it is, 2 doubles). No (row, position, neuron) may occur twice.
    """
    handles = []
    layer_of = neurons // ffn.neurons
    for layer, projection in enumerate(ffn.projections):
        here = layer_of == layer
        if not bool(here.any()):
            continue
        where = (rows[here], positions[here], neurons[here] % ffn.neurons)

        def hook(
            _module: nn.Module,
            args: tuple[torch.Tensor, ...],
            where: tuple[torch.Tensor, torch.Tensor, torch.Tensor] = where,
            factor: torch.Tensor = factors[here],
        ) -> tuple[torch.Tensor, ...]:
            changed = args[0].clone()
            changed[where] *= factor.to(changed.dtype)
            return (changed, *args[1:])

        handles.append(projection.register_forward_pre_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _first(config: object, names: tuple[str, ...], what: str | None) -> int:
    for name in names:
        value = getattr(config, name, None)
        if isinstance(value, int) and value > 0:
            return value
    if what is None:
        return 0
    raise InputError(f"{type(config).__name__} does not say its {what}; this architecture is not supported")


def _layer_stack(model: nn.Module, layers: int) -> list[tuple[str, nn.Module]]:
    """The model's layers: the outermost ModuleList with one entry per layer."""
    for path, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == layers:
            return [(f"{path}.{index}", layer) for index, layer in enumerate(module)]
    raise InputError(
        f"{type(model).__name__} has no stack of {layers} layers; this architecture is not supported"
    )


def _shape(module: nn.Module) -> tuple[int, int] | None:
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, Conv1D):
        return module.weight.shape[0], module.weight.shape[1]
    return None
