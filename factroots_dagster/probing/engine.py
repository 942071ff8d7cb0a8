"""The prober: one pass over a language's rows gives predictions, scores of all candidates, and neurons.

Every distinct prompt is run once, sorted by length with those of other relations, some relations at a time so
that memory is bounded; the vocabulary projection and the neurons are taken at mask positions only, and the
logits are read while they are made. What a prompt is, is said in `prompts`; how answers become rows, in
`answers`; which columns come out, in `schema`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
import torch

from factroots_dagster.models.batches import in_batches
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import read_neurons
from factroots_dagster.models.forward import (
    LOGIT_BUDGET,
    Batch,
    default_token_budget,
    hidden_or_logits,
    read_logits,
)
from factroots_dagster.probing.answers import Answers
from factroots_dagster.probing.causal import probe_causal
from factroots_dagster.probing.outputs import ActivationFiles, Report
from factroots_dagster.probing.prompts import MaskCounts, Prompt, build_prompts
from factroots_dagster.probing.schema import PREDICTIONS

WINDOW = 16_384  # prompts (or one relation) in memory at once, sorted by length together
Protocol = Literal["pll", "left_to_right", "confidence"]


def probe(
    model: LoadedModel,
    split: pa.Table,
    activations_folder: Path,
    *,
    protocols: Sequence[Protocol] = (),
    mask_counts: MaskCounts = "relation",
    progress: Callable[[str], None] | None = None,
    token_budget: int | None = None,
) -> pa.Table:
    """Asks a language model every row of one language.

    split: MLAMA_SPLIT. activations_folder: existing and empty; gets `<relation>.safetensors` (tensor
    "activations", float32 [facts, layers, neurons]) and `data.parquet` (ACTIVATION_INDEX) for the rows with a
    full match. protocols: what else is asked of a masked model, see `pseudo` and `filling`. mask_counts: of a
    masked model, see `build_prompts`; with "object" there are no candidates' ranks, no prior and no partial
    match. token_budget: padded tokens of one batch; batches are halved when memory runs out.
    Returns PREDICTIONS, one row per row of split, in its order; for a decoder as `causal` says.
    Raises InputError for broken templates and logits that are not finite.
    """
    if model.family == "causal":
        return probe_causal(model, split, activations_folder, progress=progress, token_budget=token_budget)
    report = Report(progress, len(split))
    budget = token_budget or default_token_budget(model.device)
    if model.head is None:  # the model makes the logits of all its tokens at once
        budget = max(1, min(budget, LOGIT_BUDGET // len(model.tokenizer)))
    files = ActivationFiles(activations_folder)
    tables, order = [], []
    for window in _windows(model, split, mask_counts):
        rows = sum(len(relation.rows) for relation in window)
        # Pseudo-log-likelihood takes far longer than all the rest: where it is asked for, it counts the rows.
        counted = _Share(report, 0 if "pll" in protocols else rows)
        with torch.inference_mode():
            _ask(model, [relation.answers for relation in window], budget, counted)
        for relation in window:
            counted = _Share(report, len(relation.rows) if "pll" in protocols else 0)
            relation.answers.ask_further(protocols, budget, counted)
            tables.append(relation.answers.predictions(relation.part))
            relation.answers.write(relation.part, files, relation.name)
            order.extend(relation.rows)
    files.close()
    if not tables:
        return PREDICTIONS.empty_table()
    return pa.concat_tables(tables).take(pa.array(np.argsort(order, kind="stable"))).combine_chunks()


@dataclass(frozen=True)
class _Relation:
    """A relation being asked: the numbers of its rows in the split, and the rows themselves."""

    name: str
    rows: list[int]
    part: pa.Table
    answers: Answers


def _windows(model: LoadedModel, split: pa.Table, counts: MaskCounts) -> Iterator[list[_Relation]]:
    """The relations in their order, as many at once as have WINDOW prompts together."""
    rows_of: dict[str, list[int]] = {}
    for row, name in enumerate(split.column("relation").to_pylist()):
        rows_of.setdefault(name, []).append(row)
    window: list[_Relation] = []
    size = 0
    for name, rows in rows_of.items():
        part = split.take(pa.array(rows))
        asked = build_prompts(
            model.tokenizer, part, space_id=model.space_id, max_length=model.max_length, counts=counts
        )
        if window and size + len(asked.prompts) > WINDOW:
            yield window
            window, size = [], 0
        window.append(_Relation(name, rows, part, Answers(model, asked)))
        size += len(asked.prompts)
    if window:
        yield window


def _ask(model: LoadedModel, relations: Sequence[Answers], budget: int, done: _Share) -> None:
    """Runs all prompts of some relations and hands each relation its answers."""
    prompts = [(number, prompt) for number, one in enumerate(relations) for prompt in one.asked.prompts]

    def run(indices: list[int]) -> None:
        chosen = [prompts[index] for index in indices]
        _run(model, relations, [number for number, _ in chosen], [prompt for _, prompt in chosen])
        done(len(indices), len(prompts))

    in_batches(model, [len(prompt.ids) for _, prompt in prompts], budget, run)
    done.finish()


def _run(
    model: LoadedModel, relations: Sequence[Answers], owners: Sequence[int], prompts: Sequence[Prompt]
) -> None:
    """One batch. owners: for each prompt, the number of its relation."""
    batch = Batch(model, [prompt.ids for prompt in prompts], [prompt.positions for prompt in prompts])
    with read_neurons(model.ffn, batch.rows, batch.positions) as captured:
        tokens = hidden_or_logits(model, batch)
    reading = read_logits(model, tokens)
    best, logprob = reading.best.cpu().numpy(), reading.logprob.cpu().numpy()
    counts = np.array([prompt.k for prompt in prompts])
    first = np.cumsum(counts) - counts
    group = np.array(owners) * (counts.max() + 1) + counts
    for key in np.unique(group):
        chosen = np.flatnonzero(group == key).tolist()
        owner, k = relations[owners[chosen[0]]], prompts[chosen[0]].k
        questions = np.array([prompts[index].question for index in chosen])
        masks = first[chosen][:, None] + np.arange(k)  # [n, k]
        if k in owner.ids_of:
            means = reading.mean_logprobs(torch.from_numpy(masks).to(model.device), owner.ids_of[k])
            owner.score(k, questions, means.cpu().numpy())
        hits = owner.take(k, questions, best[masks], logprob[masks])
        if hits.any():
            rows = torch.from_numpy(masks[hits].reshape(-1)).to(model.device)
            vectors = torch.stack([layer[rows] for layer in captured], dim=1).float().cpu()
            owner.neurons |= {
                (question, k): values.mean(dim=0)
                for question, values in zip(questions[hits].tolist(), vectors.split(k), strict=True)
            }


class _Share:
    """Reports `rows` rows little by little, in proportion to what is done of something else."""

    def __init__(self, report: Report, rows: int):
        self.report, self.rows, self.told, self.done = report, rows, 0, 0

    def __call__(self, more: int, of: int) -> None:
        self.done += more
        rows = self.rows * self.done // of
        self.report(rows - self.told)
        self.told = rows

    def finish(self) -> None:
        """Reports what is left, also where there was nothing to do."""
        self.report(self.rows - self.told)
        self.told = self.rows
