"""Activations stored in fewer bits: smaller files, and inner products within the stated bounds."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
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
from factroots_dagster.models.four_bits import pack, unpack
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


def gelu(shape: tuple[int, int, int]) -> torch.Tensor:
    """Activations of which most are a little below 0, as those of feed-forward blocks with GELU."""
    return torch.nn.functional.gelu(torch.randn(shape) * torch.rand(shape[-1]) * 3)


def silu(shape: tuple[int, int, int]) -> torch.Tensor:
    """Activations as those of gated feed-forward blocks: both signs, heavy tails."""
    return torch.nn.functional.silu(torch.randn(shape)) * torch.randn(shape)


@pytest.mark.parametrize("draw", [gelu, silu])
def test_four_bits_keep_values_within_half_a_step_and_cosines_nearly(
    draw: Callable[[tuple[int, int, int]], torch.Tensor], tmp_path: Path
) -> None:
    torch.manual_seed(0)
    activations = draw((24, 12, 3_072))
    read = stored(activations, tmp_path / "int4", "int4")
    blocks, restored = (np.reshape(values, (24, 12, 24, 128)) for values in (activations.numpy(), read))
    step = np.ptp(blocks, axis=-1, keepdims=True) / 15
    # the grid begins at and advances by numbers of 8 bits
    assert (
        np.abs(restored - blocks) <= step / 2 + 2 * UNIT * (np.abs(blocks).max(-1, keepdims=True) + step)
    ).all()
    x, y = (values.reshape(24, -1).astype(np.float64) for values in (blocks, restored))
    cosines = [v @ v.T / np.outer(*[np.linalg.norm(v, axis=1)] * 2) for v in (x, y)]
    assert np.abs(cosines[0] - cosines[1]).max() <= 0.006
    others = ~np.eye(24, dtype=bool)
    errors = (y @ y.T - x @ x.T)[others] / np.outer(*[np.linalg.norm(x, axis=1)] * 2)[others]
    assert np.abs(errors).max() <= 0.005
    # the errors have no direction of their own: what is lost in one fact is not lost in all
    mean_error = (y - x).mean(axis=0)
    assert np.linalg.norm(mean_error) <= 1.5 * np.linalg.norm(y - x) / 24


def test_four_bits_take_four_and_a_quarter(tmp_path: Path) -> None:
    stored(torch.randn(4, 3, 640), tmp_path / "int4", "int4")
    size = (tmp_path / "int4" / "P36.safetensors").stat().st_size
    assert size == pytest.approx(4 * 3 * 640 * 4.25 / 8, abs=400)  # the header, too


@given(
    hnp.arrays(
        np.float32,
        hnp.array_shapes(min_dims=3, max_dims=3, max_side=140),
        elements=st.floats(-(2.0**30), 2.0**30, width=32),
    ),
    st.integers(0, 2**32 - 1),
)
def test_any_finite_values_stay_within_half_a_step(values: np.ndarray, seed: int) -> None:
    packed, grids = pack(values, seed)
    restored = unpack(packed, grids, values.shape[-1], seed)
    blocks = [slice(start, start + 128) for start in range(0, values.shape[-1], 128)]
    for block in blocks:
        before, after = values[..., block].astype(np.float64), restored[..., block]
        step = np.ptp(before, axis=-1, keepdims=True) / 15
        largest = np.abs(before).max(-1, keepdims=True)
        assert (np.abs(after - before) <= step / 2 + 2 * UNIT * (largest + step) + 1e-37).all()


def test_blocks_of_one_value_stay_as_they_are_but_for_its_rounding() -> None:
    values = np.zeros((2, 2, 258), np.float32)
    values[:, 1] = 1.5
    assert np.array_equal(unpack(*pack(values, 1), 258, 1), values)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_not_hidden_by_four_bits(wrong: float) -> None:
    values = np.ones((3, 2, 256), np.float32)
    values[1, 0, 130] = wrong
    restored = unpack(*pack(values, 1), 256, 1)
    assert not np.isfinite(restored[1, 0, 128:]).any()
    assert np.isfinite(restored[[0, 2]]).all() and np.isfinite(restored[1, 1]).all()


def test_shapes_that_disagree_are_refused() -> None:
    packed, grids = pack(np.ones((1, 1, 129), np.float32), 0)
    for count in (127, 128, 131, 258):
        with pytest.raises(ValueError, match="in four bits"):
            unpack(packed, grids, count, 0)


@pytest.mark.parametrize("form", ["fp32", "bf16", "int4"])
def test_files_say_which_neurons_there_are(form: Stored, tmp_path: Path) -> None:
    layers = [(Projection(torch.nn.Linear(width, 1), width),) for width in (3, 5, 2)]
    ffn = FeedForward(tuple(layers), torch.nn.Embedding(1, 1), 5)
    assert ffn.existing().tolist() == [0, 1, 2, 5, 6, 7, 8, 9, 10, 11]
    writer = ActivationWriter(tmp_path, ffn, form)
    writer.add("P36", [("u", "cy")], [1], [torch.zeros(3, 5)])
    assert read_neurons(tmp_path, "P36").tolist() == ffn.existing().tolist()
    stored(torch.randn(1, 3, 5), tmp_path / "even", form)
    assert read_neurons(tmp_path / "even", "P36").tolist() == list(range(15))


@pytest.mark.parametrize("form", ["bf16", "int4"])
def test_a_cut_file_is_named(form: Stored, tmp_path: Path) -> None:
    stored(torch.randn(5, 2, 64), tmp_path / form, form)
    file = tmp_path / form / "P36.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(InputError, match=r"P36\.safetensors cannot be read as activations"):
        read_relation(tmp_path / form, "P36")
