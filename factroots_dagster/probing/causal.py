"""The prober of decoders: candidates ranked by sentence likelihood, answers generated greedily, neurons.

A sentence is a row's template with [X] replaced by the raw subject label and [Y] by a candidate. It is
tokenized whole, after the start tokens (`models.tokenizer.find_start`), without which its first token would
have no probability. The encoder of an encoder-decoder reads it with a blank in the object's place
(`models.framing`), and what is said here of sentences is true of those of its decoder. With sentinels these
are the object by itself and what closes it.

- `typed_rank`: candidates are ranked by the log-likelihood of the whole sentence, including what follows
  [Y]: the sum over its tokens, not divided by their number. Every template serves. With `ranked_by` "object"
  the sentence ends with the object, wherever the subject comes before it; it stays whole where it does not,
  and where an encoder has read it. Which rank the object has is exact, and so are the best DECODER_RANKED
  candidates; others are scored only as far as is needed to say that they rank below (`candidate_tries`).
- `margin`: by how many nats the object's sentence leads that of the best other candidate, minus the same with
  the subject left out (the prior: the template without [X]; a decoder has no neutral token to put there, and
  any word would belong to one language). A relation's favourite leads without a subject, too.
- `full_match`, what counts as predicted everywhere: the object ranks first, with a positive margin. Null
  where the relation has no two candidates. `chance` is its level: how often the same is found of the object
  where the relation's other subjects are asked.
- `object_ids`: the tokens of the sentence that hold letters of the object. `object_logprob`: their mean, each
  given all before it. Neurons are read where they are predicted, at the token before each of them.
- `greedy_match`, stricter: only where the template ends in [Y], followed by nothing but spaces, punctuation
  and symbols, or where an encoder has read what follows. The model continues the text before [Y] (without its
  trailing spaces, which belong to the next token) greedily, by as many tokens as the relation's longest
  object has. The first k of them are its answer of k tokens, compared with those that follow the prompt's
  when both are tokenized together, without bare space tokens; where a tokenizer merges across the boundary,
  with those of the label alone.
- `too_long`: a sentence of the question exceeds the model's context. Candidates with which it would for most
  questions are left out, and rows with such an object are too long: the others are asked all the same.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch

from factroots_dagster.models.activations import ActivationWriter, Stored
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import default_token_budget
from factroots_dagster.models.framing import Context
from factroots_dagster.models.tokenizer import bare_space_ids
from factroots_dagster.probing.candidate_tries import score_sentences
from factroots_dagster.probing.causal_likelihood import Sentences, greedy_continuations
from factroots_dagster.probing.predictions import (
    CandidateRanking,
    in_split_order,
    relation_predictions,
    rows_by_relation,
    typed_rank,
)
from factroots_dagster.probing.progress import ProgressReporter
from factroots_dagster.probing.prompt_neurons import read_prompt_neurons
from factroots_dagster.probing.schema import DECODER_RANKED
from factroots_dagster.probing.sentences import (
    Asked,
    ends_in_object,
    object_prompts,
    split_at_object,
    whole_sentences,
)

CHUNK = 16_384  # sentences in memory at once

RankedBy = Literal["sentence", "object"]
"""What candidates are ranked by: the likelihood of the sentence, or of its part up to the object."""

Ids = list[int]


def probe_causal(
    model: LoadedModel,
    split: pa.Table,
    activations_folder: Path,
    *,
    candidates: Mapping[str, Iterable[str]] | None = None,
    ranked_by: RankedBy = "sentence",
    stored: Stored = "fp32",
    progress: Callable[[str], None] | None = None,
    token_budget: int | None = None,
    chunk: int = CHUNK,
) -> pa.Table:
    """Asks a decoder every row of one language. Arguments and result are those of `probe.probe`.

    predicted_ids: item k-1 is the first k tokens of the greedy continuation; empty where there is none.
    mask_count in the index of activations, and matched_mask_count: the number of tokens of the predicted
    object. chunk: sentences in memory at once; those of one question are never divided.
    Raises InputError for broken templates and logits that are not finite.
    """
    reporter = ProgressReporter(progress, len(split))
    budget = token_budget or default_token_budget(model.device)
    activations = ActivationWriter(activations_folder, model.ffn, stored)
    tables: list[pa.Table] = []
    order: list[int] = []
    for relation, rows in rows_by_relation(split).items():
        table = split.take(pa.array(rows))
        with torch.inference_mode():
            answers = _Answers(model, table, budget, (candidates or {}).get(relation, ()), ranked_by)
            answers.generate()
            answers.score_candidates(chunk)
            tables.append(relation_predictions(table, answers.labels, answers.measured()))
            answers.write_activations(activations, relation)
        order.extend(rows)
        reporter.advance(len(rows))
    activations.close()
    return in_split_order(tables, order)


def _ranked_text(template: str, ranked_by: RankedBy) -> str:
    """The template, without what follows [Y] where that is not to be scored and [X] comes before."""
    before, slot, _ = template.partition("[Y]")
    return before + slot if ranked_by == "object" and "[X]" in before else template


@dataclass
class _Answers:
    """The questions of one relation, and the model's answers to them.

    A question is a distinct (template, subject); the subject of a prior is None.
    """

    model: LoadedModel
    rows: pa.Table
    budget: int
    candidates: Iterable[str] = ()  # labels that compete with the rows' own objects
    ranked_by: RankedBy = "sentence"
    too_long: set[int] = field(default_factory=set)  # questions
    prompts: dict[int, Ids] = field(default_factory=dict)  # question -> ids that the model continues
    objects: dict[tuple[int, int], Asked] = field(default_factory=dict)  # (question, candidate)
    continuations: dict[int, npt.NDArray[np.int64]] = field(default_factory=dict)  # question -> ids
    gold_ids: dict[tuple[int, int], tuple[int, ...]] = field(default_factory=dict)  # (question, candidate)
    logprob: dict[tuple[int, int], float] = field(default_factory=dict)  # (question, candidate)

    def __post_init__(self) -> None:
        templates, subjects, objects = (
            self.rows.column(name).to_pylist() for name in ("template", "subject", "object")
        )
        languages = self.rows.column("language").unique().to_pylist()
        self.frame = self.model.frame(languages[0] if languages else "")
        self.spaces = bare_space_ids(self.model.tokenizer)
        self.labels = sorted({*objects, *self.candidates})
        candidate_of = {label: number for number, label in enumerate(self.labels)}
        self.row_candidate = [candidate_of[label] for label in objects]
        number: dict[tuple[str, str | None], int] = {}
        self.row_question = [
            number.setdefault(question, len(number)) for question in zip(templates, subjects, strict=True)
        ]
        self.row_prior = [number.setdefault((template, None), len(number)) for template in templates]
        self.questions = list(number)
        self.questions_of_prior: dict[int, list[int]] = {}
        for prior, question in dict.fromkeys(zip(self.row_prior, self.row_question, strict=True)):
            self.questions_of_prior.setdefault(prior, []).append(question)
        ranked_by = self.ranked_by if self.frame.blank is None else "sentence"
        self.contexts = [
            split_at_object(_ranked_text(template, ranked_by), subject)
            for template, subject in self.questions
        ]
        self.sources = self.frame.sources(self.contexts)
        self.label_ids = self._tokenize(self.labels)
        self.usable, self.left_out = self._divide_candidates()
        self.scores = np.full((len(self.questions), len(self.labels)), -np.inf)
        self.best = DECODER_RANKED + CandidateRanking(self.rows, self.labels).further_labels

    def _divide_candidates(self) -> tuple[list[int], set[int]]:
        """The candidates to be scored, and those with which most sentences exceed the model's context."""
        first = len(self.frame.start)
        sizes = {
            number: len(ids) - first
            for number, ids in enumerate(self.label_ids)
            if set(ids[first:]) - self.spaces
        }
        if not sizes or not self.questions:
            return [], set()
        shortest = min(sizes, key=sizes.__getitem__)
        sentences = whole_sentences(
            self.frame, [self._asked(question, shortest) for question in range(len(self.questions))]
        )
        rest = statistics.median_low(len(ids) - sizes[shortest] for ids in sentences)
        usable = [number for number, size in sizes.items() if rest + size <= self.model.max_length]
        return usable, sizes.keys() - set(usable)

    def _tokenize(self, texts: Sequence[str]) -> list[Ids]:
        """Ids of each text after the start tokens."""
        encoded = self.model.tokenizer(list(texts), add_special_tokens=False)["input_ids"] if texts else []
        return [[*self.frame.start, *ids] for ids in encoded]

    def score_candidates(self, chunk: int) -> None:
        """Computes the likelihoods: fills in scores, logprob and too_long, `chunk` sentences at a time."""
        asked_candidates: dict[int, set[int]] = {}
        for questions in (self.row_question, self.row_prior):
            for question, candidate in zip(questions, self.row_candidate, strict=True):
                asked_candidates.setdefault(question, set()).add(candidate)
        step = max(1, chunk // max(1, len(self.usable)))
        for begin in range(0, len(self.questions) if self.usable else 0, step):
            part = range(begin, min(begin + step, len(self.questions)))
            sentences = self._sentences(part, asked_candidates)
            sums, means = score_sentences(self.model, list(sentences.values()), self.budget)
            for question, scores, object_means in zip(sentences, sums, means, strict=True):
                self.scores[question, self.usable] = scores
                for index, mean in object_means.items():
                    self.logprob[question, self.usable[index]] = mean

    def _sentences(
        self, questions: Sequence[int], asked_candidates: dict[int, set[int]]
    ) -> dict[int, Sentences]:
        """The sentences of questions with every usable candidate; those that do not fit become too_long."""
        usable = self.usable
        ids = whole_sentences(
            self.frame, [self._asked(question, number) for question in questions for number in usable]
        )
        sentences: dict[int, Sentences] = {}
        for index, question in enumerate(questions):
            question_ids = ids[index * len(usable) : (index + 1) * len(usable)]
            source = None if self.sources is None else self.sources[question]
            longest = max(len(sentence) for sentence in [*question_ids, source or ()])
            if longest > self.model.max_length:
                self.too_long.add(question)
            else:
                prior = self.questions[question][1] is None
                best = None if prior else self.best
                sentences[question] = Sentences(question_ids, {}, source, best)
        pairs = [
            (question, index)
            for question in sentences
            for index, number in enumerate(usable)
            if number in asked_candidates[question]
        ]
        positions = self._object_positions([(question, usable[index]) for question, index in pairs])
        for (question, index), tokens in zip(pairs, positions, strict=True):
            sentences[question].object_positions[index] = tokens
        return sentences

    def _object_positions(self, pairs: Sequence[tuple[int, int]]) -> list[Ids]:
        """For the sentence of each (question, candidate), the positions of the tokens of its object."""
        asked = object_prompts(self.frame, [self._asked(*pair) for pair in pairs])
        return [[int(position) + 1 for position in prompt.positions] for prompt, _ in asked]

    def _asked(self, question: int, candidate: int) -> tuple[Context, str]:
        return self.contexts[question], self.labels[candidate]

    def _generates(self, question: int) -> bool:
        """Whether the model can generate the object: nothing follows it, or an encoder has read that."""
        return self.sources is not None or ends_in_object(self.questions[question][0])

    def generate(self) -> None:
        """Fills in gold_ids, and where the object can be generated prompts, continuations and too_long."""
        pairs = sorted(set(zip(self.row_question, self.row_candidate, strict=True)))
        questions = sorted({question for question, _ in pairs})
        texts = {question: self.frame.decoder_context(self.contexts[question])[0] for question in questions}
        prompts = self._tokenize([text.rstrip() for text in texts.values()])
        before = dict(zip(questions, prompts, strict=True))
        self.objects = dict(
            zip(pairs, object_prompts(self.frame, [self._asked(*pair) for pair in pairs]), strict=True)
        )
        together = self._tokenize([texts[question] + self.labels[candidate] for question, candidate in pairs])
        max_tokens = 0
        for (question, candidate), ids in zip(pairs, together, strict=True):
            boundary = len(before[question])
            joined = ids[:boundary] == before[question]
            after = ids[boundary:] if joined else self.label_ids[candidate][len(self.frame.start) :]
            self.gold_ids[question, candidate] = self._drop_spaces(after)
            if self._generates(question) and candidate not in self.left_out:
                max_tokens = max(max_tokens, len(after))
        for question in questions if max_tokens else ():
            if not self._generates(question):
                continue
            source = [] if self.sources is None else self.sources[question]
            if max(len(before[question]) + max_tokens, len(source)) > self.model.max_length:
                self.too_long.add(question)
            else:
                self.prompts[question] = before[question]
        continuations = greedy_continuations(
            self.model,
            list(self.prompts.values()),
            max_tokens,
            self.budget,
            sources=None if self.sources is None else [self.sources[question] for question in self.prompts],
        )
        self.continuations = dict(zip(self.prompts, continuations, strict=True))

    def _drop_spaces(self, ids: Ids) -> tuple[int, ...]:
        return tuple(token for token in ids if token not in self.spaces)

    def greedy_counts(self) -> list[int]:
        """For each row the smallest number of generated tokens that are the object; 0 without a match."""
        counts = []
        for question, candidate in zip(self.row_question, self.row_candidate, strict=True):
            gold, answer = self.gold_ids[question, candidate], self._answer(question)
            lengths = range(1, len(answer) + 1) if gold else ()
            counts.append(next((k for k in lengths if self._drop_spaces(answer[:k]) == gold), 0))
        return counts

    def _answer(self, question: int) -> Ids:
        """What the model generated; empty where it was not asked to."""
        asked = question in self.continuations and question not in self.too_long
        return self.continuations[question].tolist() if asked else []

    def measured(self) -> Iterator[dict[str, object]]:
        """What PREDICTIONS says about each row, beside its identity; `scores` of all candidates, or None."""
        first = self._first_candidates()
        golds: dict[int, set[int]] = {}
        for question, candidate in zip(self.row_question, self.row_candidate, strict=True):
            golds.setdefault(question, set()).add(candidate)
        for question, prior, candidate, k in zip(
            self.row_question, self.row_prior, self.row_candidate, self.greedy_counts(), strict=True
        ):
            answer, margin = self._answer(question), self._margin(question, prior, candidate)
            asked = question in first
            logprob, rank = self._logprob_and_rank(question, candidate)
            prior_logprob, prior_rank = self._logprob_and_rank(prior, candidate)
            full_match = first[question] == candidate if asked else None
            object_ids = self.objects[question, candidate][1]
            yield {
                "object_ids": object_ids,
                "predicted_ids": [answer[:count] for count in range(1, len(answer) + 1)],
                "full_match": full_match,
                "greedy_match": k > 0 if self._generates(question) else None,
                "matched_mask_count": len(object_ids) if full_match else 0,
                "any_answer_match": first[question] in golds[question] if asked else None,
                "margin": margin,
                "chance": self._chance(question, prior, candidate, first) if asked else None,
                "object_logprob": logprob,
                "typed_rank": rank,
                "candidates": len(self.labels),
                "scores": None if question in self.too_long else self.scores[question],
                "prior_logprob": prior_logprob,
                "prior_rank": prior_rank,
                "too_long": question in self.too_long or candidate in self.left_out,
            }

    def _first_candidates(self) -> dict[int, int | None]:
        """For each question that is asked the candidate that is predicted, None without one."""
        first: dict[int, int | None] = {}
        for question, prior in zip(self.row_question, self.row_prior, strict=True):
            if question in first or np.isfinite(self.scores[prior]).sum() < 2 or prior in self.too_long:
                continue
            best = int(self.scores[question].argmax())
            margin = self._margin(question, prior, best)
            ahead = margin is not None and typed_rank(self.scores[question], best) == 1
            first[question] = best if ahead and margin is not None and margin > 0 else None
        return first

    def _margin(self, question: int, prior: int, candidate: int) -> float | None:
        """The candidate's lead in nats beyond its lead in the prior; None where it has none in either."""
        if {question, prior} & self.too_long:
            return None
        leads = [_lead(self.scores[number], candidate) for number in (question, prior)]
        return leads[0] - leads[1] if all(map(np.isfinite, leads)) else None

    def _chance(
        self, question: int, prior: int, candidate: int, first: Mapping[int, int | None]
    ) -> float | None:
        """The share of the template's other questions for which the candidate is predicted."""
        others = [number for number in self.questions_of_prior[prior] if number != question]
        counted = [first[number] == candidate for number in others if number in first]
        return sum(counted) / len(counted) if counted else None

    def _logprob_and_rank(self, question: int, candidate: int) -> tuple[float | None, int | None]:
        if question in self.too_long:
            return None, None
        return self.logprob.get((question, candidate)), typed_rank(self.scores[question], candidate)

    def write_activations(self, writer: ActivationWriter, relation: str) -> None:
        """Writes the neurons of the relation's predicted rows."""
        uuids, languages = (self.rows.column(name).to_pylist() for name in ("uuid", "language"))
        first = self._first_candidates()
        pairs = list(zip(self.row_question, self.row_candidate, strict=True))
        predicted = [
            row for row, (question, candidate) in enumerate(pairs) if first.get(question) == candidate
        ]
        writer.add(
            relation,
            [(uuids[row], languages[row]) for row in predicted],
            [len(self.objects[pairs[row]][1]) for row in predicted],
            self._neurons([pairs[row] for row in predicted]),
        )

    def _neurons(self, answers: Sequence[tuple[int, int]]) -> list[torch.Tensor]:
        """Neurons [layers, neurons] of each (question, candidate): the mean over where it is predicted."""
        distinct = list(dict.fromkeys(answers))
        prompts = [self.objects[answer][0] for answer in distinct]
        means = dict(zip(distinct, read_prompt_neurons(self.model, prompts, self.budget), strict=True))
        return [means[answer] for answer in answers]


def _lead(scores: npt.NDArray[np.float64], candidate: int) -> float:
    """By how much a candidate's score exceeds the best other one; not finite without any."""
    others = np.delete(scores, candidate)
    return float(scores[candidate] - others.max()) if np.isfinite(others).any() else float("nan")
