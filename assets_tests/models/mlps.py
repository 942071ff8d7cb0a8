"""The FFN neurons of every family by a formula of the MLP's own input and weights: the tests' oracle.

Independent of the product, which captures the input of the down-projection instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from assets_tests.models import tiny

Formula = Callable[[Any, torch.Tensor], torch.Tensor]

MLPS: dict[str, tuple[Callable[[Any], Sequence[Any]], Formula]] = {
    "bert": (
        lambda model: [layer.intermediate for layer in model.bert.encoder.layer],
        lambda mlp, x: mlp.intermediate_act_fn(mlp.dense(x)),
    ),
    "distilbert": (
        lambda model: [layer.ffn for layer in model.distilbert.transformer.layer],
        lambda mlp, x: mlp.activation(mlp.lin1(x)),
    ),
    "modernbert": (
        lambda model: [layer.mlp for layer in model.model.layers],
        lambda mlp, x: mlp.act(mlp.Wi(x).chunk(2, dim=-1)[0]) * mlp.Wi(x).chunk(2, dim=-1)[1],
    ),
    "gpt2": (
        lambda model: [layer.mlp for layer in model.transformer.h],
        lambda mlp, x: mlp.act(mlp.c_fc(x)),
    ),
    "bloom": (
        lambda model: [layer.mlp for layer in model.transformer.h],
        lambda mlp, x: mlp.gelu_impl(mlp.dense_h_to_4h(x)),
    ),
    "llama": (
        lambda model: [layer.mlp for layer in model.model.layers],
        lambda mlp, x: mlp.act_fn(mlp.gate_proj(x)) * mlp.up_proj(x),
    ),
}
"""By family: the model's MLPs, first layer first, and their neurons [..., neurons] given their input."""

MLPS["xlm-roberta"] = (
    lambda model: [layer.intermediate for layer in model.roberta.encoder.layer],
    MLPS["bert"][1],
)
MLPS |= dict.fromkeys(
    tiny.DEBERTA,
    (lambda model: [layer.intermediate for layer in model.deberta.encoder.layer], MLPS["bert"][1]),
)
MLPS |= dict.fromkeys(("qwen", "gemma", *tiny.LATER), MLPS["llama"])


def mixture(block: Any, x: torch.Tensor) -> torch.Tensor:
    """The neurons of a mixture of experts, token by token and expert by expert: the shared one's first."""
    experts, tokens = block.experts, x.reshape(-1, x.shape[-1])
    router = block.gate if hasattr(block, "gate") else block.router
    width = experts.gate_up_proj.numel() // (2 * len(experts.gate_up_proj) * x.shape[-1])
    neurons = tokens.new_zeros(len(tokens), len(experts.gate_up_proj), width)
    llama4 = len(router(tokens)) == 2  # which weights what an expert is given, not what it gives
    for number, token in enumerate(tokens):
        if llama4:
            logits = torch.nn.functional.linear(token, router.weight)
            inputs = {int(logits.argmax()): token * logits.max().sigmoid()}
        else:
            inputs = dict.fromkeys(router(tokens)[2][number].tolist(), token)
        for expert, given in inputs.items():
            weight = experts.gate_up_proj[expert]
            values = weight @ given if weight.shape[1] == x.shape[-1] != weight.shape[0] else given @ weight
            if hasattr(experts, "gate_up_proj_bias"):  # GPT-OSS: gate and up take turns
                values = values + experts.gate_up_proj_bias[expert]
                gate, up = values[::2].clamp(max=experts.limit), values[1::2]
                up = up.clamp(-experts.limit, experts.limit)
                neurons[number, expert] = (up + 1) * gate * (gate * experts.alpha).sigmoid()
            else:
                neurons[number, expert] = experts.act_fn(values[:width]) * values[width:]
    parts = [neurons.flatten(1)]
    for name in ("shared_expert", "shared_experts"):
        if hasattr(block, name):
            parts.insert(0, _gated_of(getattr(block, name), tokens))
    return torch.cat(parts, dim=1).reshape(*x.shape[:-1], -1)


