"""Layers of different widths: what fills up the narrower ones is no neuron, in no null and in no share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from assets_tests.neurons.activations import write_activations
from assets_tests.neurons.planted import World
from factroots_dagster.neurons.probeless import active_neurons, used_k
from factroots_dagster.neurons.rankings import COLUMNS
from factroots_dagster.neurons.similarity import compare_languages
from factroots_dagster.neurons.stability import neuron_stability
from factroots_dagster.neurons.twin_values import stability_values

WIDTHS = (20, 7, 33)
WIDEST = max(WIDTHS)
EXISTING = np.concatenate([np.arange(width) + layer * WIDEST for layer, width in enumerate(WIDTHS)])


@dataclass
class Results:
    active: dict[str, pa.Table]
    facts: pa.Table
    pairs: pa.Table
    stability: pa.Table
    values: pa.Table


def results(world: World, folders: dict[str, Path]) -> Results:
    active = {language: active_neurons(folder) for language, folder in folders.items()}
    compared = compare_languages(active, folders, world.splits, seed=0)
    k = used_k(active.values())
    stability = neuron_stability(folders, compared.language_pairs, k=k, seed=0)
    values = pa.concat_tables(stability_values(folders, k=k, seed=0))
    return Results(active, compared.facts(), compared.pairs, stability, values)


def test_narrower_layers_change_nothing_but_the_numbers_of_neurons(tmp_path: Path) -> None:
    """The oracle is the same neurons in one layer, which is filled up with nothing."""
    world = World(tmp_path / "world")
    uneven, even = {}, {}
    for language, relations in world.values.items():
        flat = {relation: values.reshape(len(values), 1, -1) for relation, values in relations.items()}
        padded = {}
        for relation, values in flat.items():
            padded[relation] = np.zeros((len(values), len(WIDTHS), WIDEST), np.float32)
            padded[relation].reshape(len(values), -1)[:, EXISTING] = values[:, 0]
        even[language] = write_activations(tmp_path / "even" / language, flat, language)
        uneven[language] = write_activations(tmp_path / "uneven" / language, padded, language, WIDTHS)
    expected, found = results(world, even), results(world, uneven)
    for language, table in expected.active.items():
        for name in (*COLUMNS.values(), "signed_neurons"):
            numbers = [EXISTING[row].tolist() for row in table[name].to_pylist()]
            assert found.active[language][name].to_pylist() == numbers
        assert found.active[language]["k"].equals(table["k"])
    for name in ("facts", "pairs", "stability", "values"):
        ours, theirs = (getattr(each, name).to_pandas() for each in (found, expected))
        assert len(ours), name
        pd.testing.assert_frame_equal(ours, theirs, check_exact=False, rtol=1e-6)
