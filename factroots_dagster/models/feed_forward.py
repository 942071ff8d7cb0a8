"""Where a model's feed-forward (FFN) neurons are, how to capture them, and how to scale them.

A neuron vector is the *input* of a layer's FFN down-projection, that is, after the activation function and
after the gate where there is one. Dai et al. 2022 (arXiv 2104.08696) call them knowledge neurons. In a layer
with several blocks of them (`neuron_blocks`) they follow one another: the feed-forward block's or shared
expert's, then every expert's in its order. Layers that have fewer than the widest are filled up with zeros.

- A mixture of experts: an expert to which a token was not routed has the activation 0 there.
- A layer that is applied several times (ALBERT's only one) counts as often as it is applied.
- A model without feed-forward blocks (Mamba): the inputs of its mixers' output projections.
- An encoder-decoder: the decoder's layers.

Nothing here goes by a model's name: blocks are found by the shape of the layers, so most families need no
code here, and no class is ever patched. The only other place to look at is `heads`. Then add the family to
the tiny models that the tests build (`assets_tests/models/tiny.py`, `mlps.py`): every test of models and
probing then runs on it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn import functional
from transformers.pytorch_utils import Conv1D

from factroots_dagster.errors import InputError
from factroots_dagster.models.activations import number_neurons
from factroots_dagster.models.configuration import hidden_size, text_config
from factroots_dagster.models.memory import is_out_of_memory
from factroots_dagster.models.neuron_blocks import (
    OTHER_ARCHITECTURE,
    Block,
    Edits,
    Experts,
    Places,
    Projection,
    find_experts,
)

_TOKENS = 4  # of the sentence that is run where the order of layers is not in the modules


@dataclass(frozen=True)
class FeedForward:
    """The blocks of every layer, first layer first, and the number of neurons in the widest layer.

    embeddings: of the ids that the layers read.
    """

    blocks: tuple[tuple[Block, ...], ...]
    embeddings: nn.Module
    neurons: int

    @property
    def layers(self) -> int:
        return len(self.blocks)

    @property
    def experts(self) -> int:
        """The most experts that a layer has; 0 where no layer is a mixture."""
        return max((block.count for _, _, block in self._expert_blocks()), default=0)

    @property
    def widths(self) -> list[int]:
        """The number of neurons in every layer."""
        return [sum(block.neurons for block in layer) for layer in self.blocks]

    def existing(self) -> npt.NDArray[np.int64]:
        """The numbers (layer * neurons + index) of the neurons that there are, without those filled up."""
        return number_neurons(self.widths, self.neurons)

    def routed_experts(self, activations: torch.Tensor) -> list[list[int]] | None:
        """The experts that activations [layers, neurons] were routed to, by layer; None without a mixture."""
        if not self.experts:
            return None
        routed: list[list[int]] = [[] for _ in self.blocks]
        for layer, first, block in self._expert_blocks():
            own = activations[layer, first : first + block.neurons].view(block.count, block.width)
            routed[layer] = (own != 0).any(dim=1).nonzero()[:, 0].tolist()
        return routed

    def _expert_blocks(self) -> Iterator[tuple[int, int, Experts]]:
        for layer, first, block in self.placed():
            if isinstance(block, Experts):
                yield layer, first, block

    def placed(self) -> Iterator[tuple[int, int, Block]]:
        """Every block with its layer and its first neuron in it."""
        for layer, blocks in enumerate(self.blocks):
            first = 0
            for block in blocks:
                yield layer, first, block
                first += block.neurons

    def uses(self) -> Iterator[tuple[Block, list[tuple[int, int]]]]:
        """Every distinct module with its layers and first neurons, in the order in which it is called."""
        uses: dict[int, list[tuple[int, int]]] = {}
        by_module: dict[int, Block] = {}
        for layer, first, block in self.placed():
            by_module.setdefault(id(block.module), block)
            uses.setdefault(id(block.module), []).append((layer, first))
        for key, places in uses.items():
            yield by_module[key], places


def find_feed_forward(model: Any) -> FeedForward:
    """Finds in every layer the linear map into the hidden state outside attention, and the experts.

    BERT `output.dense`, DistilBERT `ffn.lin2`, ModernBERT `mlp.Wo`, GPT-2 `mlp.c_proj` (a Conv1D), BLOOM
    `mlp.dense_4h_to_h`, Llama/Qwen/Gemma `mlp.down_proj`, Mixtral `mlp.experts`.
    model: of transformers; on the meta device, too. Raises InputError where a layer has several maps that
    could be it, or the model none at all.
    """
    stacked = model.get_decoder() if model.config.is_encoder_decoder else model
    hidden = hidden_size(model.config)
    for in_mixers in (False, True):
        for path, stack in stacked.named_modules():
            if not isinstance(stack, nn.ModuleList):
                continue
            layers = [_find_blocks(layer, hidden, in_mixers) for layer in stack]
            if not any(layers):
                continue
            if len(layers) == text_config(model.config).num_hidden_layers or stacked is not model:
                for number, (layer, blocks) in enumerate(zip(stack, layers, strict=True)):
                    _check_blocks(type(model).__name__, f"{path}.{number}", layer, blocks)
            else:
                layers = _in_order_of_calls(model, [block for blocks in layers for block in blocks])
            widest = max(sum(block.neurons for block in layer) for layer in layers)
            return FeedForward(tuple(map(tuple, layers)), _embeddings(model, stacked), widest)
    name = type(model).__name__
    if _routes_tokens(stacked):
        raise InputError(f"how {name} routes tokens to its experts is not known", OTHER_ARCHITECTURE)
    problem = f"{name} has no layers with a feed-forward projection into its {hidden} hidden units"
    raise InputError(problem, OTHER_ARCHITECTURE)


def _embeddings(model: Any, stacked: Any) -> nn.Module:
    """The embeddings of the ids that the layers of `stacked` read."""
    try:
        embeddings = stacked.get_input_embeddings()
    except (AttributeError, NotImplementedError):
        embeddings = model.get_input_embeddings()
    return embeddings  # type: ignore[no-any-return]


def _find_blocks(layer: nn.Module, hidden: int, in_mixers: bool) -> list[Block]:
    """The neurons of a layer: its widest projections into the hidden state, outside attention, and experts.

    in_mixers: inside what mixes tokens by a convolution and a recurrence, and not outside of it.
    """
    mixers = [
        path
        for path, module in layer.named_modules()
        if path and any(isinstance(child, nn.Conv1d) for child in module.children())
    ]
    projections: list[Block] = []
    experts: list[Block] = []
    for path, module in layer.named_modules():
        inside = any(path.startswith(f"{mixer}.") for mixer in mixers)
        if "att" in path.lower() or inside is not in_mixers:
            continue
        inputs, outputs = _shape(module)
        if outputs == hidden != inputs:
            projections.append(Projection(module, inputs))
        elif (found := find_experts(module, hidden)) is not None:
            experts.append(found)
    # Adapters and inputs per layer (Gemma 3n) come back through narrow projections of their own.
    widest = max((block.neurons for block in projections), default=0)
    return [*(block for block in projections if block.neurons == widest), *experts]


def _check_blocks(model: str, name: str, layer: nn.Module, blocks: Sequence[Block]) -> None:
    """Raises InputError unless the blocks of a layer are one projection at most, and its experts, if any."""
    experts = any(isinstance(block, Experts) for block in blocks)
    if not experts and _routes_tokens(layer):
        problem = f"how layer {name} of {model} routes tokens to its experts is not known"
        raise InputError(problem, OTHER_ARCHITECTURE)
    projections = [block for block in blocks if isinstance(block, Projection)]
    if len(projections) > 1:
        raise InputError(
            f"layer {name} of {model} has {len(projections)} feed-forward projections with "
            f"{projections[0].neurons} inputs instead of one",
            OTHER_ARCHITECTURE,
        )


def _routes_tokens(module: nn.Module) -> bool:
    """Whether the names of its parts say that a module is or holds a mixture of experts."""
    for path, part in module.named_modules():
        name = path.rpartition(".")[2]
        is_router = name.startswith("router") and any(weight.dim() == 2 for weight in part.parameters())
        if is_router or "expert" in name:
            return True
    return False


def _in_order_of_calls(model: Any, blocks: Sequence[Block]) -> list[list[Block]]:
    """A layer for every time that one of the blocks is run: some models apply the same layer repeatedly.

    Raises InputError where the model cannot be run on a short text, or has mixtures of experts.
    """
    name = type(model).__name__
    if any(isinstance(block, Experts) for block in blocks):
        problem = f"{name} has mixtures of experts in layers that it does not run one by one"
        raise InputError(problem, OTHER_ARCHITECTURE)
    calls: list[list[Block]] = []
    with ExitStack() as hooks, torch.inference_mode():
        for block in blocks:
            handle = block.module.register_forward_pre_hook(lambda *_, block=block: calls.append([block]))
            hooks.enter_context(handle)
        try:
            model(input_ids=torch.arange(_TOKENS, device=model.device)[None])
        except Exception as error:  # every architecture fails in its own way
            if is_out_of_memory(error):
                raise
            problem = f"the order of the layers of {name} is not known ({error})"
            raise InputError(problem, OTHER_ARCHITECTURE) from error
    if not calls:
        raise InputError(f"{name} does not run its layers on a text", OTHER_ARCHITECTURE)
    return calls


@contextmanager
def capture_neurons(
    ffn: FeedForward, rows: torch.Tensor, positions: torch.Tensor
) -> Iterator[list[torch.Tensor]]:
    """Captures neurons during one forward pass, at chosen tokens only.

    rows, positions: int64 [m], the tokens as (row of the batch, position in the row).
    Yields a list that holds, when the context ends, one tensor [m, neurons] per layer.
    """
    places = Places(rows, positions)
    found: dict[tuple[int, int], torch.Tensor] = {}
    captured: list[torch.Tensor] = []
    with ExitStack() as hooks:
        hooks.enter_context(_noting_ids(ffn, places))
        for block, uses in ffn.uses():
            hooks.enter_context(block.observe(places, partial(_keep, found, cycle(uses), rows.device)))
        yield captured
    for layer, first, block in ffn.placed():
        if (layer, first) not in found:
            problem = f"layer {layer + 1} does not run its {type(block.module).__name__}"
            raise InputError(f"feed-forward neurons cannot be read: {problem}", OTHER_ARCHITECTURE)
    captured += [_join_blocks(ffn, layer, found) for layer in range(ffn.layers)]


def _keep(
    found: dict[tuple[int, int], torch.Tensor],
    uses: Iterator[tuple[int, int]],
    device: torch.device,
    values: torch.Tensor,
) -> None:
    found[next(uses)] = values.to(device)


def _join_blocks(ffn: FeedForward, layer: int, found: dict[tuple[int, int], torch.Tensor]) -> torch.Tensor:
    """The neurons [m, neurons] of a layer; found: those of each block, by layer and first neuron."""
    parts = [found[place] for place in sorted(found) if place[0] == layer]
    if not parts:  # a layer without feed-forward neurons
        values = next(iter(found.values()))
        return values.new_zeros(len(values), ffn.neurons)
    joined = parts[0] if len(parts) == 1 else torch.cat(parts, dim=1)
    return functional.pad(joined, (0, ffn.neurons - joined.shape[1]))


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
    with ExitStack() as hooks:
        for block, uses in ffn.uses():
            edits: list[Edits | None] = []
            for layer, first in uses:
                begin = layer * ffn.neurons + first
                here = (neurons >= begin) & (neurons < begin + block.neurons)
                if not bool(here.any()):
                    edits.append(None)
                    continue
                places = Places(rows[here], positions[here])
                hooks.enter_context(_noting_ids(ffn, places))
                edits.append(Edits(places, neurons[here] - begin, factors[here]))
            if any(edits):
                hooks.enter_context(block.edit(cycle(edits)))
        yield


def _noting_ids(ffn: FeedForward, places: Places) -> Any:
    return ffn.embeddings.register_forward_pre_hook(places.note_ids, with_kwargs=True)


def _shape(module: nn.Module) -> tuple[int, int]:
    """(inputs, outputs) of a linear map; zeros for any other module."""
    if isinstance(module, nn.Linear):
        return module.in_features, module.out_features
    if isinstance(module, Conv1D):
        return module.weight.shape[0], module.weight.shape[1]
    return 0, 0
