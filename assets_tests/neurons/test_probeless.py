"""Probeless against the double loop that defines it, and against NeuroX where that is installed."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import save_file

from assets_tests.neurons.activations import write_activations
from assets_tests.neurons.brute_force import probeless_by_double_loop
from factroots_dagster.errors import InputError
from factroots_dagster.neurons.probeless import (
    active_neurons,
    best_neurons,
    default_k,
    layer_profile,
    probeless_scores,
    standardised,
    top_k,
)
from factroots_dagster.neurons.schema import ACTIVE_NEURONS


@settings(max_examples=150, deadline=None)
@given(
    npst.arrays(
        np.float32,
        st.tuples(st.integers(2, 12), st.integers(1, 6)),
        elements=st.floats(-1e4, 1e4, width=32) | st.sampled_from([0.0, 1.0, -1.0]),
    )
)
def test_scores_equal_the_probeless_by_double_loop(values: np.ndarray) -> None:
    scores = probeless_scores(values)
    np.testing.assert_allclose(scores, probeless_by_double_loop(values), rtol=1e-9, atol=1e-9)
    assert (scores >= 0).all()
    from_torch = probeless_scores(torch.from_numpy(values))
    assert from_torch.dtype == torch.float64
    np.testing.assert_allclose(from_torch.numpy(), scores, rtol=1e-12, atol=1e-12)


def test_scores_rank_neurons_as_neurox_does() -> None:
    """NeuroX's class means are the facts themselves when every fact is its own class."""
    reason = "NeuroX pins numpy 1.19; to compare with it: pip install --no-deps neurox==1.0.9"
    neurox = pytest.importorskip("neurox.interpretation.probeless", reason=reason)
    values = np.random.default_rng(4).normal(size=(30, 200))
    facts = np.arange(30)
    names = {fact: fact for fact in range(30)}
    scores = probeless_scores(values)
    _, by_fact = neurox.get_neuron_ordering_for_all_tags(values, facts, names)
    for fact in facts:
        alone = neurox.get_neuron_ordering_for_tag(values, facts, names, fact)
        assert np.argsort(scores[fact])[::-1].tolist() == by_fact[fact] == alone
    overall = neurox.get_neuron_ordering(values, facts)
    assert np.argsort(scores.sum(axis=0))[::-1].tolist() == overall
    assert (top_k(scores, 50) == np.array([by_fact[fact][:50] for fact in facts])).all()


@pytest.mark.parametrize("convert", [np.asarray, torch.from_numpy])
def test_standardised_scores_are_in_standard_deviations_of_the_neuron(
    convert: Callable[[np.ndarray], Any],
) -> None:
    values = np.random.default_rng(1).normal(size=(7, 40)) * np.geomspace(1e-3, 1e3, 40)
    values[:, 5] = 2.5  # does not vary
    scores = probeless_by_double_loop(values)
    expected = np.zeros_like(scores)
    for neuron in range(40):
        if neuron != 5:
            expected[:, neuron] = scores[:, neuron] / np.std(values[:, neuron])
    scores_in_deviations = np.asarray(standardised(convert(scores), convert(values)))
    np.testing.assert_allclose(scores_in_deviations, expected, rtol=1e-9)
    # They do not depend on a neuron's scale, as plain Probeless does.
    rescaled = np.asarray(standardised(probeless_scores(convert(values * 7)), convert(values * 7)))
    np.testing.assert_allclose(rescaled, scores_in_deviations, rtol=1e-9)


@settings(max_examples=150, deadline=None)
@given(
    npst.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 9)), elements=st.integers(0, 3)),
    st.integers(1, 9),
)
def test_top_k_equals_a_full_sort_with_ties_to_the_lower_column(scores: np.ndarray, k: int) -> None:
    k = min(k, scores.shape[1])
    expected = [sorted(range(len(row)), key=lambda column: (-row[column], column))[:k] for row in scores]
    assert top_k(scores, k).tolist() == expected
    assert top_k(torch.from_numpy(scores), k).tolist() == expected


