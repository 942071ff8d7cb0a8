"""Do a fact's neurons, found in one language, matter when the fact is asked in another? A causal check.

For facts that two languages predict, the top-k neurons found in A are ablated (times 0) and boosted (times 2)
at the masks of the prompt in B, and so are three controls of the same size: random neurons, random neurons of
the same layers, and the top-k of another fact of the relation in A. That a fact's own neurons move the answer
more says that they matter; it does not say that the two languages share the fact. A decoder has no masks: its
neurons are scaled where the object's tokens are predicted, where they were also read (`probing.causal`), and
its answer is right when each of them is the likeliest after those before it.
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

from factroots_dagster.models.batches import logit_blocks, run_in_batches
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import scale_neurons
from factroots_dagster.models.forward import Batch, default_token_budget, forward_pass
from factroots_dagster.neurons.schema import NEURON_INTERVENTIONS
from factroots_dagster.probing.causal import split_at_object, start_token
from factroots_dagster.probing.prompts import Prompt, mask_prompts

FACTORS = {"ablate": 0.0, "boost": 2.0}
MOST_TOKENS = 8_192  # of one batch: the inputs of every changed layer are copied
_REPORT_SECONDS = 5.0


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
    ordered pairs, facts_per_pair facts of each; a fact is asked with its object's own number of masks, where
    that prompt was right. A relation with no other fact in A lacks the "other_fact" rows.
    token_budget: padded tokens of one batch; batches are halved when memory runs out.
    Returns 8 rows a fact and pair at most: (ablate, boost) x (own, random, same_layer, other_fact).
    Raises InputError where a single prompt does not fit into memory, and for logits that are not finite.
    """
    languages = sorted(active)
    asked = {name: _askable(splits[name], predictions[name]) for name in languages}
    found = {name: _found(active[name]) for name in languages}
    pairs = sorted(permutations(languages, 2))
    if len(pairs) > most_pairs:
        drawn = np.random.default_rng([seed, zlib.crc32(b"pairs")]).choice(
            len(pairs), most_pairs, replace=False
        )
        pairs = [pairs[index] for index in sorted(drawn)]
    trials: list[_Trial] = []
    for a, b in pairs:
        random = np.random.default_rng([seed, zlib.crc32(f"{a}>{b}".encode())])
        trials.extend(_draw(model, a, b, found[a], asked[b], facts_per_pair, random))
    return _measure(
        model, trials, token_budget or min(default_token_budget(model.device), MOST_TOKENS), progress
    )


@dataclass(frozen=True)
class _Asked:
    uuid: str
    relation: str
    template: str
    subject: str
    object_uri: str
    object_ids: list[int]


@dataclass(frozen=True)
class _Trial:
    """One forward pass of one prompt, with `neurons` times `factor`; none of them for the baseline."""

    fact: tuple[str, str, str]  # found in, asked in, uuid
    row: dict[str, Any]
    prompt: Prompt
    object_ids: list[int]
    neurons: npt.NDArray[np.int64]
    factor: float


def _askable(split: pa.Table, predictions: pa.Table) -> dict[str, _Asked]:
    told = split.select(["uuid", "relation", "template", "subject", "object_uri"]).to_pylist()
    said = predictions.select(["uuid", "object_ids", "matched_mask_count"]).to_pylist()
    answers = {row["uuid"]: row for row in said if row["matched_mask_count"] == len(row["object_ids"]) > 0}
    return {
        row["uuid"]: _Asked(**row, object_ids=answers[row["uuid"]]["object_ids"])
        for row in told
        if row["uuid"] in answers
    }


def _found(active: pa.Table) -> dict[str, npt.NDArray[np.int64]]:
    listed = zip(active.column("uuid").to_pylist(), active.column("neurons").to_pylist(), strict=True)
    return {uuid: np.array(neurons, np.int64) for uuid, neurons in listed}


def _draw(
    model: LoadedModel,
    a: str,
    b: str,
    found: Mapping[str, npt.NDArray[np.int64]],
    asked: Mapping[str, _Asked],
    most: int,
    random: np.random.Generator,
) -> Iterator[_Trial]:
    """The trials of one ordered pair: a baseline and the interventions of each drawn fact."""
    shared = sorted(found.keys() & asked.keys())
    if len(shared) > most:
        shared = [shared[index] for index in sorted(random.choice(len(shared), most, replace=False))]
    for uuid in shared:
        fact = asked[uuid]
        prompt = _prompt(model, fact)
        row = {"uuid": uuid, "relation": fact.relation, "language_found": a, "language_asked": b}
        yield _Trial((a, b, uuid), row, prompt, fact.object_ids, np.empty(0, np.int64), 1.0)
        sets = {"own": found[uuid], **_controls(model, fact, found, asked, random)}
        for name, neurons in sets.items():
            for intervention, factor in FACTORS.items():
                told = {**row, "intervention": intervention, "neuron_set": name}
                yield _Trial((a, b, uuid), told, prompt, fact.object_ids, neurons, factor)


