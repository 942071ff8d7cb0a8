"""How probable a model finds a given answer to a given question, asked with as many masks as it has tokens.

A question is a template with any subject in it, not only a row of a split: one language's question can be
asked with another language's name. A decoder is asked where it predicts the answer's tokens, one after
another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import (
    default_token_budget,
    forward_pass,
    run_in_batches,
    target_logprobs,
)
from factroots_dagster.probing.masking import Prompt, answer_ids, batch_of, length_of, prompts_of_answers
from factroots_dagster.probing.progress import ProgressReporter
from factroots_dagster.probing.sentences import Asked, object_prompts, split_at_object


class Question(NamedTuple):
    """A template, what stands for [X], and the answer whose probability is asked for.

    language: of the template, for vocabularies that have codes of languages.
    """

    template: str
    subject: str
    answer: str
    language: str = ""


def answer_logprobs(
    model: LoadedModel,
    questions: Sequence[Question],
    *,
    token_budget: int | None = None,
    progress: Callable[[str], None] | None = None,
) -> npt.NDArray[np.float64]:
    """Mean log-probability of every answer's tokens, in nats, [questions].

    NaN where it cannot be asked: the answer has no token, or the prompt exceeds the model's context. Equal
    questions are run once.
    token_budget: padded tokens of one batch; batches are halved when memory runs out. progress: receives
    messages for people. Raises InputError for broken templates and logits that are not finite.
    """
    distinct = list(dict.fromkeys(questions))
    prompts = _masked_prompts if model.family == "masked" else _decoder_prompts
    asked = {
        number: (prompt, targets)
        for number, (prompt, targets) in enumerate(prompts(model, distinct))
        if targets and length_of(prompt) <= model.max_length
    }
    numbers = list(asked)
    logprobs = np.full(len(distinct), np.nan)
    reporter = ProgressReporter(progress, len(numbers))

    def run(indices: list[int]) -> None:
        batch = [numbers[index] for index in indices]
        of_batch = [asked[number][0] for number in batch]
        logprobs[batch], _ = score_answers(model, of_batch, [asked[number][1] for number in batch])
        reporter.advance(len(batch))

    with torch.inference_mode():
        budget = token_budget or default_token_budget(model.device)
        run_in_batches(model, [length_of(asked[number][0]) for number in numbers], budget, run)
    number_of = {question: number for number, question in enumerate(distinct)}
    return logprobs[[number_of[question] for question in questions]]


def score_answers(
    model: LoadedModel, prompts: Sequence[Prompt], answers: Sequence[Sequence[int]]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Mean log-probability of each answer's tokens, and whether each is the likeliest, in one batch.

    answers: the ids at the positions of each prompt. Raises InputError for logits that are not finite.
    """
    tokens = forward_pass(model, batch_of(model, prompts))
    targets = torch.tensor([token for answer in answers for token in answer], device=model.device)
    logprobs, likeliest = target_logprobs(model, tokens, targets)
    counts = np.array([len(answer) for answer in answers])
    first = np.concatenate([[0], np.cumsum(counts)[:-1]])
    return np.add.reduceat(logprobs, first) / counts, np.logical_and.reduceat(likeliest, first)


def _masked_prompts(model: LoadedModel, questions: Sequence[Question]) -> Iterator[Asked]:
    asked = [(question.template, question.subject) for question in questions]
    ids = answer_ids(model, asked, [question.answer for question in questions])
    yield from zip(prompts_of_answers(model, asked, [len(targets) for targets in ids]), ids, strict=True)


def _decoder_prompts(model: LoadedModel, questions: Sequence[Question]) -> Iterator[Asked]:
    by_language: dict[str, list[int]] = {}
    for number, question in enumerate(questions):
        by_language.setdefault(question.language, []).append(number)
    prompts: dict[int, Asked] = {}
    for language, numbers in by_language.items():
        asked = [
            (split_at_object(each.template, each.subject), each.answer)
            for each in (questions[number] for number in numbers)
        ]
        prompts |= zip(numbers, object_prompts(model.frame(language), asked), strict=True)
    yield from (prompts[number] for number in range(len(questions)))
