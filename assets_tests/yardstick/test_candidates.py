"""The rival statistics of `benchmarks.candidates` are what they are said to be."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from benchmarks.candidate_results import (
    Scored,
    combine,
    compute_log_odds,
    measure_aucs,
    measure_gains,
    report,
)
from benchmarks.candidate_statistics import Reading, list_candidates
from benchmarks.candidates import Kept, read_world, score_world
from benchmarks.masked_model import Asked, ask, integrate_gradients, make_trainable, score, unlearned
from factroots_dagster.errors import InputError
from factroots_dagster.models.feed_forward import scale_neurons
from factroots_dagster.models.forward import Batch
from factroots_dagster.probing.answer_likelihood import answer_logprobs, score_answers
from factroots_dagster.yardstick.study import Study


@pytest.fixture(scope="module")
def reading(study: Study) -> Reading:
    return Reading(study, study.model)


def test_pairs_are_the_predicted_facts_with_each_other_language_that_states_and_predicts_them(
    study: Study, reading: Reading
) -> None:
    source = study.cells()["source"]
    expected = {
        (uuid, here, there)
        for uuid, here in source.index
        for other, there in source.index
        if other == uuid and here != there and source[uuid, there]
    }
    pairs = {
        (*reading.index[here], reading.index[there][1])
        for here, there in zip(reading.here, reading.there, strict=True)
    }
    assert pairs == expected and len(pairs) == len(reading.here) > 100


def test_patching_after_layer_0_is_asking_with_the_other_name(reading: Reading) -> None:
    questions, pairs = reading.questions, list(zip(reading.here, reading.there, strict=True))
    here = [questions[a]._replace(subject=questions[b].subject) for a, b in pairs]
    there = [questions[b]._replace(subject=questions[a].subject) for a, b in pairs]
    np.testing.assert_allclose(reading.patched_here[0], answer_logprobs(reading.model, here), atol=1e-4)
    np.testing.assert_allclose(reading.patched_there[0], answer_logprobs(reading.model, there), atol=1e-4)
    assert np.abs(reading.patched_here[0] - reading.logprobs[reading.here]).max() > 1


def encode_alone(
    reading: Reading, asked: Asked, layer: int = 0, states: torch.Tensor | None = None
) -> list[torch.Tensor]:
    """The embeddings and every layer's states of one question, [tokens, hidden], layer by layer."""
    base = reading.model.model.base_model
    hidden = base.embeddings(input_ids=torch.from_numpy(asked.prompt.ids.astype(np.int64))[None])
    found = [hidden[0]]
    for number, block in enumerate(base.encoder.layer, start=1):
        hidden = block(hidden, None)
        if number == layer:
            hidden[0, asked.name] = states
        found.append(hidden[0].clone())
    return found


@pytest.mark.parametrize("masked", [False, True])
def test_patched_states_reach_the_answer_as_they_do_one_question_at_a_time(
    reading: Reading, masked: bool
) -> None:
    model = reading.model
    without, patched = (reading.restored_here if masked else reading.patched_here)[:2]
    for pair in range(0, len(reading.here), 10):
        here, there = reading.here[pair], reading.there[pair]
        source, name = reading.asked[there], reading.questions[there].subject
        if masked:
            name = " ".join([model.tokenizer.mask_token] * len(source.name))
        crossed = ask(model, reading.questions[here]._replace(subject=name))
        at_name = encode_alone(reading, source)[1][source.name]
        for logprob, states in ((without[pair], None), (patched[pair], at_name)):
            last = encode_alone(reading, crossed, 0 if states is None else 1, states)[-1]
            logits = model.model.cls(last[crossed.prompt.positions]).log_softmax(dim=1)
            expected = np.mean([row[token] for row, token in zip(logits, crossed.answer, strict=True)])
            assert logprob == pytest.approx(expected, abs=1e-4)
    assert np.abs(patched - without).max() > (1 if masked else 0.05)


def test_the_name_is_where_the_prompt_has_the_subjects_tokens(reading: Reading) -> None:
    for question, asked in zip(reading.questions, reading.asked, strict=True):
        words = reading.model.tokenizer.decode(asked.name_ids())
        assert words.replace(" ", "") == question.subject.replace(" ", "")


