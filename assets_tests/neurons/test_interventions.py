"""Interventions against the same edit made by hand, one prompt at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from assets_tests.probing import tiny
from factroots_dagster.neurons.interventions import interventions
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.schema import NEURON_INTERVENTIONS
from factroots_dagster.probing.checkpoint import LoadedModel, load
from factroots_dagster.probing.engine import probe

K = 5


class Probed:
    def __init__(self, folder: Path):
        checkpoint = tiny.save_checkpoint(folder / "bert")
        self.model: LoadedModel = load(str(checkpoint), device="cpu")
        self.splits: dict[str, pa.Table] = {}
        self.predictions: dict[str, pa.Table] = {}
        self.active: dict[str, pa.Table] = {}
        for seed, language in enumerate(("qaa", "qab", "qac")):
            (folder / language).mkdir()
            self.splits[language] = tiny.split(checkpoint, language, 30, seed)
            self.predictions[language] = probe(self.model, self.splits[language], folder / language)
            self.active[language] = active_neurons(folder / language, k=K)

    def run(self, **options: int) -> pa.Table:
        return interventions(self.model, self.splits, self.predictions, self.active, **{"seed": 1, **options})


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Probed:
    return Probed(tmp_path_factory.mktemp("probed"))


def by_hand(probed: Probed, row: dict, neurons: list[int], factor: float) -> tuple[float, bool]:
    """Log-probability of the object and whether it is the answer, with the neurons scaled at the masks."""
    model, tokenizer = probed.model.model, probed.model.tokenizer
    asked = row["language_asked"]
    fact = next(r for r in probed.splits[asked].to_pylist() if r["uuid"] == row["uuid"])
    gold = next(r for r in probed.predictions[asked].to_pylist() if r["uuid"] == row["uuid"])["object_ids"]
    text = fact["template"].replace("[X]", fact["subject"])
    ids = tokenizer(text.replace("[Y]", " ".join(["[MASK]"] * len(gold))), return_tensors="pt")["input_ids"]
    masks = (ids[0] == tokenizer.mask_token_id).nonzero()[:, 0]

    def edit(layer: int):
        def hook(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            changed = args[0].clone()
            for neuron in neurons:
                if neuron // 40 == layer:
                    changed[0, masks, neuron % 40] *= factor
            return (changed,)

        return hook

    handles = [
        layer.output.dense.register_forward_pre_hook(edit(number))
        for number, layer in enumerate(model.bert.encoder.layer)
    ]
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0, masks].double()
    for handle in handles:
        handle.remove()
    logprob = torch.log_softmax(logits, dim=1)[torch.arange(len(gold)), torch.tensor(gold)].mean()
    return float(logprob), logits.argmax(dim=1).tolist() == gold


def test_own_neurons_equal_the_edit_by_hand(probed: Probed) -> None:
    rows = [row for row in probed.run().to_pylist() if row["neuron_set"] == "own"]
    assert len(rows) > 40
    assert {row["flipped"] for row in rows} == {True, False}
    for row in rows:
        found = probed.active[row["language_found"]].to_pylist()
        neurons = next(r["neurons"] for r in found if r["uuid"] == row["uuid"])
        before, right = by_hand(probed, row, [], 1.0)
        after, still = by_hand(probed, row, neurons, 0.0 if row["intervention"] == "ablate" else 2.0)
        assert right
        assert row["logprob_before"] == pytest.approx(before, abs=1e-4)
        assert row["logprob_change"] == pytest.approx(after - before, abs=1e-4)
        assert row["flipped"] == (not still)


def test_the_sample_is_bounded_and_complete(probed: Probed) -> None:
    table = probed.run(facts_per_pair=3, most_pairs=4)
    assert table.schema.equals(NEURON_INTERVENTIONS)
    facts: dict[tuple[str, str], set[str]] = {}
    rows = table.to_pylist()
    for row in rows:
        facts.setdefault((row["language_found"], row["language_asked"]), set()).add(row["uuid"])
    assert len(facts) == 4
    assert all(len(uuids) == 3 and a != b for (a, b), uuids in facts.items())
    kinds = {(row["intervention"], row["neuron_set"]) for row in rows}
    assert kinds == {
        (i, s) for i in ("ablate", "boost") for s in ("own", "random", "same_layer", "other_fact")
    }
    assert len(rows) == 4 * 3 * 8
    right = {
        (language, row["uuid"])
        for language, table in probed.predictions.items()
        for row in table.to_pylist()
        if row["full_match"]
    }
    for (a, b), uuids in facts.items():
        assert all((a, uuid) in right and (b, uuid) in right for uuid in uuids)


def test_same_seed_same_rows_another_seed_others(probed: Probed) -> None:
    first = probed.run(facts_per_pair=3)
    assert first.equals(probed.run(facts_per_pair=3))
    assert not first.equals(probed.run(facts_per_pair=3, seed=2))


def test_batches_do_not_change_the_effects(probed: Probed) -> None:
    large, small = probed.run(), probed.run(token_budget=30)
    assert large.select(["uuid", "neuron_set", "flipped"]).equals(
        small.select(["uuid", "neuron_set", "flipped"])
    )
    np.testing.assert_allclose(large["logprob_change"], small["logprob_change"], atol=1e-4)


def test_controls_have_the_size_and_layers_they_claim(probed: Probed) -> None:
    from factroots_dagster.neurons.interventions import _askable, _controls, _found

    found = _found(probed.active["qaa"])
    asked = _askable(probed.splits["qab"], probed.predictions["qab"])
    shared = sorted(found.keys() & asked.keys())
    assert shared
    for uuid in shared:
        own = found[uuid]
        made = _controls(probed.model, asked[uuid], found, asked, np.random.default_rng(0))
        for name in ("random", "same_layer"):
            assert len(set(made[name].tolist())) == K
            assert not set(made[name].tolist()) & set(own.tolist())
        assert sorted(made["same_layer"] // 40) == sorted(own // 40)
        other = next(u for u, neurons in found.items() if neurons is made["other_fact"])
        assert asked[other].relation == asked[uuid].relation
        assert asked[other].object_uri != asked[uuid].object_uri


def test_no_fact_in_two_languages(probed: Probed) -> None:
    table = interventions(
        probed.model,
        {"qaa": probed.splits["qaa"]},
        {"qaa": probed.predictions["qaa"]},
        {"qaa": probed.active["qaa"]},
        seed=0,
    )
    assert table.schema.equals(NEURON_INTERVENTIONS)
    assert len(table) == 0
