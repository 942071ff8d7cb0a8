"""What a masked model answered about one relation, and the rows of PREDICTIONS that follow from it.

`masked` runs the model and records its results here, batch by batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from factroots_dagster.models.activations import ActivationWriter
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.probing.filling import Order, fill_masks
from factroots_dagster.probing.pll import pseudo_log_likelihoods
from factroots_dagster.probing.predictions import typed_rank
from factroots_dagster.probing.prompts import RelationPrompts

Protocol = Literal["pll", "left_to_right", "confidence"]
"""What a masked model can be asked beyond the independent argmax at every mask, which is always run.

"pll": candidates ranked by pseudo-log-likelihood (`pll`). "left_to_right", "confidence": the masks filled one
after another, in this order (`filling`).
"""

Ids = npt.NDArray[np.int32]


@dataclass
class Answers:
    """The answers to all questions of one relation, by mask count k.

    predicted: [questions, k], the argmax at each mask; confidence: its natural log-probability.
    scores: [questions, candidates], mean log-probability of each candidate at its own mask count.
    neurons: [layers, neurons] of correct prompts, by (question, k).
    pll: as scores, by pseudo-log-likelihood; None unless run.
    filled: the ids [k] of masks filled one after another, by order and (question, k).
    """

    model: LoadedModel
    relation: RelationPrompts
    predicted: dict[int, Ids] = field(default_factory=dict)
    confidence: dict[int, npt.NDArray[np.float32]] = field(default_factory=dict)
    neurons: dict[tuple[int, int], torch.Tensor] = field(default_factory=dict)
    pll: npt.NDArray[np.float64] | None = None
    filled: dict[Order, dict[tuple[int, int], npt.NDArray[np.int64]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        relation, questions = self.relation, len(self.relation.questions)
        self.dropped_id = None if self.model.in_sentence else self.model.space_id
        self.scores = np.full((questions, len(relation.labels)), -np.inf)
        self.candidates: dict[tuple[int, int], list[int]] = {}  # by their spelling and number of tokens
        for spelling, candidates in enumerate(relation.spellings):
            for candidate, ids in enumerate(candidates):
                self.candidates.setdefault((spelling, len(ids)), []).append(candidate)
        self.candidate_ids = {
            (spelling, k): torch.tensor(
                [relation.spellings[spelling][candidate] for candidate in candidates],
                device=self.model.device,
            )
            for (spelling, k), candidates in self.candidates.items()
            if k > 0
        }
        for k in relation.mask_counts:
            self.predicted[k] = np.zeros((questions, k), np.int32)
            self.confidence[k] = np.zeros((questions, k), np.float32)
        self.gold_ids: dict[int, set[tuple[int, ...]]] = {}  # by question
        for question, candidate in zip(relation.row_question, relation.row_candidate, strict=True):
            if gold := relation.ids_of(question, candidate):
                self.gold_ids.setdefault(question, set()).add(gold)

    def record(
        self,
        k: int,
        questions: npt.NDArray[np.int64],
        best: npt.NDArray[np.int64],
        logprob: npt.NDArray[np.float32],
    ) -> npt.NDArray[np.bool_]:
        """Records argmax and log-probability [n, k] of n questions asked with k masks.

        Returns which of the n answers [n] are a gold answer of their question.
        """
        self.predicted[k][questions] = best
        self.confidence[k][questions] = logprob
        answers = zip(questions.tolist(), best.tolist(), strict=True)
        return np.array(
            [self._drop_spaces(ids) in self.gold_ids.get(question, ()) for question, ids in answers], bool
        )

    def _drop_spaces(self, ids: Sequence[int]) -> tuple[int, ...]:
        return tuple(token for token in ids if token != self.dropped_id)

    def run_protocols(
        self, protocols: Sequence[Protocol], budget: int, progress: Callable[[int, int], None]
    ) -> None:
        """Runs the optional protocols. budget: padded tokens of one batch.

        progress(n, total): n more of the questions have their pseudo-log-likelihoods.
        """
        relation = self.relation
        for order in get_args(Order):
            if order in protocols:
                self._fill_masks(order, budget)
        if "pll" in protocols:
            questions = sorted(set(relation.row_question) - relation.too_long)
            self.pll = np.full_like(self.scores, -np.inf)
            self.pll[questions] = pseudo_log_likelihoods(
                self.model,
                [relation.questions[question] for question in questions],
                relation.labels,
                budget,
                lambda finished: progress(finished, len(questions)),
            )

    def _fill_masks(self, order: Order, budget: int) -> None:
        prompts = [prompt for prompt in self.relation.prompts if prompt.question in self.gold_ids]
        first_pass = {
            (prompt.question, prompt.k): (
                self.predicted[prompt.k][prompt.question].astype(np.int64),
                self.confidence[prompt.k][prompt.question],
            )
            for prompt in prompts
        }
        self.filled[order] = fill_masks(self.model, prompts, first_pass, order, budget)

    def matched_counts(self) -> list[int]:
        """For each row the smallest mask count with a full match; 0 without one."""
        # Neurons are kept of correct prompts only, so that no other prompt needs to be compared.
        correct = {(question, k): self.predicted[k][question] for question, k in self.neurons}
        return self._matched_counts(correct)

    def _matched_counts(self, answers: Mapping[tuple[int, int], npt.NDArray[np.integer]]) -> list[int]:
        """The same for other answers: ids [k] by (question, k)."""
        relation = self.relation
        bare = {key: self._drop_spaces(ids.tolist()) for key, ids in answers.items()}
        counts = []
        for question, candidate in zip(relation.row_question, relation.row_candidate, strict=True):
            gold = relation.ids_of(question, candidate)
            matching = (k for k in relation.mask_counts if gold and bare.get((question, k)) == gold)
            counts.append(next(matching, 0))
        return counts

    def measured(self) -> Iterator[dict[str, object]]:
        """What PREDICTIONS says about each row, beside its identity; `scores` of all candidates, or None."""
        relation = self.relation
        matched = self.matched_counts()
        correct_questions = {q for q, k in zip(relation.row_question, matched, strict=True) if k}
        filled = {order: self._matched_counts(answers) for order, answers in self.filled.items()}
        run = {(prompt.question, prompt.k) for prompt in relation.prompts}
        predicted_ids = {
            question: self._predicted_ids(question, run) for question in set(relation.row_question)
        }
        for row, (question, prior, candidate) in enumerate(
            zip(relation.row_question, relation.row_prior, relation.row_candidate, strict=True)
        ):
            gold, answers = relation.ids_of(question, candidate), predicted_ids[question]
            partial_match = bool(gold) and any(set(gold) <= set(ids) for ids in answers)
            yield {
                "object_ids": gold,
                "predicted_ids": answers,
                "full_match": matched[row] > 0,
                "partial_match": partial_match if relation.complete else None,
                "matched_mask_count": matched[row],
                "any_answer_match": question in correct_questions,
                "object_logprob": _finite(self.scores[question, candidate]),
                "typed_rank": typed_rank(self.scores[question], candidate) if relation.complete else None,
                "candidates": len(relation.labels),
                "scores": self.scores[question] if relation.complete else None,
                "prior_logprob": _finite(self.scores[prior, candidate]),
                "prior_rank": typed_rank(self.scores[prior], candidate),
                "too_long": relation.is_too_long(question, candidate),
                "pll_rank": None if self.pll is None else typed_rank(self.pll[question], candidate),
                **{f"{order}_match": counts[row] > 0 for order, counts in filled.items()},
            }

    def _predicted_ids(self, question: int, run: set[tuple[int, int]]) -> list[list[int]]:
        """Item k-1: the answer at k masks, empty where k was not run; no items for too long prompts."""
        if question in self.relation.too_long:
            return []
        counts = range(1, max(self.relation.mask_counts, default=0) + 1)
        return [self.predicted[k][question].tolist() if (question, k) in run else [] for k in counts]

    def write_activations(self, rows: pa.Table, writer: ActivationWriter, relation: str) -> None:
        """Writes the neurons of the relation's correct rows."""
        uuids, languages = (rows.column(name).to_pylist() for name in ("uuid", "language"))
        correct = [(row, k) for row, k in enumerate(self.matched_counts()) if k]
        writer.add(
            relation,
            [(uuids[row], languages[row]) for row, _ in correct],
            [k for _, k in correct],
            [self.neurons[self.relation.row_question[row], k] for row, k in correct],
        )


def _finite(value: np.float64) -> float | None:
    return float(value) if np.isfinite(value) else None
