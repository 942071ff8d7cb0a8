"""The prober: one pass over a language's rows gives predictions, scores of all candidates, and neurons.

Relation by relation, so that memory is bounded by one relation. Every distinct prompt is run once; the
vocabulary projection and the neurons are taken at mask positions only; the neurons are kept only of prompts
that turn out right. What a prompt is, is said in `prompts`; which columns come out, in `schema`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from safetensors.torch import save_file

from factroots_dagster.errors import InputError
from factroots_dagster.neurons.schema import ACTIVATION_INDEX
from factroots_dagster.probing.checkpoint import LoadedModel
from factroots_dagster.probing.forward import (
    LOGIT_BUDGET,
    Batch,
    by_token_budget,
    default_token_budget,
    forward_with_neurons,
    logits,
    out_of_memory,
)
from factroots_dagster.probing.prompts import Prompt, RelationPrompts, build_prompts
from factroots_dagster.probing.schema import PREDICTIONS

INDEX_FILE = "data.parquet"
TENSOR = "activations"
_REPORT_SECONDS = 5.0


def probe(
    model: LoadedModel,
    split: pa.Table,
    activations_folder: Path,
    *,
    progress: Callable[[str], None] | None = None,
    token_budget: int | None = None,
) -> pa.Table:
    """Asks a masked language model every row of one language.

    split: MLAMA_SPLIT. activations_folder: existing and empty; gets `<relation>.safetensors` (tensor
    "activations", float32 [facts, layers, neurons]) and `data.parquet` (ACTIVATION_INDEX) for the rows with a
    full match. token_budget: padded tokens of one batch; batches are halved when memory runs out.
    Returns PREDICTIONS, one row per row of split, in its order.
    Raises InputError for a decoder (it has no masks), broken templates and logits that are not finite.
    """
    if model.family != "masked":
        raise InputError(
            f"{type(model.model).__name__} is a decoder: it fills no masks, so full_match, partial_match and "
            "neurons at masks cannot be had of it; use a ...ForMaskedLM checkpoint"
        )
    report = _Report(progress, len(split))
    budget = token_budget or default_token_budget(model.device)
    relations = split.column("relation").to_pylist()
    rows_of: dict[str, list[int]] = {}
    for row, relation in enumerate(relations):
        rows_of.setdefault(relation, []).append(row)
    tables, index, order = [], [], []
    for relation, rows in rows_of.items():
        part = split.take(pa.array(rows))
        asked = build_prompts(model.tokenizer, part, space_id=model.space_id, max_length=model.max_length)
        answers = _Answers(model, asked)
        with torch.inference_mode():
            for batch in by_token_budget([len(prompt.ids) for prompt in asked.prompts], budget):
                _run(model, [asked.prompts[chosen] for chosen in batch], answers)
        tables.append(answers.predictions(part))
        index.extend(answers.write(part, activations_folder, relation))
        order.extend(rows)
        report(len(rows))
    pq.write_table(
        pa.Table.from_pylist(index, schema=ACTIVATION_INDEX),
        activations_folder / INDEX_FILE,
        compression="zstd",
    )
    if not tables:
        return PREDICTIONS.empty_table()
    return pa.concat_tables(tables).take(pa.array(np.argsort(order, kind="stable"))).combine_chunks()


@dataclass
class _Answers:
    """What the model said to the questions of one relation, filled batch by batch.

    scores: [questions, candidates], mean log-probability of each candidate at its own mask count.
    neurons: of right prompts, by (question, k).
    """

    model: LoadedModel
    asked: RelationPrompts
    predicted: dict[tuple[int, int], npt.NDArray[np.int64]] = field(default_factory=dict)
    neurons: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scores = np.full((self.asked.questions, len(self.asked.candidate_ids)), -np.inf)
        by_count: dict[int, list[int]] = {}
        for candidate, ids in enumerate(self.asked.candidate_ids):
            by_count.setdefault(len(ids), []).append(candidate)
        self.candidates_of = {k: np.array(chosen) for k, chosen in by_count.items()}
        self.ids_of = {
            k: torch.tensor([self.asked.candidate_ids[c] for c in chosen], device=self.model.device)
            for k, chosen in by_count.items()
            if k > 0
        }
        self.golds: dict[int, set[tuple[int, ...]]] = {}
        for question, candidate in zip(self.asked.row_question, self.asked.row_candidate, strict=True):
            if self.asked.candidate_ids[candidate]:
                self.golds.setdefault(question, set()).add(self.asked.candidate_ids[candidate])

    def without_space(self, ids: npt.NDArray[np.int64]) -> tuple[int, ...]:
        return tuple(int(token) for token in ids if token != self.model.space_id)

    def take(
        self, prompts: Sequence[Prompt], first: Sequence[int], made: torch.Tensor, neurons: torch.Tensor
    ) -> None:
        """Reads one block of logits [m, vocabulary]; `first` says where each prompt's masks begin in it."""
        normaliser = torch.logsumexp(made, dim=1)
        best = made.argmax(dim=1).cpu().numpy()
        counts = np.array([prompt.k for prompt in prompts])
        starts = np.array(first)
        for k in np.unique(counts):
            chosen = np.flatnonzero(counts == k).tolist()
            questions = [prompts[index].question for index in chosen]
            if k in self.ids_of:
                where = torch.from_numpy(starts[chosen][:, None] + np.arange(k)).to(made.device)  # [n, k]
                wanted = self.ids_of[k]  # [candidates, k]
                logprobs = made[where[:, None, :], wanted[None]] - normaliser[where][:, None, :]
                mean = logprobs.double().mean(dim=2).cpu().numpy()
                self.scores[np.array(questions)[:, None], self.candidates_of[k]] = mean
        for prompt, start in zip(prompts, first, strict=True):
            answer = best[start : start + prompt.k]
            self.predicted[prompt.question, prompt.k] = answer
            if self.without_space(answer) in self.golds.get(prompt.question, ()):
                vector = neurons[start : start + prompt.k].float().mean(dim=0)
                self.neurons[prompt.question, prompt.k] = vector.cpu()

    def matches(self) -> list[int]:
        """Per row, the smallest mask count with a full match; 0 without one."""
        found = []
        for question, candidate in zip(self.asked.row_question, self.asked.row_candidate, strict=True):
            gold = self.asked.candidate_ids[candidate]
            counts = range(1, self.asked.largest + 1)
            right = (
                k
                for k in counts
                if (question, k) in self.neurons and self.without_space(self.predicted[question, k]) == gold
            )
            found.append(next(right, 0))
        return found

    def predictions(self, rows: pa.Table) -> pa.Table:
        """PREDICTIONS of the relation's rows."""
        asked = self.asked
        matched = self.matches()
        right_questions = {q for q, k in zip(asked.row_question, matched, strict=True) if k}
        columns: dict[str, list[object]] = {name: [] for name in PREDICTIONS.names[3:]}
        for question, prior, candidate, match in zip(
            asked.row_question, asked.row_prior, asked.row_candidate, matched, strict=True
        ):
            gold = asked.candidate_ids[candidate]
            left_out = question in asked.too_long
            answers = [] if left_out else [self.predicted[question, k] for k in range(1, asked.largest + 1)]
            logprob, rank = (None, None) if left_out else self._score(question, candidate)
            prior_logprob, prior_rank = (
                (None, None) if prior in asked.too_long else self._score(prior, candidate)
            )
            columns["object_ids"].append(gold)
            columns["predicted_ids"].append(answers)
            columns["full_match"].append(match > 0)
            columns["partial_match"].append(
                bool(gold) and any(set(gold) <= set(ids.tolist()) for ids in answers)
            )
            columns["matched_mask_count"].append(match)
            columns["any_answer_match"].append(question in right_questions)
            columns["object_logprob"].append(logprob)
            columns["typed_rank"].append(rank)
            columns["candidates"].append(len(asked.candidate_ids))
            columns["prior_logprob"].append(prior_logprob)
            columns["prior_rank"].append(prior_rank)
            columns["too_long"].append(left_out)
        identity = [rows.column(name).combine_chunks() for name in PREDICTIONS.names[:3]]
        made = [pa.array(columns[field.name], field.type) for field in list(PREDICTIONS)[3:]]
        return pa.Table.from_arrays([*identity, *made], schema=PREDICTIONS)

    def _score(self, question: int, candidate: int) -> tuple[float | None, int | None]:
        """Log-probability of the candidate and its rank among all; None when its label has no tokens."""
        scores = self.scores[question]
        own = scores[candidate]
        if not np.isfinite(own):
            return None, None
        tied = int((scores == own).sum()) - 1
        return float(own), 1 + int((scores > own).sum()) + (tied + 1) // 2

    def write(self, rows: pa.Table, folder: Path, relation: str) -> list[dict[str, object]]:
        """Writes the relation's neurons; returns its rows of ACTIVATION_INDEX."""
        uuids, languages = rows.column("uuid").to_pylist(), rows.column("language").to_pylist()
        index: list[dict[str, object]] = []
        vectors: list[torch.Tensor] = []
        for row, (question, match) in enumerate(zip(self.asked.row_question, self.matches(), strict=True)):
            if not match:
                continue
            index.append(
                {
                    "uuid": uuids[row],
                    "language": languages[row],
                    "relation": relation,
                    "row": len(vectors),
                    "mask_count": match,
                    "file": f"{relation}.safetensors",
                }
            )
            vectors.append(self.neurons[question, match])
        if vectors:
            save_file({TENSOR: torch.stack(vectors)}, folder / f"{relation}.safetensors")
        return index


