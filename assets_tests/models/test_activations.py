"""Activations stored in 16 bits: half the file, and inner products within the stated bound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from factroots_dagster.errors import InputError
from factroots_dagster.models.activations import (
    ActivationWriter,
    Stored,
    read_neurons,
    read_relation,
    read_relations,
)
from factroots_dagster.models.feed_forward import FeedForward
from factroots_dagster.models.neuron_blocks import Projection

UNIT = 2.0**-8


def stored(activations: torch.Tensor, folder: Path, form: Stored) -> np.ndarray:
    folder.mkdir()
    _, layers, neurons = activations.shape
    blocks = [(Projection(torch.nn.Linear(neurons, 1), neurons),)] * layers
    writer = ActivationWriter(folder, FeedForward(tuple(blocks), torch.nn.Embedding(1, 1), neurons), form)
    facts = [(f"u{number}", "cy") for number in range(len(activations))]
    writer.add("P36", facts, [1] * len(facts), list(activations))
    writer.close()
    return read_relation(folder, "P36")


@pytest.mark.parametrize("shape", [(30, 2, 40), (30, 6, 512), (12, 12, 3_072)])
def test_rounded_activations_keep_inner_products_within_the_bound(
    shape: tuple[int, int, int], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    activations = torch.nn.functional.gelu(torch.randn(shape) * torch.rand(shape[-1]) * 30)
    whole, rounded = (stored(activations, tmp_path / form, form) for form in ("fp32", "bf16"))
    assert np.array_equal(whole, activations.numpy()) and rounded.dtype == np.float32
    assert np.array_equal(rounded, activations.to(torch.bfloat16).float().numpy())
    x, y = (values.reshape(len(values), -1).astype(np.float64) for values in (whole, rounded))
    lengths = np.outer(np.linalg.norm(x, axis=1), np.linalg.norm(x, axis=1))
    error = np.abs(y @ y.T - x @ x.T) / lengths
    assert 0 < error.max() <= 2 * UNIT + UNIT**2
    cosines = [v @ v.T / np.outer(*[np.linalg.norm(v, axis=1)] * 2) for v in (x, y)]
    assert np.abs(cosines[0] - cosines[1]).max() <= 10 * UNIT / np.sqrt(x.shape[1])


def test_files_are_half_as_large_and_readable_by_others(tmp_path: Path) -> None:
    activations = torch.randn(5, 2, 64)
    for form in ("fp32", "bf16"):
        stored(activations, tmp_path / form, form)
    sizes = [(tmp_path / form / "P36.safetensors").stat().st_size for form in ("fp32", "bf16")]
    assert sizes[0] - sizes[1] == pytest.approx(2 * activations.numel(), abs=16)  # the header, too
    assert load_file(tmp_path / "bf16" / "P36.safetensors")["activations"].dtype == torch.bfloat16
    ((relation, index, values),) = read_relations(tmp_path / "bf16")
    assert (relation, len(index), values.shape) == ("P36", 5, (5, 128))


@pytest.mark.parametrize("form", ["fp32", "bf16"])
def test_files_say_which_neurons_there_are(form: Stored, tmp_path: Path) -> None:
    layers = [(Projection(torch.nn.Linear(width, 1), width),) for width in (3, 5, 2)]
    ffn = FeedForward(tuple(layers), torch.nn.Embedding(1, 1), 5)
    assert ffn.existing().tolist() == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    writer = ActivationWriter(tmp_path, ffn, form)
    writer.add("P36", [("u", "cy")], [1], [torch.zeros(3, 5)])
    assert read_neurons(tmp_path, "P36").tolist() == ffn.existing().tolist()
    stored(torch.randn(1, 3, 5), tmp_path / "even", form)
    assert read_neurons(tmp_path / "even", "P36").tolist() == list(range(15))


def test_a_cut_file_in_16_bits_is_named(tmp_path: Path) -> None:
    stored(torch.randn(5, 2, 64), tmp_path / "bf16", "bf16")
    file = tmp_path / "bf16" / "P36.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"P36\.safetensors cannot be read as activations"):
        read_relation(tmp_path / "bf16", "P36")
