"""Interventions compared with the same edit made by hand, one prompt at a time."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import statsmodels.api as sm
import torch
from scipy import stats

from assets_tests.models import tiny
from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.neurons.effects import intervention_summary
from factroots_dagster.neurons.interventions import (
    control_sets,
    interventions,
    questions_of,
    top_neurons_of,
)
from factroots_dagster.neurons.probeless import active_neurons
from factroots_dagster.neurons.schema import INTERVENTION_SUMMARY, NEURON_INTERVENTIONS
from factroots_dagster.probing.causal import probe_causal
from factroots_dagster.probing.probe import probe
from factroots_dagster.stats.intervals import mean_interval, rate_interval

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
        active = probed.active[row["language_found"]].to_pylist()
        neurons = next(r["neurons"] for r in active if r["uuid"] == row["uuid"])
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


def test_the_same_seed_gives_the_same_rows_and_another_seed_others(probed: Probed) -> None:
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
    top_neurons = top_neurons_of(probed.active["qaa"])
    questions = questions_of(probed.splits["qab"], probed.predictions["qab"])
    shared = sorted(top_neurons.keys() & questions.keys())
    assert shared
    for uuid in shared:
        own = top_neurons[uuid]
        controls = control_sets(
            probed.model, questions[uuid], top_neurons, questions, np.random.default_rng(0)
        )
        for name in ("random", "same_layer"):
            assert len(set(controls[name].tolist())) == K
            assert not set(controls[name].tolist()) & set(own.tolist())
        assert sorted(controls["same_layer"] // 40) == sorted(own // 40)
        other = next(u for u, neurons in top_neurons.items() if neurons is controls["other_fact"])
        assert questions[other].relation == questions[uuid].relation
        assert questions[other].object_uri != questions[uuid].object_uri


def test_a_single_language_has_no_interventions(probed: Probed) -> None:
    table = interventions(
        probed.model,
        {"qaa": probed.splits["qaa"]},
        {"qaa": probed.predictions["qaa"]},
        {"qaa": probed.active["qaa"]},
        seed=0,
    )
    assert table.schema.equals(NEURON_INTERVENTIONS)
    assert len(table) == 0


class Decoder(Probed):
    """A decoder, asked the same facts by two languages' templates."""

    def __init__(self, folder: Path):
        checkpoint = tiny.save_checkpoint(folder / "llama", "llama")
        self.model = load(str(checkpoint), device="cpu")
        self.splits, self.predictions, self.active = {}, {}, {}
        for seed, language in enumerate(("qaa", "qab")):
            (folder / language).mkdir()
            self.splits[language] = tiny.decoder_split(checkpoint, language, seed=seed)
            self.predictions[language] = probe_causal(self.model, self.splits[language], folder / language)
            self.active[language] = active_neurons(folder / language, k=K)


@pytest.fixture(scope="module")
def decoder(tmp_path_factory: pytest.TempPathFactory) -> Decoder:
    return Decoder(tmp_path_factory.mktemp("decoder"))


