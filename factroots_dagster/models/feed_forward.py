"""Where a model's feed-forward (FFN) neurons are, how to capture them, and how to scale them.

A neuron vector is the *input* of a layer's FFN down-projection, that is, after the activation function and
after the gate where there is one: `intermediate_size` numbers per layer and token. Dai et al. 2022 (arXiv
2104.08696) call them knowledge neurons.

Adding a model family: the projection is found by its shape, so most families need no code here, and no class
is ever patched. A family whose configuration uses other field names gets them in `_LAYERS`, `_HIDDEN` or
`_INTERMEDIATE`; one whose projection is neither `nn.Linear` nor `Conv1D` gets its class in `_shape`. The only
other place to look at is `heads`. Then add the family to the tiny models that the tests build
(`assets_tests/models/tiny.py`, `mlps.py`): every test of models and probing runs on it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import nn
from transformers.pytorch_utils import Conv1D

from factroots_dagster.errors import InputError

_LAYERS = ("num_hidden_layers", "n_layers", "n_layer")
_HIDDEN = ("hidden_size", "dim", "n_embd")
_INTERMEDIATE = ("intermediate_size", "hidden_dim", "n_inner", "ffn_dim")
_OTHER_ARCHITECTURE = "use a checkpoint of another architecture"
_NO_MIXTURES = "; mixture-of-experts models are not supported"


@dataclass(frozen=True)
class FeedForward:
    """The FFN down-projection of every layer, first layer first, and the width of their inputs."""

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
    layers = _require_size(config, _LAYERS, "layers")
    hidden = _require_size(config, _HIDDEN, "hidden size")
    intermediate = _first_size(config, _INTERMEDIATE) or 4 * hidden  # the convention of GPT-2 and BLOOM
    has_experts = any("expert" in field and value for field, value in config.to_dict().items())
    projections = []
    for name, layer in _layer_stack(model, layers):
        candidates = [
            module
            for path, module in layer.named_modules()
            if "att" not in path.lower() and _shape(module) == (intermediate, hidden)
        ]
        if len(candidates) != 1:
            raise InputError(
                f"layer {name} of {type(model).__name__} has {len(candidates)} feed-forward projections of "
                f"shape {intermediate} -> {hidden} instead of one",
                _OTHER_ARCHITECTURE + (_NO_MIXTURES if has_experts else ""),
            )
        projections.append(candidates[0])
    return FeedForward(tuple(projections), intermediate)


@contextmanager
def capture_neurons(
    ffn: FeedForward, rows: torch.Tensor, positions: torch.Tensor
) -> Iterator[list[torch.Tensor]]:
    """Captures neurons during one forward pass, at chosen tokens only.

    rows, positions: int64 [m], the tokens as (row of the batch, position in the row).
    Yields a list that holds, after the forward pass, one tensor [m, neurons] per layer.
    """
    captured: list[torch.Tensor] = []

    def hook(_module: nn.Module, args: tuple[torch.Tensor, ...]) -> None:
        at_layer = args[0]  # which may be on another device than the tokens
        where = (rows.to(at_layer.device), positions.to(at_layer.device))
        captured.append(at_layer[where].detach().to(rows.device))

    with ExitStack() as hooks:
        for projection in ffn.projections:
            hooks.enter_context(projection.register_forward_pre_hook(hook))
        yield captured


@contextmanager
def scale_neurons(
    ffn: FeedForward,
    rows: torch.Tensor,
    positions: torch.Tensor,
    neurons: torch.Tensor,
    factors: torch.Tensor,
) -> Iterator[None]:
    """Multiplies chosen neurons at chosen tokens during the forward passes inside the context.

    All four are [n]: row of the batch, position in the row, neuron (layer * neurons_per_layer + index),
    factor (0 ablates, 1 changes nothing, 2 doubles). No (row, position, neuron) may occur twice.
    """

    def scale(
        targets: Any, factor: torch.Tensor, _module: nn.Module, args: tuple[Any, ...]
    ) -> tuple[Any, ...]:
        scaled = args[0].clone()
        scaled[targets] *= factor.to(scaled.dtype)
        return (scaled, *args[1:])

    layers = neurons // ffn.neurons
    with ExitStack() as hooks:
        for layer, projection in enumerate(ffn.projections):
            in_layer = layers == layer
            if bool(in_layer.any()):
                targets = (rows[in_layer], positions[in_layer], neurons[in_layer] % ffn.neurons)
                hook = partial(scale, targets, factors[in_layer])
                hooks.enter_context(projection.register_forward_pre_hook(hook))
        yield


def _first_size(config: object, names: tuple[str, ...]) -> int | None:
    """The first of these configuration fields that holds a positive number."""
    values = (getattr(config, name, None) for name in names)
    return next((value for value in values if isinstance(value, int) and value > 0), None)


def _require_size(config: object, names: tuple[str, ...], meaning: str) -> int:
    size = _first_size(config, names)
    if size is None:
        raise InputError(f"{type(config).__name__} does not state its {meaning}", _OTHER_ARCHITECTURE)
    return size


def _layer_stack(model: nn.Module, layers: int) -> list[tuple[str, nn.Module]]:
    """The model's layers: the outermost ModuleList with one entry per layer."""
    for path, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) == layers:
            return [(f"{path}.{index}", layer) for index, layer in enumerate(module)]
    raise InputError(f"{type(model).__name__} has no stack of {layers} layers", _OTHER_ARCHITECTURE)


def _shape(module: nn.Module) -> tuple[int, int] | None:
    """(inputs, outputs) of a linear map; None for any other module."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, Conv1D):
        return module.weight.shape[0], module.weight.shape[1]
    return None
