"""The prober of masked language models: predictions, scores of all candidates, and neurons in one pass.

Every distinct prompt is run once. The prompts of several relations are sorted by length together, as many
relations at a time as memory allows. The vocabulary projection and the neurons are computed at mask positions
only, and the logits are summarized block by block instead of being kept. `prompts` builds the prompts,
`answers` turns the results into rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch

from factroots_dagster.models.activations import ActivationWriter, Stored
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import capture_neurons
from factroots_dagster.models.forward import (
    LOGIT_BUDGET,
    Batch,
    default_token_budget,
    forward_pass,
    run_in_batches,
    summarize_logits,
)
from factroots_dagster.probing.answers import Answers, Protocol
from factroots_dagster.probing.masking import Prompt
from factroots_dagster.probing.predictions import in_split_order, relation_predictions, rows_by_relation
from factroots_dagster.probing.progress import ProgressReporter, ProgressShare
from factroots_dagster.probing.prompts import MaskCounts, build_prompts

WINDOW = 16_384  # prompts (or one relation) in memory at once, sorted by length together


def probe_masked(
    model: LoadedModel,
    split: pa.Table,
    activations_folder: Path,
    *,
    protocols: Sequence[Protocol] = (),
    mask_counts: MaskCounts = "relation",
    candidates: Mapping[str, Iterable[str]] | None = None,
    stored: Stored = "fp32",
    progress: Callable[[str], None] | None = None,
    token_budget: int | None = None,
    window: int = WINDOW,
) -> pa.Table:
    """Asks a masked model every row of one language. Arguments and result are those of `probe.probe`.

    window: prompts in memory at once; a relation is never divided.
    """
    reporter = ProgressReporter(progress, len(split))
    budget = token_budget or default_token_budget(model.device)
    if model.head is None:  # the model computes the logits of all its tokens at once
        budget = max(1, min(budget, LOGIT_BUDGET // len(model.tokenizer)))
    activations = ActivationWriter(activations_folder, model.ffn, stored)
    tables: list[pa.Table] = []
    order: list[int] = []
    for relations in _windows(model, split, mask_counts, candidates or {}, window):
        rows = sum(len(relation.rows) for relation in relations)
        # Pseudo-log-likelihood takes far longer than everything else: where it is run, it counts the rows.
        share = ProgressShare(reporter, 0 if "pll" in protocols else rows)
        with torch.inference_mode():
            _run_prompts(model, [relation.answers for relation in relations], budget, share)
        for relation in relations:
            share = ProgressShare(reporter, len(relation.rows) if "pll" in protocols else 0)
            relation.answers.run_protocols(protocols, budget, share.advance)
            tables.append(
                relation_predictions(
                    relation.table, relation.answers.relation.labels, relation.answers.measured()
                )
            )
            relation.answers.write_activations(relation.table, activations, relation.name)
            order.extend(relation.rows)
    activations.close()
    return in_split_order(tables, order)


@dataclass(frozen=True)
class _Relation:
    """A relation that is being probed: its row numbers in the split, its rows, and their answers."""

    name: str
    rows: list[int]
    table: pa.Table
    answers: Answers


def _windows(
    model: LoadedModel,
    split: pa.Table,
    mask_counts: MaskCounts,
    candidates: Mapping[str, Iterable[str]],
    window: int,
) -> Iterator[list[_Relation]]:
    """The relations in their order, in groups of at most `window` prompts (or a single relation)."""
    group: list[_Relation] = []
    size = 0
    for name, rows in rows_by_relation(split).items():
        table = split.take(pa.array(rows))
        prompts = build_prompts(
            model.tokenizer,
            table,
            space_id=model.space_id,
            max_length=model.max_length,
            mask_counts=mask_counts,
            in_sentence=model.in_sentence,
            candidates=candidates.get(name, ()),
        )
        if group and size + len(prompts.prompts) > window:
            yield group
            group, size = [], 0
        group.append(_Relation(name, rows, table, Answers(model, prompts)))
        size += len(prompts.prompts)
    if group:
        yield group


def _run_prompts(model: LoadedModel, relations: Sequence[Answers], budget: int, share: ProgressShare) -> None:
    """Runs all prompts of some relations and records the results in each relation's answers."""
    prompts = [
        (owner, prompt) for owner, answers in enumerate(relations) for prompt in answers.relation.prompts
    ]

    def run(indices: list[int]) -> None:
        batch = [prompts[index] for index in indices]
        _run_batch(model, relations, [owner for owner, _ in batch], [prompt for _, prompt in batch])
        share.advance(len(indices), len(prompts))

    run_in_batches(model, [len(prompt.ids) for _, prompt in prompts], budget, run)
    share.finish()


def _run_batch(
    model: LoadedModel, relations: Sequence[Answers], owners: Sequence[int], prompts: Sequence[Prompt]
) -> None:
    """Runs one batch. owners: for each prompt, the index of its relation."""
    batch = Batch(model, [prompt.ids for prompt in prompts], [prompt.positions for prompt in prompts])
    with capture_neurons(model.ffn, batch.rows, batch.positions) as captured:
        tokens = forward_pass(model, batch)
    logits = summarize_logits(model, tokens)
    best, logprob = logits.best.cpu().numpy(), logits.logprob.cpu().numpy()
    counts = np.array([prompt.k for prompt in prompts])
    first_masks = np.cumsum(counts) - counts
    groups: dict[tuple[int, int, int], list[int]] = {}  # by relation, spelling of candidates, mask count
    for index, (owner, prompt) in enumerate(zip(owners, prompts, strict=True)):
        spelling = relations[owner].relation.question_spelling[prompt.question]
        groups.setdefault((owner, spelling, prompt.k), []).append(index)
    for (owner, spelling, k), members in sorted(groups.items()):
        answers = relations[owner]
        questions = np.array([prompts[index].question for index in members])
        masks = first_masks[members][:, None] + np.arange(k)  # [n, k]
        if (spelling, k) in answers.candidate_ids:
            of_candidates = answers.candidate_ids[spelling, k]
            means = logits.mean_logprobs(torch.from_numpy(masks).to(model.device), of_candidates)
            answers.scores[questions[:, None], answers.candidates[spelling, k]] = means.cpu().numpy()
        correct = answers.record(k, questions, best[masks], logprob[masks])
        if correct.any():
            rows = torch.from_numpy(masks[correct].reshape(-1)).to(model.device)
            neurons = torch.stack([layer[rows] for layer in captured], dim=1).float().cpu()
            answers.neurons |= {
                (question, k): values.mean(dim=0)
                for question, values in zip(questions[correct].tolist(), neurons.split(k), strict=True)
            }
