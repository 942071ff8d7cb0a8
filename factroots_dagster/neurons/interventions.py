"""Do a fact's neurons, identified in one language, matter when the fact is asked in another? A causal check.

For facts that two languages predict, the top-k neurons of language A are ablated (times 0) and boosted
(times 2) at the masks of the prompt in B, and so are three controls of the same size: random neurons, random
neurons of the same layers, and the top-k of another fact of the relation in A. If a fact's own neurons
change the answer more, they matter; that does not show that the two languages share the fact. A decoder has
no masks: its neurons are scaled where the object's tokens are predicted, where they were also read
(`probing.causal`), and its answer is right when each of these tokens is the likeliest after those before it.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import permutations
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import scale_neurons
from factroots_dagster.models.forward import default_token_budget, run_in_batches
from factroots_dagster.neurons.schema import NEURON_INTERVENTIONS
from factroots_dagster.probing.answer_likelihood import score_answers
from factroots_dagster.probing.answer_neurons import Answer, answer_prompt
from factroots_dagster.probing.masking import Prompt, length_of
from factroots_dagster.tables import zip_columns

FACTORS = {"ablate": 0.0, "boost": 2.0}
"""Intervention to the factor of the neurons' activations."""

MOST_TOKENS = 8_192
"""Of one batch: the inputs of every changed layer are copied."""

_PROGRESS_SECONDS = 5.0


