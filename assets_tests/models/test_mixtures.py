"""Neurons of experts, of layers that are applied repeatedly, and of models without feed-forward blocks."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import transformers
from torch import nn

from assets_tests.models import tiny
from assets_tests.models.families import MIXTURES, RECURRENT
from assets_tests.models.mlps import neurons_by_formula
from factroots_dagster.errors import InputError
from factroots_dagster.models.feed_forward import capture_neurons, find_feed_forward, scale_neurons
from factroots_dagster.models.neuron_blocks import Experts

IDS = torch.tensor([[5, 6, 7, 8, 9], [10, 11, 12, 13, 14]])
EVERYWHERE = torch.cartesian_prod(torch.arange(2), torch.arange(5))


def build(family: str) -> Any:
    torch.manual_seed(0)
    ids = {"vocab_size": 50, "pad_token_id": 0, "bos_token_id": 2, "eos_token_id": 3}
    model = (MIXTURES | RECURRENT)[family](ids).eval()
    tiny.draw_large_weights(model)
    return model


@pytest.mark.parametrize("family", MIXTURES)
def test_an_expert_has_neurons_where_it_was_routed_to(family: str) -> None:
    model = build(family)
    ffn = find_feed_forward(model)
    with (
        torch.inference_mode(),
        neurons_by_formula(family, model) as expected,
        capture_neurons(ffn, *EVERYWHERE.T) as captured,
    ):
        model(input_ids=IDS)
    for neurons, of_layer in zip(captured, expected, strict=True):
        own = of_layer.reshape(10, -1)
        filled = nn.functional.pad(own, (0, ffn.neurons - own.shape[1]))
        torch.testing.assert_close(neurons, filled, rtol=1e-4, atol=1e-5)
    assert ffn.experts == 4
    routed = 1 if family == "llama4_text" else 2
    for token in range(10):
        of_token = torch.stack([neurons[token] for neurons in captured])
        experts = ffn.routed_experts(of_token)
        sizes = [len(of_layer) for of_layer in experts]
        dense = family in {"qwen2_moe", "llama4_text", "deepseek_v3"}  # the first layer is no mixture
        assert sizes == [0, routed] if dense else sizes == [routed, routed]
    assert len(ffn.existing()) == sum(block.neurons for layer in ffn.blocks for block in layer)


@pytest.mark.parametrize("family", MIXTURES)
def test_scaling_an_experts_neuron_equals_scaling_its_weights(family: str) -> None:
    model = build(family)
    ffn = find_feed_forward(model)
    experts = ffn.blocks[1][-1]
    assert isinstance(experts, Experts)
    chosen = [expert * experts.width + 3 for expert in (0, 2)]  # the fourth neuron of two experts
    first = ffn.neurons + sum(block.neurons for block in ffn.blocks[1][:-1])
    rows, positions = EVERYWHERE.repeat(2, 1).T
    neurons = first + torch.tensor(chosen).repeat_interleave(10)
    with torch.inference_mode():
        before = model(input_ids=IDS).logits
        with scale_neurons(ffn, rows, positions, neurons, torch.ones(20)):
            torch.testing.assert_close(model(input_ids=IDS).logits, before, rtol=1e-5, atol=1e-6)
        with scale_neurons(ffn, rows, positions, neurons, torch.full((20,), 2.0)):
            boosted = model(input_ids=IDS).logits
        weight = experts.module.down_proj
        for expert in (0, 2):
            if weight.shape[1] == experts.width:
                weight[expert, 3] *= 2
            else:
                weight[expert, :, 3] *= 2
        torch.testing.assert_close(boosted, model(input_ids=IDS).logits, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(boosted, before)


def test_neurons_of_one_row_of_a_batch_are_scaled_alone() -> None:
    model = build("qwen2_moe")
    ffn = find_feed_forward(model)
    shared = ffn.neurons + torch.arange(ffn.blocks[1][0].neurons)
    at = torch.ones(len(shared), dtype=torch.int64)
    with torch.inference_mode():
        before = model(input_ids=IDS).logits
        with scale_neurons(ffn, at, at * 2, shared, torch.zeros(len(shared))):
            after = model(input_ids=IDS).logits
    torch.testing.assert_close(after[0], before[0], rtol=0, atol=0)
    torch.testing.assert_close(after[1, :2], before[1, :2], rtol=1e-5, atol=1e-5)
    assert not torch.allclose(after[1, 2], before[1, 2])


def albert(groups: int, inner: int = 1) -> Any:
    config = transformers.AlbertConfig(
        vocab_size=50,
        embedding_size=8,
        hidden_size=16,
        num_hidden_layers=4,
        num_hidden_groups=groups,
        inner_group_num=inner,
        num_attention_heads=2,
        intermediate_size=40,
        max_position_embeddings=64,
    )
    torch.manual_seed(0)
    model = transformers.AlbertForMaskedLM(config).eval()
    tiny.draw_large_weights(model)
    return model


@pytest.mark.parametrize(("groups", "inner", "layers"), [(1, 1, 4), (2, 1, 4), (1, 2, 8)])
def test_alberts_layer_has_neurons_for_every_time_that_it_is_applied(
    groups: int, inner: int, layers: int
) -> None:
    model = albert(groups, inner)
    ffn = find_feed_forward(model)
    assert (ffn.layers, ffn.neurons) == (layers, 40)
    rows, positions = torch.tensor([0, 1]), torch.tensor([4, 2])
    given: list[torch.Tensor] = []
    for group in model.albert.encoder.albert_layer_groups:
        for layer in group.albert_layers:
            layer.ffn.register_forward_pre_hook(lambda module, args: given.append((module, args[0])))
    with torch.inference_mode():
        with capture_neurons(ffn, rows, positions) as captured:
            model(input_ids=IDS)
        assert len(captured) == len(given) == layers
        for neurons, (module, x) in zip(captured, given, strict=True):
            values = nn.functional.linear(x, module.weight, module.bias)
            expected = nn.functional.gelu(values, approximate="tanh")[rows, positions]
            torch.testing.assert_close(neurons, expected, rtol=1e-5, atol=1e-6)


def test_one_application_of_alberts_layer_can_be_changed_alone() -> None:
    model = albert(1)
    ffn = find_feed_forward(model)
    last = 3 * ffn.neurons + torch.arange(40)
    at = torch.ones(40, dtype=torch.int64)
    with torch.inference_mode():
        with capture_neurons(ffn, *EVERYWHERE.T) as before:
            model(input_ids=IDS)
        with scale_neurons(ffn, at, at, last, torch.zeros(40)):
            with capture_neurons(ffn, *EVERYWHERE.T) as after:
                first = model(input_ids=IDS).logits
            second = model(input_ids=IDS).logits  # the next pass begins with the first application again
    torch.testing.assert_close(second, first, rtol=0, atol=0)
    assert all(torch.equal(one, other) for one, other in zip(before[:3], after[:3], strict=True))


def test_a_model_without_feed_forward_blocks_has_the_inputs_of_its_mixers_projection() -> None:
    model = build("mamba")
    ffn = find_feed_forward(model)
    mixers = [layer.mixer for layer in model.backbone.layers]
    assert (ffn.layers, ffn.neurons) == (2, 32)
    outputs: list[torch.Tensor] = []
    for mixer in mixers:
        mixer.register_forward_hook(lambda module, args, output: outputs.append(output))
    with torch.inference_mode():
        with capture_neurons(ffn, *EVERYWHERE.T) as captured:
            model(input_ids=IDS)
        for mixer, neurons, output in zip(mixers, captured, outputs, strict=True):
            expected = output[0] if isinstance(output, tuple) else output
            found = nn.functional.linear(neurons, mixer.out_proj.weight)
            torch.testing.assert_close(found, expected.reshape(10, -1), rtol=1e-4, atol=1e-5)


def test_layers_without_feed_forward_neurons_have_zeros() -> None:
    model = build("nemotron_h")
    ffn = find_feed_forward(model)
    assert [len(blocks) for blocks in ffn.blocks] == [0, 2, 0, 1]  # mamba, experts, attention, dense
    with torch.inference_mode(), capture_neurons(ffn, *EVERYWHERE.T) as captured:
        model(input_ids=IDS)
    assert [bool(neurons.any()) for neurons in captured] == [False, True, False, True]


def test_experts_that_get_their_tokens_sorted_are_refused() -> None:
    config = transformers.SwitchTransformersConfig(
        vocab_size=50, d_model=16, d_kv=8, d_ff=40, num_layers=2, num_heads=2, num_experts=4
    )
    model = transformers.SwitchTransformersForConditionalGeneration(config)
    with pytest.raises(InputError, match=r"how layer .* of SwitchTransformers\w+ routes tokens"):
        find_feed_forward(model)