def decoder_by_hand(decoder: Decoder, row: dict, neurons: list[int], factor: float) -> tuple[float, bool]:
    """As by_hand, where a decoder predicts the object: from the prompt's last token to the last but one."""
    model, tokenizer = decoder.model.model, decoder.model.tokenizer
    asked = row["language_asked"]
    fact = next(r for r in decoder.splits[asked].to_pylist() if r["uuid"] == row["uuid"])
    gold = next(r for r in decoder.predictions[asked].to_pylist() if r["uuid"] == row["uuid"])["object_ids"]
    text = fact["template"].replace("[X]", fact["subject"]).partition("[Y]")[0] + fact["object"]
    start = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else tokenizer.eos_token_id
    ids = torch.tensor([[start, *tokenizer(text, add_special_tokens=False)["input_ids"]]])
    assert ids[0, -len(gold) :].tolist() == gold
    positions = slice(ids.shape[1] - 1 - len(gold), ids.shape[1] - 1)

    def edit(layer: int):
        def hook(_module: torch.nn.Module, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
            changed = args[0].clone()
            for neuron in neurons:
                if neuron // 40 == layer:
                    changed[0, positions, neuron % 40] *= factor
            return (changed,)

        return hook

    handles = [
        layer.mlp.down_proj.register_forward_pre_hook(edit(number))
        for number, layer in enumerate(model.model.layers)
    ]
    with torch.inference_mode():
        logits = model(input_ids=ids).logits[0, positions].double()
    for handle in handles:
        handle.remove()
    logprob = torch.log_softmax(logits, dim=1)[torch.arange(len(gold)), torch.tensor(gold)].mean()
    return float(logprob), logits.argmax(dim=1).tolist() == gold


def test_a_decoders_neurons_are_scaled_where_it_predicts_the_object(decoder: Decoder) -> None:
    rows = [row for row in decoder.run().to_pylist() if row["neuron_set"] == "own"]
    assert len(rows) > 5
    for row in rows:
        active = decoder.active[row["language_found"]].to_pylist()
        neurons = next(r["neurons"] for r in active if r["uuid"] == row["uuid"])
        before, right = decoder_by_hand(decoder, row, [], 1.0)
        after, still = decoder_by_hand(decoder, row, neurons, 0.0 if row["intervention"] == "ablate" else 2.0)
        assert row["logprob_before"] == pytest.approx(before, abs=1e-4)
        assert row["logprob_change"] == pytest.approx(after - before, abs=1e-4)
        assert row["flipped"] == (right and not still)


def test_running_out_of_memory_halves_the_batches(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = probed.run(facts_per_pair=3)
    sizes: list[int] = []

    def small_head(hidden: torch.Tensor) -> torch.Tensor:
        sizes.append(len(hidden))
        if len(hidden) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return head(hidden)

    head, most = probed.model.head, 10
    monkeypatch.setattr(probed, "model", dataclasses.replace(probed.model, head=small_head))
    halved = probed.run(facts_per_pair=3)
    assert max(sizes) > most
    assert halved.drop(["logprob_before", "logprob_change"]).equals(
        whole.drop(["logprob_before", "logprob_change"])
    )
    np.testing.assert_allclose(halved["logprob_change"], whole["logprob_change"], atol=1e-4)
    most = 0
    with pytest.raises(InputError, match="does not fit into the memory"):
        probed.run(facts_per_pair=3)


def test_logits_that_are_not_numbers_are_rejected(probed: Probed, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = dataclasses.replace(probed.model, head=lambda hidden: probed_head(hidden) * float("nan"))
    probed_head = probed.model.head
    monkeypatch.setattr(probed, "model", broken)
    with pytest.raises(InputError, match="NaN"):
        probed.run(facts_per_pair=2)


def test_the_summary_equals_pandas_and_statsmodels_for_every_direction_and_overall(probed: Probed) -> None:
    table = probed.run()
    summary = intervention_summary(table)
    assert summary.schema.equals(INTERVENTION_SUMMARY)
    frame, rows = table.to_pandas(), summary.to_pylist()
    names = ["language_found", "language_asked", "intervention", "neuron_set"]
    assert {tuple(row[name] for name in names) for row in rows if row["language_found"] != "*"} == set(
        frame.groupby(names).groups
    )
    own = frame[frame["neuron_set"] == "own"].set_index(["uuid", *names[:3]])["logprob_change"]
    for row in rows:
        part = frame[
            (frame["intervention"] == row["intervention"]) & (frame["neuron_set"] == row["neuron_set"])
        ]
        if row["language_found"] != "*":
            part = part[
                (part["language_found"] == row["language_found"])
                & (part["language_asked"] == row["language_asked"])
            ]
        change = part["logprob_change"].to_numpy()
        assert (row["n"], row["facts"]) == (len(part), part["uuid"].nunique())
        assert row["logprob_change"] == pytest.approx(change.mean())
        assert row["flip_rate"] == pytest.approx(part["flipped"].mean())
        got = (row["logprob_change_low"], row["logprob_change_high"])
        if row["language_found"] != "*":
            assert row["n"] == row["facts"]
            expected = stats.t.interval(0.95, len(part) - 1, loc=change.mean(), scale=stats.sem(change))
            assert got == pytest.approx(tuple(expected))
            wilson = stats.binomtest(int(part["flipped"].sum()), len(part)).proportion_ci(method="wilson")
            # Also where all rows agree: one row is one fact.
            assert (row["flip_rate_low"], row["flip_rate_high"]) == pytest.approx((wilson.low, wilson.high))
        else:
            assert row["n"] > row["facts"]
            groups = pd.factorize(part["uuid"])[0]
            fitted = sm.OLS(change, np.ones(len(change))).fit(
                cov_type="cluster", cov_kwds={"groups": groups, "df_correction": True}, use_t=True
            )
            assert got == pytest.approx(tuple(fitted.conf_int()[0]))
            flips = rate_interval(part["flipped"].to_numpy(), groups)
            assert (row["flip_rate_low"], row["flip_rate_high"]) == pytest.approx(flips)
        paired = own.reindex(
            list(zip(*(part[name] for name in ["uuid", *names[:3]]), strict=True))
        ).to_numpy()
        if row["neuron_set"] == "own":
            assert row["own_less_this"] is row["own_less_this_low"] is None
        else:
            assert row["own_less_this"] == pytest.approx((paired - change).mean())
            assert (row["own_less_this_low"], row["own_less_this_high"]) == pytest.approx(
                mean_interval(paired - change, part["uuid"].to_numpy())
            )


def test_the_summary_of_no_interventions_is_empty() -> None:
    summary = intervention_summary(NEURON_INTERVENTIONS.empty_table())
    assert summary.schema.equals(INTERVENTION_SUMMARY)
    assert len(summary) == 0
