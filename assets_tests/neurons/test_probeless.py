"""Probeless against the double loop that defines it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst
from safetensors.numpy import save_file

from factroots_dagster.errors import InputError
from factroots_dagster.neurons import probeless
from factroots_dagster.neurons.probeless import (
    active_neurons,
    default_k,
    layer_profile,
    probeless_scores,
    top_k,
)
from factroots_dagster.neurons.schema import ACTIVATION_INDEX, ACTIVE_NEURONS


def double_loop(values: np.ndarray) -> np.ndarray:
    scores = np.zeros(values.shape)
    for f in range(len(values)):
        for g in range(len(values)):
            scores[f] += np.abs(values[f].astype(np.float64) - values[g])
    return scores / (len(values) - 1)


def write(folder: Path, relations: dict[str, np.ndarray], language: str = "qaa") -> Path:
    """A folder of activations as the prober writes it; facts are named <relation>-<row>."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for relation, values in relations.items():
        save_file({"activations": values.astype(np.float32)}, folder / f"{relation}.safetensors")
        for row in range(len(values)):
            told = {"uuid": f"{relation}-{row}", "language": language, "relation": relation, "row": row}
            rows.append({**told, "mask_count": 1, "file": f"{relation}.safetensors"})
    pq.write_table(pa.Table.from_pylist(rows, schema=ACTIVATION_INDEX), folder / "data.parquet")
    return folder


@settings(max_examples=150, deadline=None)
@given(
    npst.arrays(
        np.float32,
        st.tuples(st.integers(2, 12), st.integers(1, 6)),
        elements=st.floats(-1e4, 1e4, width=32) | st.sampled_from([0.0, 1.0, -1.0]),
    )
)
def test_scores_equal_the_double_loop(values: np.ndarray) -> None:
    scores = probeless_scores(values)
    np.testing.assert_allclose(scores, double_loop(values), rtol=1e-9, atol=1e-9)
    assert (scores >= 0).all()


@settings(max_examples=150, deadline=None)
@given(
    npst.arrays(np.float64, st.tuples(st.integers(1, 5), st.integers(1, 9)), elements=st.integers(0, 3)),
    st.integers(1, 9),
)
def test_top_k_equals_a_full_sort_with_ties_to_the_lower_column(scores: np.ndarray, k: int) -> None:
    k = min(k, scores.shape[1])
    expected = [sorted(range(len(row)), key=lambda column: (-row[column], column))[:k] for row in scores]
    assert top_k(scores, k).tolist() == expected


@pytest.mark.parametrize("chunk", [1, 37, 1 << 21])
def test_active_neurons_do_not_depend_on_the_chunk(
    chunk: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    random = np.random.default_rng(3)
    # Rounded, so that there are many ties.
    relations = {
        "P19": random.normal(size=(9, 3, 20)).round(1),
        "P36": random.normal(size=(5, 3, 20)).round(1),
    }
    monkeypatch.setattr(probeless, "CHUNK_NUMBERS", chunk)
    made = active_neurons(write(tmp_path, relations), k=7)
    assert made.schema.equals(ACTIVE_NEURONS)
    assert len(made) == 14
    for row in made.to_pylist():
        flat = relations[row["relation"]].reshape(-1, 60).astype(np.float32)
        fact = int(row["uuid"].split("-")[1])
        scores = double_loop(flat)[fact].round(9)
        assert row["k"] == 7
        np.testing.assert_allclose(row["scores"], np.sort(scores)[::-1][:7], rtol=1e-6)
        np.testing.assert_allclose(scores[row["neurons"]], row["scores"], rtol=1e-6)
        assert len(set(row["neurons"])) == 7
        above = flat[fact].astype(np.float64) - flat.astype(np.float64).mean(axis=0)
        assert row["signed_neurons"] == sorted(range(60), key=lambda n: (-above[n], n))[:7]


def test_default_k_is_two_percent_and_fifty_at_most() -> None:
    assert default_k(12, 3072) == 50
    assert default_k(2, 512) == 20
    assert default_k(1, 10) == 1


def test_default_k_is_used(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 512))
    assert set(active_neurons(write(tmp_path, {"P1": values}))["k"].to_pylist()) == {20}


def test_a_fact_alone_in_its_relation_has_no_row(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    folder = write(tmp_path, {"P1": random.normal(size=(1, 2, 8)), "P2": random.normal(size=(2, 2, 8))})
    assert active_neurons(folder)["uuid"].to_pylist() == ["P2-0", "P2-1"]


def test_no_correct_fact_at_all(tmp_path: Path) -> None:
    made = active_neurons(write(tmp_path, {}))
    assert made.schema.equals(ACTIVE_NEURONS)
    assert len(made) == 0


def test_damaged_activations_are_refused(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 8))
    with pytest.raises(InputError, match="again"):
        active_neurons(tmp_path / "nothing")
    folder = write(tmp_path / "a", {"P1": values})
    save_file({"activations": values[:3].astype(np.float32)}, folder / "P1.safetensors")
    with pytest.raises(InputError, match="holds 3 facts, its index 4"):
        active_neurons(folder)
    (folder / "P1.safetensors").write_bytes(b"cut")
    with pytest.raises(InputError, match="not readable"):
        active_neurons(folder)
    values[1, 1, 1] = np.nan
    with pytest.raises(InputError, match="NaN"):
        active_neurons(write(tmp_path / "b", {"P1": values}))


def test_layer_profile_shares_sum_to_one(tmp_path: Path) -> None:
    values = np.random.default_rng(0).normal(size=(4, 2, 8))
    values[:, 1] *= 100  # all activity in the second layer
    tables = [active_neurons(write(tmp_path / name, {"P1": values}, name), k=3) for name in ("qaa", "qab")]
    made = layer_profile(tables, layers=2, neurons_per_layer=8).to_pylist()
    assert made == [
        {"language": language, "layer": layer, "share": float(layer)}
        for language in ("qaa", "qab")
        for layer in (0, 1)
    ]
