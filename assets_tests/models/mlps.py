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