def _run(model: LoadedModel, prompts: Sequence[Prompt], answers: _Answers) -> None:
    """One batch; in two halves when memory runs out."""
    try:
        batch = Batch(model, [prompt.ids for prompt in prompts], [prompt.positions for prompt in prompts])
        tokens, neurons = forward_with_neurons(model, batch)
        for block, first in _blocks([prompt.k for prompt in prompts], LOGIT_BUDGET // len(model.tokenizer)):
            begin = first[0]
            here = [prompts[index] for index in block]
            end = first[-1] + here[-1].k
            made = logits(model, tokens[begin:end])
            answers.take(here, [start - begin for start in first], made, neurons[begin:end])
        return
    except RuntimeError as error:
        if not out_of_memory(error):
            raise
        if len(prompts) == 1:
            raise InputError(
                f"a single prompt of {len(prompts[0].ids)} tokens does not fit into the memory of "
                f"{model.device}; use device cpu, or a smaller checkpoint"
            ) from error
    # Outside the except block, whose traceback would keep the failed batch's tensors alive.
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    half = len(prompts) // 2
    _run(model, prompts[:half], answers)
    _run(model, prompts[half:], answers)


def _blocks(counts: Sequence[int], most: int) -> list[tuple[list[int], list[int]]]:
    """Consecutive prompts in blocks of at most `most` masks (one prompt at least): indices, first masks."""
    blocks: list[tuple[list[int], list[int]]] = []
    start = size = 0
    for index, count in enumerate(counts):
        if not blocks or size + count > most:
            blocks.append(([], []))
            size = 0
        blocks[-1][0].append(index)
        blocks[-1][1].append(start)
        start, size = start + count, size + count
    return blocks


class _Report:
    """Says how far it is, at most every few seconds."""

    def __init__(self, progress: Callable[[str], None] | None, rows: int):
        self.progress, self.rows, self.done = progress, rows, 0
        self.started = self.last = time.monotonic()

    def __call__(self, rows: int) -> None:
        self.done += rows
        now = time.monotonic()
        if self.progress is None or (now - self.last < _REPORT_SECONDS and self.done < self.rows):
            return
        self.last = now
        rate = self.done / max(now - self.started, 1e-9)
        left = (self.rows - self.done) / max(rate, 1e-9)
        self.progress(f"{self.done} of {self.rows} rows, {rate:.0f} rows/s, {left:.0f} s left")
