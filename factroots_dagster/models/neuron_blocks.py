"""Blocks of feed-forward neurons inside a layer: a projection's inputs, or those of a mixture's experts.

A neuron is an input of a map back into the hidden state. Of a linear map (`Projection`) these are seen by a
hook. Experts (`Experts`) keep the weights of all of them in one tensor and run them in several ways, so their
neurons are computed again at the tokens of interest, from what the module was given; an expert to which a
token was not routed has the activation 0 there.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import torch
from torch import nn
from torch.nn import functional

from factroots_dagster.errors import InputError
from factroots_dagster.models.rounding import rounding_tolerance

Found = Callable[[torch.Tensor], None]


class Places:
    """Chosen tokens of a batch: rows, positions int64 [m]."""

    def __init__(self, rows: torch.Tensor, positions: torch.Tensor) -> None:
        self.rows, self.positions = rows, positions
        self._shape: tuple[int, int] = (0, 0)

    def note_ids(self, _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        """A hook on the embeddings: notes the shape [rows, length] of the ids that are run."""
        ids = args[0] if args else next(iter(kwargs.values()))
        self._shape = (ids.shape[0], ids.shape[1])

    def index(self, device: torch.device) -> torch.Tensor:
        """[m], counted through the flattened batch; device: of a layer, perhaps another than theirs."""
        return (self.rows * self._shape[1] + self.positions).to(device)

    def flatten(self, module: nn.Module, values: torch.Tensor) -> torch.Tensor:
        """Values of all tokens as [tokens, width]. Raises InputError where a module does not see them all."""
        rows, length = self._shape
        if tuple(values.shape[:-1]) not in ((rows, length), (rows * length,)):
            problem = (
                f"{type(module).__name__} is given {tuple(values.shape[:-1])} of the {rows} x {length} tokens"
            )
            raise InputError(f"feed-forward neurons cannot be read: {problem}", OTHER_ARCHITECTURE)
        return values.reshape(-1, values.shape[-1])


@dataclass(frozen=True)
class Edits:
    """Which neurons of a block are multiplied by what: places, and int64 neurons [n], float factors [n]."""

    places: Places
    neurons: torch.Tensor
    factors: torch.Tensor


class Block(Protocol):
    """Neurons that one module of a layer has."""

    @property
    def module(self) -> nn.Module: ...
    @property
    def neurons(self) -> int: ...
    def observe(self, places: Places, found: Found) -> Any:
        """Registers a hook that passes on the neurons [m, neurons] at these places in every call."""
        ...

    def edit(self, edits: Iterator[Edits | None]) -> Any:
        """Registers a hook that makes the next of these edits in every call."""
        ...


OTHER_ARCHITECTURE = "use a checkpoint of another architecture"


@dataclass(frozen=True, eq=False)
class Projection:
    """The inputs of a linear map into the hidden state."""

    module: nn.Module
    neurons: int

    def observe(self, places: Places, found: Found) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...]) -> None:
            values = places.flatten(module, args[0])
            found(values[places.index(values.device)].detach())

        return self.module.register_forward_pre_hook(hook)

    def edit(self, edits: Iterator[Edits | None]) -> Any:
        def hook(module: nn.Module, args: tuple[Any, ...]) -> tuple[Any, ...] | None:
            own = next(edits)
            if own is None:
                return None
            scaled = own.places.flatten(module, args[0]).clone()
            where = own.places.index(scaled.device), own.neurons.to(scaled.device)
            scaled[where] *= own.factors.to(scaled)
            return (scaled.view_as(args[0]), *args[1:])

        return self.module.register_forward_pre_hook(hook)


@dataclass(frozen=True)
class _Call:
    """What experts were given. inputs: [tokens, hidden].

    chosen [tokens, k], weights [tokens, k]: experts of each token and the weights of their outputs; None
    where the module is given a copy of all tokens for every expert, zeros where it was not chosen.
    """

    inputs: torch.Tensor
    chosen: torch.Tensor | None
    weights: torch.Tensor | None


@dataclass(frozen=True, eq=False)
class Experts:
    """The neurons of all experts of a mixture, expert after expert.

    module: has the parameters `gate_up_proj` or `up_proj`, and `down_proj`, with an expert in each row.
    count: number of experts. width: neurons of one.
    """

    module: Any
    count: int
    width: int

    @property
    def neurons(self) -> int:
        return self.count * self.width

    @cached_property
    def _arguments(self) -> list[str]:
        return list(inspect.signature(self.module.forward).parameters)

    def observe(self, places: Places, found: Found) -> Any:
        def hook(_module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            call = self._read_call(args, kwargs)
            tokens = places.index(call.inputs.device)
            values = call.inputs.new_zeros(len(tokens), self.count, self.width)
            for expert in self._experts_of(call, tokens):
                routed, inputs, _ = self._routed(call, tokens, expert)
                values[routed, expert] = self._activate(inputs, expert)
            found(values.flatten(1).detach())

        return self.module.register_forward_pre_hook(hook, with_kwargs=True)

    def edit(self, edits: Iterator[Edits | None]) -> Any:
        def hook(
            _module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: torch.Tensor
        ) -> torch.Tensor | None:
            own = next(edits)
            if own is None:
                return None
            call = self._read_call(args, kwargs)
            changed = outputs.reshape(-1, outputs.shape[-1]).clone()
            neurons, own_factors = own.neurons.to(changed.device), own.factors.to(changed.device)
            experts = neurons // self.width
            for expert in experts.unique().tolist():
                here = experts == expert
                tokens, which = own.places.index(changed.device)[here].unique(return_inverse=True)
                factors = torch.ones(len(tokens), self.width, device=tokens.device)
                factors[which, neurons[here] % self.width] = own_factors[here].float()
                self._add_change(call, changed, tokens, expert, factors)
            return changed.view_as(outputs)

        return self.module.register_forward_hook(hook, with_kwargs=True)

    def _add_change(
        self, call: _Call, outputs: torch.Tensor, tokens: torch.Tensor, expert: int, factors: torch.Tensor
    ) -> None:
        """Adds to the outputs what changes when an expert's neurons at some tokens are multiplied."""
        routed, inputs, weights = self._routed(call, tokens, expert)
        if not len(routed):
            return
        neurons = self._activate(inputs, expert)
        scaled = neurons * factors[routed].to(neurons.dtype)
        change = (self._project(scaled, expert) - self._project(neurons, expert)) * weights[:, None]
        rows = tokens[routed]
        if call.chosen is None:
            rows = rows + expert * (len(call.inputs) // self.count)
        outputs.index_add_(0, rows, change.to(outputs.dtype))

    def explains(self, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: torch.Tensor) -> bool:
        """Whether the outputs of a call are those that follow from the neurons as they are read here."""
        call = self._read_call(args, kwargs)
        expected = outputs.reshape(-1, outputs.shape[-1]).float()
        every = torch.arange(len(call.inputs) // (self.count if call.chosen is None else 1))
        every = every.to(outputs.device)
        total = torch.zeros_like(expected)
        for expert in self._experts_of(call, every):
            routed, inputs, weights = self._routed(call, every, expert)
            rows = every[routed]
            if call.chosen is None:
                rows = rows + expert * len(every)
            own = self._project(self._activate(inputs, expert), expert) * weights[:, None]
            total.index_add_(0, rows, own.float())
        tolerance = rounding_tolerance(outputs.dtype)
        return bool((total - expected).abs().max() <= tolerance * expected.abs().max().clamp(min=1e-6))

    def _read_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Call:
        given = dict(zip(self._arguments, args, strict=False)) | kwargs
        inputs, *routing = (given[name] for name in self._arguments)
        flat = inputs.reshape(-1, inputs.shape[-1])
        if not routing:
            return _Call(flat, None, None)
        chosen, weights = (part.reshape(-1, part.shape[-1]) for part in routing)
        if chosen.shape != weights.shape or len(chosen) != len(flat):
            problem = f"how {type(self.module).__name__} weights what its experts give is not known"
            raise InputError(problem, OTHER_ARCHITECTURE)
        return _Call(flat, chosen, weights)

    def _experts_of(self, call: _Call, tokens: torch.Tensor) -> list[int]:
        """The experts that some of the tokens may have been routed to."""
        if call.chosen is None:
            return list(range(self.count))
        experts: list[int] = call.chosen[tokens].unique().tolist()
        return [expert for expert in experts if expert < self.count]

    def _routed(
        self, call: _Call, tokens: torch.Tensor, expert: int
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Which of some tokens were routed to an expert, as indices into them; its inputs and weights."""
        if call.chosen is None or call.weights is None:
            inputs = call.inputs[tokens + expert * (len(call.inputs) // self.count)]
            routed = (inputs != 0).any(dim=1).nonzero()[:, 0]
            return routed, inputs[routed], torch.ones(len(routed), device=inputs.device)
        hits = call.chosen[tokens] == expert
        routed = hits.any(dim=1).nonzero()[:, 0]
        weights = (call.weights[tokens] * hits).sum(dim=1)
        return routed, call.inputs[tokens[routed]], weights[routed]

    def _activate(self, inputs: torch.Tensor, expert: int) -> torch.Tensor:
        """The neurons [n, width] of one expert at inputs [n, hidden]."""
        module, gated = self.module, hasattr(self.module, "gate_up_proj")
        values = self._linear(inputs, "gate_up_proj" if gated else "up_proj", expert)
        if hasattr(module, "_apply_gate") and gated:
            neurons: torch.Tensor = module._apply_gate(values)
        elif gated:
            gate, up = values.chunk(2, dim=-1)
            neurons = module.act_fn(gate) * up
        else:
            neurons = module.act_fn(values)
        return neurons

    def _project(self, neurons: torch.Tensor, expert: int) -> torch.Tensor:
        outputs = self._linear(neurons, "down_proj", expert)
        if getattr(self.module, "has_post_expert_norm", False):
            outputs = self.module.post_expert_norm(outputs)
        return outputs

    def _linear(self, inputs: torch.Tensor, name: str, expert: int) -> torch.Tensor:
        weight = getattr(self.module, name)[expert]
        bias = getattr(self.module, f"{name}_bias", None)
        return functional.linear(
            inputs, weight.T if self._transposed else weight, None if bias is None else bias[expert]
        )

    @cached_property
    def _transposed(self) -> bool:
        """Whether a weight is [inputs, outputs]; transformers says so of most modules."""
        stated = getattr(self.module, "is_transposed", None)
        return self.module.down_proj.shape[1] == self.width if stated is None else bool(stated)


def find_experts(module: nn.Module, hidden: int) -> Experts | None:
    """A module as the experts of a mixture; None for any other. hidden: size of the hidden states.

    Raises InputError for experts whose weights or arguments are of an unknown kind.
    """
    down = module._parameters.get("down_proj")
    if down is None or down.dim() != 3:
        return None
    arguments = len(inspect.signature(module.forward).parameters)
    known = "gate_up_proj" in module._parameters or "up_proj" in module._parameters
    if hidden not in down.shape[1:] or arguments not in (1, 3) or not known:
        problem = f"how {type(module).__name__} routes tokens to its experts is not known"
        raise InputError(problem, OTHER_ARCHITECTURE)
    count, one, other = down.shape
    return Experts(module, count, other if one == hidden and other != hidden else one)