DEVICES = [None, "cpu", *(["cuda"] if torch.cuda.is_available() else [])]


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("chunk", [1, 37, 1 << 21])
def test_active_neurons_do_not_depend_on_the_chunk(chunk: int, device: str | None, tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    # Rounded, so that there are many ties.
    relations = {
        "P19": random.normal(size=(9, 3, 20)).round(1),
        "P36": random.normal(size=(5, 3, 20)).round(1),
    }
    table = active_neurons(write_activations(tmp_path, relations), k=7, device=device, chunk_numbers=chunk)
    assert table.schema.equals(ACTIVE_NEURONS)
    assert len(table) == 14
    for row in table.to_pylist():
        flat = relations[row["relation"]].reshape(-1, 60).astype(np.float32)
        fact = int(row["uuid"].split("-")[1])
        scores = probeless_by_double_loop(flat)[fact].round(9)
        assert row["k"] == 7
        np.testing.assert_allclose(row["scores"], np.sort(scores)[::-1][:7], rtol=1e-6)
        np.testing.assert_allclose(scores[row["neurons"]], row["scores"], rtol=1e-6)
        assert len(set(row["neurons"])) == 7
        above = flat[fact].astype(np.float64) - flat.astype(np.float64).mean(axis=0)
        assert row["signed_neurons"] == sorted(range(60), key=lambda n: (-above[n], n))[:7]
        unusual = (probeless_by_double_loop(flat)[fact] / flat.astype(np.float64).std(axis=0)).round(9)
        np.testing.assert_allclose(
            unusual[row["standardised_neurons"]], np.sort(unusual)[::-1][:7], rtol=1e-6
        )
        assert len(set(row["standardised_neurons"])) == 7


def test_memory_is_that_of_a_chunk() -> None:
    values = np.random.default_rng(0).normal(size=(50, 40_000)).astype(np.float32)

    def peak(chunk: int) -> int:
        tracemalloc.start()
        best_neurons(values, 20, chunk_numbers=chunk)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    assert peak(50 * 1000) < 12 * 8 * 50 * 1000 < values.nbytes < peak(1 << 30)


def test_two_facts_have_no_standardised_neurons(tmp_path: Path) -> None:
    """Each deviates from the other by two standard deviations, in every neuron."""
    random = np.random.default_rng(0)
    relations = {"P1": random.normal(size=(2, 2, 8)), "P2": random.normal(size=(3, 2, 8))}
    table = active_neurons(write_activations(tmp_path, relations), k=3)
    assert [len(neurons) for neurons in table["standardised_neurons"].to_pylist()] == [0, 0, 3, 3, 3]


def test_default_k_is_two_percent_and_fifty_at_most() -> None:
    assert default_k(12 * 3072) == 50
    assert default_k(2 * 512) == 20
    assert default_k(10) == 1


def test_without_a_k_the_default_is_used(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 512))
    assert set(active_neurons(write_activations(tmp_path, {"P1": values}))["k"].to_pylist()) == {20}


def test_a_fact_alone_in_its_relation_has_no_row(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folder = write_activations(
        tmp_path, {"P1": random.normal(size=(1, 2, 8)), "P2": random.normal(size=(2, 2, 8))}
    )
    assert active_neurons(folder)["uuid"].to_pylist() == ["P2-0", "P2-1"]


def test_a_language_without_correct_facts_has_no_rows(tmp_path: Path) -> None:
    table = active_neurons(write_activations(tmp_path, {}))
    assert table.schema.equals(ACTIVE_NEURONS)
    assert len(table) == 0


def test_damaged_activations_are_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 8))
    with pytest.raises(InputError, match="again"):
        active_neurons(tmp_path / "nothing")
    folder = write_activations(tmp_path / "a", {"P1": values})
    save_file({"activations": values[:3].astype(np.float32)}, folder / "P1.safetensors")
    with pytest.raises(InputError, match="holds 3 facts, its index 4"):
        active_neurons(folder)
    (folder / "P1.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="cannot be read as activations"):
        active_neurons(folder)
    values[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        active_neurons(write_activations(tmp_path / "b", {"P1": values}))


def test_layer_profile_shares_sum_to_one(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 8))
    values[:, 1] *= 100  # all activity in the second layer
    tables = [
        active_neurons(write_activations(tmp_path / name, {"P1": values}, name), k=3)
        for name in ("qaa", "qab")
    ]
    assert layer_profile(tables, layers=2, neurons_per_layer=8).to_pylist() == [
        {"language": language, "layer": layer, "share": float(layer)}
        for language in ("qaa", "qab")
        for layer in (0, 1)
    ]