def interventions(
    model: LoadedModel,
    splits: Mapping[str, pa.Table],
    predictions: Mapping[str, pa.Table],
    active: Mapping[str, pa.Table],
    *,
    seed: int,
    facts_per_pair: int = 8,
    most_pairs: int = 240,
    token_budget: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """NEURON_INTERVENTIONS for a bounded sample of facts and ordered language pairs, drawn with the seed.

    By language: splits (MLAMA_SPLIT), predictions (PREDICTIONS), active (ACTIVE_NEURONS). At most most_pairs
    ordered pairs, facts_per_pair facts of each; a fact is asked with its object's own number of masks, and
    only if that prompt was answered correctly. token_budget: padded tokens of one batch; batches are halved
    when memory runs out. Returns at most 8 rows per fact and pair: (ablate, boost) x (own, random,
    same_layer, other_fact); a relation with no other fact in A lacks the "other_fact" rows. Raises
    InputError where a single prompt does not fit into memory, and for logits that are not finite.
    """
    languages = sorted(active)
    questions = {name: questions_of(splits[name], predictions[name]) for name in languages}
    top_neurons = {name: top_neurons_of(active[name]) for name in languages}
    pairs = sorted(permutations(languages, 2))
    if len(pairs) > most_pairs:
        random = np.random.default_rng([seed, zlib.crc32(b"pairs")])
        pairs = [pairs[index] for index in sorted(random.choice(len(pairs), most_pairs, replace=False))]
    trials: list[_Trial] = []
    for a, b in pairs:
        random = np.random.default_rng([seed, zlib.crc32(f"{a}>{b}".encode())])
        trials.extend(_draw_trials(model, (a, b), top_neurons[a], questions[b], facts_per_pair, random))
    budget = token_budget or min(default_token_budget(model.device), MOST_TOKENS)
    return _measure(model, trials, budget, progress)


@dataclass(frozen=True)
class Question:
    """A fact as it is asked in one language; object_ids: the object's tokens."""

    uuid: str
    relation: str
    template: str
    subject: str
    object: str
    object_uri: str
    object_ids: list[int]


@dataclass(frozen=True)
class _Trial:
    """One forward pass of one prompt, with `neurons` times `factor`; without neurons for the baseline.

    key: language of the neurons, language of the prompt, uuid. row: the trial's columns of
    NEURON_INTERVENTIONS; a baseline's has no neuron_set.
    """

    key: tuple[str, str, str]
    row: dict[str, Any]
    prompt: Prompt
    object_ids: list[int]
    neurons: npt.NDArray[np.int64]
    factor: float


def questions_of(split: pa.Table, predictions: pa.Table) -> dict[str, Question]:
    """The facts of one language that are answered with their object's own number of tokens, by uuid.

    split: MLAMA_SPLIT; predictions: PREDICTIONS.
    """
    facts = split.select(["uuid", "relation", "template", "subject", "object", "object_uri"]).to_pylist()
    answers = predictions.select(["uuid", "object_ids", "matched_mask_count"]).to_pylist()
    object_ids = {
        answer["uuid"]: answer["object_ids"]
        for answer in answers
        if answer["matched_mask_count"] == len(answer["object_ids"]) > 0
    }
    return {
        fact["uuid"]: Question(**fact, object_ids=object_ids[fact["uuid"]])
        for fact in facts
        if fact["uuid"] in object_ids
    }


def top_neurons_of(active: pa.Table) -> dict[str, npt.NDArray[np.int64]]:
    """The top-k neurons of one language's facts, by uuid. active: ACTIVE_NEURONS."""
    return {uuid: np.array(neurons, np.int64) for uuid, neurons in zip_columns(active, "uuid", "neurons")}


def _draw_trials(
    model: LoadedModel,
    languages: tuple[str, str],
    top_neurons: Mapping[str, npt.NDArray[np.int64]],
    questions: Mapping[str, Question],
    most_facts: int,
    random: np.random.Generator,
) -> Iterator[_Trial]:
    """The trials of one ordered pair: a baseline and the interventions of each drawn fact.

    top_neurons: of the first language; questions: in the second.
    """
    shared = sorted(top_neurons.keys() & questions.keys())
    if len(shared) > most_facts:
        shared = [shared[index] for index in sorted(random.choice(len(shared), most_facts, replace=False))]
    for uuid in shared:
        question = questions[uuid]
        found_in, asked_in = languages
        answer = Answer(question.template, question.subject, question.object, question.object_ids, asked_in)
        prompt = answer_prompt(model, answer)
        row = {"uuid": uuid, "relation": question.relation}
        row |= {"language_found": found_in, "language_asked": asked_in}
        key = (found_in, asked_in, uuid)
        yield _Trial(key, row, prompt, question.object_ids, np.empty(0, np.int64), 1.0)
        sets = {"own": top_neurons[uuid], **control_sets(model, question, top_neurons, questions, random)}
        for name, neurons in sets.items():
            for intervention, factor in FACTORS.items():
                columns = {**row, "intervention": intervention, "neuron_set": name}
                yield _Trial(key, columns, prompt, question.object_ids, neurons, factor)


def control_sets(
    model: LoadedModel,
    question: Question,
    top_neurons: Mapping[str, npt.NDArray[np.int64]],
    questions: Mapping[str, Question],
    random: np.random.Generator,
) -> dict[str, npt.NDArray[np.int64]]:
    """Sets of neurons that a fact's own set is compared with, by name.

    "random" and "same_layer" have the size of the fact's own set and nothing in common with it; "other_fact"
    is another fact's own set.
    """
    own = top_neurons[question.uuid]
    width = model.ffn.neurons
    rest = np.setdiff1d(model.ffn.existing(), own)
    controls = {"random": np.sort(random.choice(rest, min(len(own), len(rest)), replace=False))}
    by_layer = []
    for layer, count in zip(*np.unique(own // width, return_counts=True), strict=True):
        candidates = rest[rest // width == layer]
        by_layer.append(random.choice(candidates, min(count, len(candidates)), replace=False))
    controls["same_layer"] = np.sort(np.concatenate(by_layer))
    others = sorted(
        uuid
        for uuid in top_neurons.keys() & questions.keys()
        if questions[uuid].relation == question.relation and questions[uuid].object_uri != question.object_uri
    )
    if others:
        controls["other_fact"] = top_neurons[others[int(random.integers(len(others)))]]
    return controls


def _measure(
    model: LoadedModel, trials: list[_Trial], budget: int, progress: Callable[[str], None] | None
) -> pa.Table:
    logprob = np.empty(len(trials))
    right = np.empty(len(trials), bool)
    last = time.monotonic()
    done = 0

    def run(batch: list[int]) -> None:
        nonlocal last, done
        logprob[batch], right[batch] = _run(model, [trials[index] for index in batch])
        done += len(batch)
        if progress is not None and time.monotonic() - last > _PROGRESS_SECONDS:
            last = time.monotonic()
            progress(f"{done} of {len(trials)} interventions run")

    with torch.inference_mode():
        run_in_batches(model, [length_of(trial.prompt) for trial in trials], budget, run)
    baseline = {trial.key: index for index, trial in enumerate(trials) if "neuron_set" not in trial.row}
    rows = [
        {
            **trial.row,
            "logprob_before": float(logprob[before]),
            "logprob_change": float(logprob[index] - logprob[before]),
            "flipped": bool(right[before] and not right[index]),
        }
        for index, trial in enumerate(trials)
        if index != (before := baseline[trial.key])
    ]
    return pa.Table.from_pylist(rows, schema=NEURON_INTERVENTIONS)


def _run(model: LoadedModel, trials: list[_Trial]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Mean log-probability of each trial's object, and whether it is the likeliest at every position."""
    edits = [
        (row, position, neuron, trial.factor)
        for row, trial in enumerate(trials)
        for position in trial.prompt.positions
        for neuron in trial.neurons
    ]
    rows, positions, neurons = (
        torch.tensor([edit[part] for edit in edits], dtype=torch.int64, device=model.device)
        for part in range(3)
    )
    factors = torch.tensor([edit[3] for edit in edits], dtype=torch.float32, device=model.device)
    with scale_neurons(model.ffn, rows, positions, neurons, factors):
        return score_answers(
            model, [trial.prompt for trial in trials], [trial.object_ids for trial in trials]
        )