def _prompt(model: LoadedModel, fact: _Asked) -> Prompt:
    """The fact's prompt with as many places to predict as its object has tokens."""
    k = len(fact.object_ids)
    if model.family == "masked":
        return next(mask_prompts(model.tokenizer, [(fact.template, fact.subject)], k))
    before, _ = split_at_object(fact.template, fact.subject)
    encoded = model.tokenizer(before.rstrip(), add_special_tokens=False)["input_ids"]
    ids = np.array([start_token(model), *encoded, *fact.object_ids[:-1]], np.int32)
    return Prompt(0, k, ids, np.arange(len(ids) - k, len(ids), dtype=np.int32))


def _controls(
    model: LoadedModel,
    fact: _Asked,
    found: Mapping[str, npt.NDArray[np.int64]],
    asked: Mapping[str, _Asked],
    random: np.random.Generator,
) -> dict[str, npt.NDArray[np.int64]]:
    """Sets of the size of the fact's own and apart from it (but another fact's top-k is what it is)."""
    own = found[fact.uuid]
    width = model.ffn.neurons
    rest = np.setdiff1d(np.arange(model.ffn.layers * width), own)
    controls = {"random": np.sort(random.choice(rest, min(len(own), len(rest)), replace=False))}
    per_layer = []
    for layer, count in zip(*np.unique(own // width, return_counts=True), strict=True):
        inside = rest[rest // width == layer]
        per_layer.append(random.choice(inside, min(count, len(inside)), replace=False))
    controls["same_layer"] = np.sort(np.concatenate(per_layer))
    others = sorted(
        uuid
        for uuid in found.keys() & asked.keys()
        if asked[uuid].relation == fact.relation and asked[uuid].object_uri != fact.object_uri
    )
    if others:
        controls["other_fact"] = found[others[int(random.integers(len(others)))]]
    return controls


def _measure(
    model: LoadedModel, trials: list[_Trial], budget: int, progress: Callable[[str], None] | None
) -> pa.Table:
    logprob = np.empty(len(trials))
    right = np.empty(len(trials), bool)
    last = time.monotonic()
    done = 0

    def run(chosen: list[int]) -> None:
        nonlocal last, done
        logprob[chosen], right[chosen] = _run(model, [trials[index] for index in chosen])
        done += len(chosen)
        if progress is not None and time.monotonic() - last > _REPORT_SECONDS:
            last = time.monotonic()
            progress(f"{done} of {len(trials)} interventions run")

    with torch.inference_mode():
        run_in_batches(model, [len(trial.prompt.ids) for trial in trials], budget, run)
    baseline = {trial.fact: index for index, trial in enumerate(trials) if "neuron_set" not in trial.row}
    rows = []
    for index, trial in enumerate(trials):
        before = baseline[trial.fact]
        if index != before:
            rows.append(
                {
                    **trial.row,
                    "logprob_before": float(logprob[before]),
                    "logprob_change": float(logprob[index] - logprob[before]),
                    "flipped": bool(right[before] and not right[index]),
                }
            )
    return pa.Table.from_pylist(rows, schema=NEURON_INTERVENTIONS)


def _run(model: LoadedModel, trials: list[_Trial]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Mean log-probability of each trial's object, and whether it is the argmax at every mask."""
    batch = Batch(model, [trial.prompt.ids for trial in trials], [trial.prompt.positions for trial in trials])
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
        tokens = forward_pass(model, batch)
    gold = torch.tensor([token for trial in trials for token in trial.object_ids], device=model.device)
    token_logprob, token_right = np.empty(len(gold)), np.empty(len(gold), bool)
    for block, made in logit_blocks(model, tokens):
        wanted = gold[block]
        own = made.gather(1, wanted[:, None])[:, 0]
        token_logprob[block] = (own - torch.logsumexp(made, dim=1)).double().cpu().numpy()
        token_right[block] = (made.argmax(dim=1) == wanted).cpu().numpy()
    counts = np.array([len(trial.object_ids) for trial in trials])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(token_logprob, first) / counts, np.logical_and.reduceat(token_right, first)