def _gated_of(mlp: Any, x: torch.Tensor) -> torch.Tensor:
    act = mlp.act_fn if hasattr(mlp, "act_fn") else mlp.activation_fn
    return act(mlp.gate_proj(x)) * mlp.up_proj(x)


def _either(mlp: Any, x: torch.Tensor) -> torch.Tensor:
    return mixture(mlp, x) if hasattr(mlp, "experts") else _gated_of(mlp, x)


def _rwkv(mlp: Any, x: torch.Tensor) -> torch.Tensor:
    before = torch.cat([torch.zeros_like(x[:, :1]), x[:, :-1]], dim=1)
    mixed = x * mlp.time_mix_key + before * (1 - mlp.time_mix_key)
    return torch.nn.functional.linear(mixed, mlp.key.weight).relu() ** 2


def _falcon_h1(mlp: Any, x: torch.Tensor) -> torch.Tensor:
    return mlp.up_proj(x) * torch.nn.functional.silu(mlp.gate_proj(x) * mlp.gate_multiplier)


_PLAIN = ("mixtral", "qwen2_moe", "qwen3_moe", "olmoe", "gpt_oss", "deepseek_v3", "qwen3_next")
_INSIDE = ("gemma3_with_images", "qwen3_5", "mistral3", "qwen3_vl", "qwen3_vl_moe")
FAMILIES: dict[str, tuple[Callable[[Any], Sequence[Any]], Formula]] = {
    **dict.fromkeys(_PLAIN, (lambda model: [layer.mlp for layer in model.model.layers], _either)),
    **dict.fromkeys(
        _INSIDE, (lambda model: [layer.mlp for layer in model.model.language_model.layers], _either)
    ),
    "llama4_text": (lambda model: [layer.feed_forward for layer in model.model.layers], _either),
    "llama4": (
        lambda model: [layer.feed_forward for layer in model.language_model.model.layers],
        _either,
    ),
    "rwkv": (lambda model: [block.feed_forward for block in model.rwkv.blocks], _rwkv),
    "falcon_h1": (lambda model: [layer.feed_forward for layer in model.model.layers], _falcon_h1),
    "lfm2": (
        lambda model: [layer.feed_forward for layer in model.model.layers],
        lambda mlp, x: torch.nn.functional.silu(mlp.w1(x)) * mlp.w3(x),
    ),
    "t5": (
        lambda model: [block.layer[2].DenseReluDense for block in model.decoder.block],
        lambda mlp, x: mlp.act(mlp.wi_0(x)) * mlp.wi_1(x) if hasattr(mlp, "wi_0") else mlp.act(mlp.wi(x)),
    ),
    "bart": (
        lambda model: [layer.fc1 for layer in model.model.decoder.layers],
        lambda fc1, x: torch.nn.functional.gelu(torch.nn.functional.linear(x, fc1.weight, fc1.bias)),
    ),
    "albert": (
        lambda model: [group.albert_layers[0].ffn for group in model.albert.encoder.albert_layer_groups],
        lambda ffn, x: torch.nn.functional.gelu(
            torch.nn.functional.linear(x, ffn.weight, ffn.bias), approximate="tanh"
        ),
    ),
}
"""The same of the families of `families`; layers may have fewer neurons than the widest."""
MLPS |= FAMILIES


@contextmanager
def neurons_by_formula(family: str, model: torch.nn.Module) -> Iterator[list[torch.Tensor]]:
    """A list that holds, after one forward pass, the neurons [batch, tokens, neurons] layer by layer."""
    find_mlps, formula = MLPS[family]
    neurons: list[torch.Tensor] = []
    handles = [
        mlp.register_forward_pre_hook(lambda module, args: neurons.append(formula(module, args[0])))
        for mlp in find_mlps(model)
    ]
    try:
        yield neurons
    finally:
        for handle in handles:
            handle.remove()