def test_integrated_gradients_add_up_to_the_probability_lost_without_the_neurons(reading: Reading) -> None:
    model, asked = reading.model, reading.asked[::20]
    for layer in range(model.ffn.layers):
        batch = Batch(model, [each.prompt.ids for each in asked], [each.prompt.positions for each in asked])
        neurons = layer * model.ffn.neurons + torch.arange(model.ffn.neurons)
        each_token = [values.repeat_interleave(len(neurons)) for values in (batch.rows, batch.positions)]
        everywhere = neurons.repeat(len(batch.rows))
        prompts, answers = [each.prompt for each in asked], [each.answer for each in asked]
        with (
            torch.inference_mode(),
            scale_neurons(model.ffn, *each_token, everywhere, torch.zeros(len(everywhere))),
        ):
            without, _ = score_answers(model, prompts, answers)
        with torch.inference_mode():
            complete, _ = score_answers(model, prompts, answers)
        lost = np.exp(complete) - np.exp(without)
        sums = integrate_gradients(model, asked, layer, steps=100).sum(dim=1).numpy()
        np.testing.assert_allclose(sums, lost, atol=2e-3)
        assert np.abs(lost).max() > 0.05


def test_an_edit_lowers_the_answers_probability_and_leaves_no_trace(reading: Reading) -> None:
    model = make_trainable(reading.model)
    before = {name: weight.clone() for name, weight in model.model.state_dict().items()}
    for asked in reading.asked[::25]:
        known = score(model, [asked])[0]
        with unlearned(model, asked):
            assert score(model, [asked])[0] < known - 0.01
    assert all(weight.equal(before[name]) for name, weight in model.model.state_dict().items())
    assert not any(weight.requires_grad for weight in reading.model.model.parameters())


def test_an_edit_costs_the_fact_more_than_others(reading: Reading) -> None:
    edits = reading.edits
    assert (edits.edited > 0).all()
    assert edits.edited.mean() > 2 * np.nanmean(edits.controls)


def test_every_candidate_scores_the_facts_that_have_a_partner(study: Study) -> None:
    reading = Reading(study, study.model, [study.model])
    has_partner = np.isin(np.arange(len(reading.index)), reading.here)
    assert has_partner.mean() > 0.1
    for name, candidate in list_candidates(study.model.ffn.layers).items():
        scores = candidate(reading)
        assert scores.index.equals(study.cells().index), name
        assert scores.notna().to_numpy()[has_partner].mean() > 0.9, name
        assert scores.nunique() > 20, name
    # the one candidate without partners, asked of the model itself
    np.testing.assert_allclose(reading.ask_earlier(), reading.logprobs, atol=1e-4)


def planted_world(seed: int) -> Scored:
    """A world of 300 facts whose truth our method tells a little, and the candidate `good` as much."""
    random = np.random.default_rng(seed)
    shared = random.random(300) < 0.5
    index = pd.MultiIndex.from_tuples([(f"u{n}", "de") for n in range(300)], names=["uuid", "language"])
    types = np.where(shared, "shared", "independent")
    cells = pd.DataFrame({"causal_type": types, "linked": 1}, index=index)
    ours = 1 / (1 + np.exp(-random.normal(shared * 1.0)))
    scores = {"ours": ours, "good": random.normal(shared * 1.0), "same": 0.0}
    frame = pd.DataFrame(scores, index=index)
    return Scored(cells, {"trained": frame}, {})


def test_a_candidate_that_knows_something_else_adds_to_ours_and_a_constant_does_not() -> None:
    world, others = planted_world(0), [planted_world(1), planted_world(2)]
    ours = compute_log_odds(world.scores["trained"]["ours"])
    gain, _ = measure_gains(world, combine(others, world, "trained", "good"), ours)
    none, _ = measure_gains(world, combine(others, world, "trained", "same"), ours)
    assert gain.low > 0 and 0.03 < gain.value < 0.2
    assert none[1:] == (0, 0, 0)
    within, everywhere = measure_aucs(world, ours)
    assert within.value == everywhere.value and within.low > 0.6


def test_the_report_has_every_candidate_alone_and_beside_ours(study: Study) -> None:
    cells = study.cells()[[]].assign(linked=1)
    random = np.random.default_rng(0)
    types = [np.where(random.random(len(cells)) < 0.5, "shared", "independent") for _ in range(2)]
    scored = score_world(Kept(study, cells.assign(causal_type=types[0]), [study.model]), lambda line: None)
    worlds = {0: scored, 1: scored._replace(cells=cells.assign(causal_type=types[1]))}
    lines = report(worlds, "easy")
    for name in list_candidates(study.model.ffn.layers):
        alone, added = ([line for line in lines if line.startswith(f"| {name} |")][i::2] for i in (0, 1))
        assert len(alone) >= 2 and len(added) >= 2, name
        assert not any("nan" in line for line in alone + added), name


def test_a_world_that_is_not_there_is_refused_with_the_command_that_makes_it(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"preset demo and seed 7.*factroots dev yardstick --preset demo --seeds 7"
    ):
        read_world(tmp_path, "demo", 7)
