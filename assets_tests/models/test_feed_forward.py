"""Neurons of every family against a direct computation from the MLP's input and weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from assets_tests.models import tiny
from factroots_dagster.errors import InputError
from factroots_dagster.models.feed_forward import find_feed_forward, read_neurons, scale_neurons

VOCABULARY = 50
IDS = torch.tensor([[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]])
# Per family: where the MLPs are, and their neurons as a formula of their input.
MLPS = {
    "bert": (
        lambda m: [x.intermediate for x in m.bert.encoder.layer],
        lambda p, x: p.intermediate_act_fn(p.dense(x)),
    ),
    "distilbert": (
        lambda m: [x.ffn for x in m.distilbert.transformer.layer],
        lambda p, x: p.activation(p.lin1(x)),
    ),
    "modernbert": (
        lambda m: [x.mlp for x in m.model.layers],
        lambda p, x: p.act(p.Wi(x).chunk(2, dim=-1)[0]) * p.Wi(x).chunk(2, dim=-1)[1],
    ),
    "gpt2": (lambda m: [x.mlp for x in m.transformer.h], lambda p, x: p.act(p.c_fc(x))),
    "bloom": (
        lambda m: [x.mlp for x in m.transformer.h],
        lambda p, x: p.gelu_impl(p.dense_h_to_4h(x)),
    ),
    "llama": (
        lambda m: [x.mlp for x in m.model.layers],
        lambda p, x: p.act_fn(p.gate_proj(x)) * p.up_proj(x),
    ),
}
MLPS["xlm-roberta"] = (lambda m: [x.intermediate for x in m.roberta.encoder.layer], MLPS["bert"][1])
MLPS["qwen"] = MLPS["gemma"] = MLPS["llama"]


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.CAUSAL])
def test_neurons_equal_the_formula(family: str) -> None:
    model = tiny.random_model(family, VOCABULARY)
    ffn = find_feed_forward(model)
    mlps, formula = MLPS[family]
    assert ffn.layers == len(mlps(model))
    inputs: list[torch.Tensor] = []
    handles = [p.register_forward_pre_hook(lambda _m, args: inputs.append(args[0])) for p in mlps(model)]
    rows, positions = torch.tensor([0, 0, 1]), torch.tensor([1, 4, 2])
    with torch.inference_mode():
        with read_neurons(ffn, rows, positions) as captured:
            model(input_ids=IDS)
        for handle in handles:
            handle.remove()
        assert len(captured) == ffn.layers
        for mlp, seen, got in zip(mlps(model), inputs, captured, strict=True):
            assert got.shape == (3, ffn.neurons)
            torch.testing.assert_close(got, formula(mlp, seen)[rows, positions])
        model(input_ids=IDS)
    assert len(captured) == ffn.layers, "the hooks outlived their context"


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.CAUSAL])
def test_ablating_a_neuron_everywhere_equals_zeroing_its_weights(family: str) -> None:
    model = tiny.random_model(family, VOCABULARY)
    ffn = find_feed_forward(model)
    neuron = ffn.neurons + 3  # the second layer's fourth
    everywhere = torch.cartesian_prod(torch.arange(2), torch.arange(5))
    rows, positions = everywhere[:, 0], everywhere[:, 1]
    with torch.inference_mode():
        before = model(input_ids=IDS).logits
        same = torch.full_like(rows, neuron)
        with scale_neurons(ffn, rows, positions, same, torch.zeros(len(rows))):
            ablated = model(input_ids=IDS).logits
        with scale_neurons(ffn, rows, positions, same, torch.ones(len(rows))):
            torch.testing.assert_close(model(input_ids=IDS).logits, before, rtol=0, atol=0)
        torch.testing.assert_close(model(input_ids=IDS).logits, before, rtol=0, atol=0)
        weight = ffn.projections[1].weight
        if isinstance(ffn.projections[1], nn.Linear):
            weight[:, 3] = 0
        else:  # Conv1D keeps its weight the other way round
            weight[3] = 0
        torch.testing.assert_close(ablated, model(input_ids=IDS).logits, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ablated, before)


def test_scaling_touches_its_own_row_only() -> None:
    model = tiny.random_model("bert", VOCABULARY)
    ffn = find_feed_forward(model)
    with torch.inference_mode():
        before = model(input_ids=IDS).logits
        one = torch.tensor([1])
        with scale_neurons(ffn, one, torch.tensor([2]), torch.tensor([7]), torch.tensor([2.0])):
            after = model(input_ids=IDS).logits
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=0)
    assert not torch.allclose(after[1], before[1])


def test_models_without_one_projection_a_layer_are_refused() -> None:
    model = tiny.random_model("bert", VOCABULARY)
    model.bert.encoder.layer[1].second = nn.Linear(40, 16)
    with pytest.raises(InputError, match="2 feed-forward projections"):
        find_feed_forward(model)
    model.config.num_hidden_layers = 9
    with pytest.raises(InputError, match="no stack of 9 layers"):
        find_feed_forward(model)
