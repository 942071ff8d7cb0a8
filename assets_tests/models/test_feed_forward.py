"""Captured and scaled neurons of every family against formulas of the MLP's own input and weights."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from assets_tests.models import tiny
from assets_tests.models.mlps import MLPS, neurons_by_formula
from factroots_dagster.errors import InputError
from factroots_dagster.models.feed_forward import capture_neurons, find_feed_forward, scale_neurons

VOCABULARY = 50
IDS = torch.tensor([[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]])


@pytest.mark.parametrize("family", [*tiny.MASKED, *tiny.CAUSAL])
def test_captured_neurons_equal_the_formula(family: str) -> None:
    model = tiny.random_model(family, VOCABULARY)
    ffn = find_feed_forward(model)
    find_mlps, _ = MLPS[family]
    assert ffn.layers == len(find_mlps(model))
    rows, positions = torch.tensor([0, 0, 1]), torch.tensor([1, 4, 2])
    with torch.inference_mode():
        with (
            neurons_by_formula(family, model) as expected,
            capture_neurons(ffn, rows, positions) as captured,
        ):
            model(input_ids=IDS)
        assert len(captured) == len(expected) == ffn.layers
        for neurons, of_layer in zip(captured, expected, strict=True):
            assert neurons.shape == (3, ffn.neurons)
            torch.testing.assert_close(neurons, of_layer[rows, positions])
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
        projection = ffn.blocks[1][0].module
        weight = projection.weight
        if isinstance(projection, nn.Linear):
            weight[:, 3] = 0
        else:  # a Conv1D's weight is transposed
            weight[3] = 0
        torch.testing.assert_close(ablated, model(input_ids=IDS).logits, rtol=1e-4, atol=1e-5)
    assert not torch.allclose(ablated, before)


def test_scaling_changes_its_own_row_only() -> None:
    model = tiny.random_model("bert", VOCABULARY)
    ffn = find_feed_forward(model)
    with torch.inference_mode():
        before = model(input_ids=IDS).logits
        one = torch.tensor([1])
        with scale_neurons(ffn, one, torch.tensor([2]), torch.tensor([7]), torch.tensor([2.0])):
            after = model(input_ids=IDS).logits
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=0)
    assert not torch.allclose(after[1], before[1])


def test_models_without_exactly_one_projection_per_layer_are_rejected() -> None:
    model = tiny.random_model("bert", VOCABULARY)
    model.bert.encoder.layer[1].second = nn.Linear(40, 16)
    with pytest.raises(InputError, match=r"layer bert.encoder.layer.1 .* 2 feed-forward projections"):
        find_feed_forward(model)
    for layer in model.bert.encoder.layer:
        layer.intermediate = layer.output = nn.Identity()
    model.bert.encoder.layer[1].second = nn.Identity()
    with pytest.raises(InputError, match="no layers with a feed-forward projection into its 16 hidden units"):
        find_feed_forward(model)
