"""Pseudo-log-likelihood (PLL) of whole sentences, by which candidates can be ranked with a masked model.

Salazar et al. 2020 (arXiv 1910.14659): a sentence's score is the sum, over its tokens, of each token's
log-probability when it is masked; special tokens are neither masked nor counted. Of the variants that
lm-pub-quiz offers this is its default, `within_word_l2r` (Kauf & Ivanova 2023, arXiv 2305.10588): with a
token, the tokens to its right in the same word are masked too; otherwise a rare word of many pieces scores
high because its pieces reveal each other. The whole sentence is scored, subject and template included, as
BEAR does, and the sum is not divided by the length. Labels are inserted unchanged (lm-pub-quiz capitalises a
sentence's first letter by default; the other protocols here do not).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import accumulate

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import Batch, forward_pass, logit_blocks, logprobs_of, run_in_batches
from factroots_dagster.probing.slots import fill_template, object_token_ids

CHUNK = 4_096  # sentences whose masked copies are in memory at once


def pseudo_log_likelihoods(
    model: LoadedModel,
    questions: Sequence[tuple[str, str]],
    labels: Sequence[str],
    budget: int,
    progress: Callable[[int], None] | None = None,
    *,
    chunk: int = CHUNK,
) -> npt.NDArray[np.float64]:
    """Natural pseudo-log-likelihoods [questions, labels] of every question's sentence with every label.

    questions: (template, subject). budget: padded tokens of one batch. progress(n): n more questions are
    finished. chunk: sentences in memory at once.
    -inf where the label has no tokens, or where the sentence exceeds the model's context.
    """
    scores = np.full((len(questions), len(labels)), -np.inf)
    label_ids = object_token_ids(model.tokenizer, labels, model.space_id)
    usable = [number for number, ids in enumerate(label_ids) if ids and labels[number].strip()]
    step = max(1, chunk // max(1, len(usable)))
    with torch.inference_mode():
        for start in range(0, len(questions) if usable else 0, step):
            part = questions[start : start + step]
            texts = [
                fill_template(template, subject, labels[number])[0]
                for template, subject in part
                for number in usable
            ]
            part_scores = _score(model, texts, budget).reshape(len(part), len(usable))
            scores[start : start + len(part), usable] = part_scores
            if progress is not None:
                progress(len(part))
    return scores


def _score(model: LoadedModel, texts: Sequence[str], budget: int) -> npt.NDArray[np.float64]:
    """The score of each text. Equal texts run once; so do masked copies that differ only under the mask."""
    distinct = list(dict.fromkeys(texts))
    encoded = model.tokenizer(distinct, return_special_tokens_mask=True, return_offsets_mapping=True)
    copies: dict[tuple[bytes, int], int] = {}  # (masked ids, position of the scored token) -> copy
    copy_of: list[int] = []  # for each scored token: its copy, its id, its sentence
    token: list[int] = []
    sentence: list[int] = []
    fits = np.full(len(distinct), True)
    for number in range(len(distinct)):
        ids = np.array(encoded["input_ids"][number], np.int32)
        if len(ids) > model.max_length:
            fits[number] = False
            continue
        scored = np.flatnonzero(np.array(encoded["special_tokens_mask"][number]) == 0)
        words: Sequence[object] = encoded.word_ids(number)
        if model.in_sentence:
            words = _divide_at_spaces(distinct[number], words, encoded["offset_mapping"][number])
        for position, last in zip(scored, _word_ends(words, scored), strict=True):
            masked = ids.copy()
            masked[position : last + 1] = model.mask_id
            copy_of.append(copies.setdefault((masked.tobytes(), int(position)), len(copies)))
            token.append(int(ids[position]))
            sentence.append(number)
    logprobs = _token_logprobs(
        model, list(copies), np.array(copy_of, np.int64), np.array(token, np.int64), budget
    )
    total = np.where(fits, 0.0, -np.inf)
    np.add.at(total, np.array(sentence, np.int64), logprobs)
    index = {text: number for number, text in enumerate(distinct)}
    return total[[index[text] for text in texts]]


def _divide_at_spaces(
    text: str, parts: Sequence[object], offsets: Sequence[tuple[int, int]]
) -> list[tuple[object, int] | None]:
    """The word of each token, None outside of all: Gemma's tokenizer has the whole sentence as one part.

    parts: for each token its part of the text, according to the tokenizer; offsets: its bounds.
    """
    spaces_before = [0, *accumulate(letter.isspace() for letter in text)]
    words: list[tuple[object, int] | None] = []
    for part, (first, last) in zip(parts, offsets, strict=True):
        begin = next((at for at in range(first, last) if not text[at].isspace()), last)
        words.append(None if part is None else (part, spaces_before[begin]))
    return words


def _word_ends(words: Sequence[object], scored: npt.NDArray[np.int64]) -> list[int]:
    """For each scored token, the last token of its word. words: for each token its word's number."""
    ends: list[int] = scored.tolist()
    for index in range(len(ends) - 2, -1, -1):
        word, next_word = words[scored[index]], words[scored[index + 1]]
        if word is not None and word == next_word and scored[index + 1] == scored[index] + 1:
            ends[index] = ends[index + 1]
    return ends


def _token_logprobs(
    model: LoadedModel,
    copies: Sequence[tuple[bytes, int]],
    copy_of: npt.NDArray[np.int64],
    token: npt.NDArray[np.int64],
    budget: int,
) -> npt.NDArray[np.float64]:
    """The log-probability of each token at the masked position of its copy. copy_of, token: [tokens]."""
    by_copy = np.argsort(copy_of, kind="stable")
    bounds = np.searchsorted(copy_of[by_copy], np.arange(len(copies) + 1))
    logprobs = np.zeros(len(token))
    sequences = [np.frombuffer(masked, np.int32) for masked, _ in copies]

    def run(indices: list[int]) -> None:
        positions = [np.array([copies[index][1]]) for index in indices]
        hidden = forward_pass(model, Batch(model, [sequences[index] for index in indices], positions))
        for block, logits in logit_blocks(model, hidden):
            readers = [by_copy[bounds[index] : bounds[index + 1]] for index in indices[block]]
            rows = np.repeat(np.arange(len(readers)), [len(tokens) for tokens in readers])
            wanted = np.concatenate(readers)
            row, column = (torch.from_numpy(part).to(logits.device) for part in (rows, token[wanted]))
            logprobs[wanted] = logprobs_of(logits, row, column)

    run_in_batches(model, [len(ids) for ids in sequences], budget, run)
    return logprobs
