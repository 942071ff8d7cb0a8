"""What a masked model said about one relation, and the rows that follow from it.

Filled batch by batch by `engine`, which runs the model.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.filling import Order, filled
from factroots_dagster.probing.outputs import ActivationFiles, typed_rank
from factroots_dagster.probing.pll import pseudo_log_likelihoods
from factroots_dagster.probing.prompts import RelationPrompts
from factroots_dagster.probing.schema import PREDICTIONS

Ids = npt.NDArray[np.int32]


@dataclass
class Answers:
    """The answers to all questions of one relation, by mask count.

    scores: [questions, candidates], mean log-probability of each candidate at its own mask count.
    predicted: [questions, k], the argmax at each mask; confidence: its log-probability.
    neurons: [layers, neurons] of right prompts, by (question, k).
    """

    model: LoadedModel
    asked: RelationPrompts
    predicted: dict[int, Ids] = field(default_factory=dict)
    confidence: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict)
    neurons: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    pll: npt.NDArray[np.float64] | None = None  # as scores, by pseudo-log-likelihood
    filled: dict[Order, dict[tuple[int, int], npt.NDArray[np.int64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = self.asked
        self.scores = np.full((asked.questions, len(asked.candidate_ids)), -np.inf)
        self.candidates_of: dict[int, list[int]] = {}
        for candidate, ids in enumerate(asked.candidate_ids):
            self.candidates_of.setdefault(len(ids), []).append(candidate)
        self.ids_of = {
            k: torch.tensor([asked.candidate_ids[c] for c in chosen], device=self.model.device)
            for k, chosen in self.candidates_of.items()
            if k > 0
        }
        for k in asked.counts:
            self.predicted[k] = np.zeros((asked.questions, k), np.int32)
            self.confidence[k] = np.zeros((asked.questions, k), np.float32)
        self.golds: dict[int, set[tuple[int, ...]]] = {}
        for question, candidate in zip(asked.row_question, asked.row_candidate, strict=True):
            if asked.candidate_ids[candidate]:
                self.golds.setdefault(question, set()).add(asked.candidate_ids[candidate])

    def score(self, k: int, questions: npt.NDArray[np.int64], means: npt.NDArray[np.float32]) -> None:
        """Takes, of questions asked with k masks, the means [n, candidates of k tokens]."""
        self.scores[questions[:, None], self.candidates_of[k]] = means

    def take(
        self,
        k: int,
        questions: npt.NDArray[np.int64],
        best: npt.NDArray[np.int64],
        logprob: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.bool_]:
        """Takes argmax and its log-probability [n, k]; says which of the n are right for a row."""
        self.predicted[k][questions] = best
        self.confidence[k][questions] = logprob
        asked = zip(questions.tolist(), best.tolist(), strict=True)
        return np.array([self._bare(ids) in self.golds.get(question, ()) for question, ids in asked], bool)

    def _bare(self, ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(token for token in ids if token != self.model.space_id)

    def ask_further(self, protocols: Sequence[str], budget: int, done: Callable[[int, int], None]) -> None:
        """Runs the optional protocols. done(n, of): pseudo-log-likelihood has n more of its questions."""
        asked = self.asked
        questions = sorted(set(asked.row_question) - asked.too_long)
        prompts = [prompt for prompt in asked.prompts if prompt.question in self.golds]
        for order in get_args(Order):
            if order in protocols:
                first = {
                    (prompt.question, prompt.k): (
                        self.predicted[prompt.k][prompt.question].astype(np.int64),
                        self.confidence[prompt.k][prompt.question],
                    )
                    for prompt in prompts
                }
                self.filled[order] = filled(self.model, prompts, first, order, budget)
        if "pll" in protocols:
            self.pll = np.full_like(self.scores, -np.inf)
            self.pll[questions] = pseudo_log_likelihoods(
                self.model,
                [asked.asked[question] for question in questions],
                asked.labels,
                budget,
                lambda more: done(more, len(questions)),
            )

    def matches(self) -> list[int]:
        """Per row, the smallest mask count with a full match; 0 without one."""
        said = {key: self._bare(self.predicted[key[1]][key[0]].tolist()) for key in self.neurons}
        return self._matches(said)

    def _matches(self, said: dict[tuple[int, int], tuple[int, ...]]) -> list[int]:
        found = []
        for question, candidate in zip(self.asked.row_question, self.asked.row_candidate, strict=True):
            gold = self.asked.candidate_ids[candidate]
            right = (k for k in self.asked.counts if gold and said.get((question, k)) == gold)
            found.append(next(right, 0))
        return found

    def predictions(self, rows: pa.Table) -> pa.Table:
        """PREDICTIONS of the relation's rows."""
        asked = self.asked
        matched = self.matches()
        right_questions = {q for q, k in zip(asked.row_question, matched, strict=True) if k}
        columns: dict[str, list[object]] = {name: [] for name in PREDICTIONS.names[3:]}
        of_order = {
            order: self._matches({key: self._bare(ids.tolist()) for key, ids in said.items()})
            for order, said in self.filled.items()
        }
        run = {(prompt.question, prompt.k) for prompt in asked.prompts}
        answers = {question: self._answers(question, run) for question in set(asked.row_question)}
        for row, (question, prior, candidate) in enumerate(
            zip(asked.row_question, asked.row_prior, asked.row_candidate, strict=True)
        ):
            gold = asked.candidate_ids[candidate]
            said = answers[question]
            told: dict[str, object] = {
                "object_ids": gold,
                "predicted_ids": said,
                "full_match": matched[row] > 0,
                "partial_match": bool(gold) and any(set(gold) <= set(ids) for ids in said)
                if asked.complete
                else None,
                "matched_mask_count": matched[row],
                "any_answer_match": question in right_questions,
                "object_logprob": _finite(self.scores[question, candidate]),
                "typed_rank": typed_rank(self.scores[question], candidate) if asked.complete else None,
                "candidates": len(asked.candidate_ids),
                "prior_logprob": _finite(self.scores[prior, candidate]),
                "prior_rank": typed_rank(self.scores[prior], candidate),
                "too_long": question in asked.too_long,
                "pll_rank": None if self.pll is None else typed_rank(self.pll[question], candidate),
                **{f"{order}_match": found[row] > 0 for order, found in of_order.items()},
            }
            for name, values in columns.items():
                values.append(told.get(name))
        identity = [rows.column(name).combine_chunks() for name in PREDICTIONS.names[:3]]
        made = [pa.array(columns[field.name], field.type) for field in list(PREDICTIONS)[3:]]
        return pa.Table.from_arrays([*identity, *made], schema=PREDICTIONS)

    def _answers(self, question: int, run: set[tuple[int, int]]) -> list[list[int]]:
        """Item k-1: the answer at k masks, empty where k was not run; nothing where nothing was asked."""
        if question in self.asked.too_long:
            return []
        counts = range(1, self.asked.largest + 1)
        return [self.predicted[k][question].tolist() if (question, k) in run else [] for k in counts]

    def write(self, rows: pa.Table, files: ActivationFiles, relation: str) -> None:
        """Writes the neurons of the relation's right rows."""
        uuids, languages = (rows.column(name).to_pylist() for name in ("uuid", "language"))
        right = [(row, k) for row, k in enumerate(self.matches()) if k]
        files.add(
            relation,
            [(uuids[row], languages[row]) for row, _ in right],
            [k for _, k in right],
            [self.neurons[self.asked.row_question[row], k] for row, k in right],
        )


def _finite(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
