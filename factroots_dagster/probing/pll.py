"""Pseudo-log-likelihood of whole sentences, by which candidates can be ranked with a masked model.

Salazar et al. 2020 (arXiv 1910.14659): a sentence's score is the sum, over its tokens, of each token's
log-probability when it is masked; special tokens are neither masked nor counted. Of the variants that
lm-pub-quiz offers this is the one it uses by default, `within_word_l2r` (Kauf & Ivanova 2023, arXiv
2305.10588): with a token, the tokens to its right in the same word are masked too, or else a rare word of
many pieces scores high because its pieces give each other away. The whole sentence is scored, subject and
template included, as BEAR does, and the sum is not divided by the length. Labels are filled in as they are
(lm-pub-quiz capitalises a sentence's first letter unless told otherwise; the other protocols here do not).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.batches import in_batches, logit_blocks
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import Batch, hidden_or_logits
from factroots_dagster.probing.prompts import object_token_ids, prompt_text

CHUNK = 4_096  # sentences whose masked copies are in memory at once


def pseudo_log_likelihoods(
    model: LoadedModel,
    asked: Sequence[tuple[str, str]],
    labels: Sequence[str],
    budget: int,
    progress: Callable[[int], None] | None = None,
) -> npt.NDArray[np.float64]:
    """Natural pseudo-log-likelihoods [questions, labels] of every question's sentence with every label.

    asked: (template, subject). budget: padded tokens of one batch. progress(n): n more questions are done.
    -inf where the label has no tokens, or where the sentence exceeds the model's context.
    """
    scores = np.full((len(asked), len(labels)), -np.inf)
    candidates = object_token_ids(model.tokenizer, labels, model.space_id)
    usable = [number for number, ids in enumerate(candidates) if ids]
    step = max(1, CHUNK // max(1, len(usable)))
    with torch.inference_mode():
        for start in range(0, len(asked) if usable else 0, step):
            chosen = asked[start : start + step]
            texts = [
                prompt_text(template, subject, labels[number])[0]
                for template, subject in chosen
                for number in usable
            ]
            made = _score(model, texts, budget)
            scores[start : start + len(chosen), usable] = made.reshape(len(chosen), len(usable))
            if progress is not None:
                progress(len(chosen))
    return scores


def _score(model: LoadedModel, texts: Sequence[str], budget: int) -> npt.NDArray[np.float64]:
    """The score of each text. Equal texts run once; so do masked copies that differ only under the mask."""
    distinct = list(dict.fromkeys(texts))
    encoded = model.tokenizer(distinct, return_special_tokens_mask=True)
    copies: dict[tuple[bytes, int], int] = {}  # (masked ids, token to be read): number of the copy
    copy_of: list[int] = []
    token: list[int] = []
    sentence: list[int] = []
    kept = np.full(len(distinct), True)
    for number in range(len(distinct)):
        ids = np.array(encoded["input_ids"][number], np.int32)
        if len(ids) > model.max_length:
            kept[number] = False
            continue
        scored = np.flatnonzero(np.array(encoded["special_tokens_mask"][number]) == 0)
        for position, last in zip(scored, _word_ends(encoded.word_ids(number), scored), strict=True):
            masked = ids.copy()
            masked[position : last + 1] = model.mask_id
            copy_of.append(copies.setdefault((masked.tobytes(), int(position)), len(copies)))
            token.append(int(ids[position]))
            sentence.append(number)
    logprobs = _read(model, list(copies), np.array(copy_of, np.int64), np.array(token, np.int64), budget)
    total = np.where(kept, 0.0, -np.inf)
    np.add.at(total, np.array(sentence, np.int64), logprobs)
    place = {text: number for number, text in enumerate(distinct)}
    return total[[place[text] for text in texts]]


def _word_ends(words: Sequence[int | None], scored: npt.NDArray[np.int64]) -> list[int]:
    """For each scored token, the last token of its word."""
    ends: list[int] = scored.tolist()
    for index in range(len(ends) - 2, -1, -1):
        here, right = words[scored[index]], words[scored[index + 1]]
        if here is not None and here == right and scored[index + 1] == scored[index] + 1:
            ends[index] = ends[index + 1]
    return ends


def _read(
    model: LoadedModel,
    copies: Sequence[tuple[bytes, int]],
    copy_of: npt.NDArray[np.int64],
    token: npt.NDArray[np.int64],
    budget: int,
) -> npt.NDArray[np.float64]:
    """The log-probability of each token, read at its copy's masked position."""
    read_by = np.argsort(copy_of, kind="stable")
    bounds = np.searchsorted(copy_of[read_by], np.arange(len(copies) + 1))
    found = np.zeros(len(token))
    sequences = [np.frombuffer(masked, np.int32) for masked, _ in copies]

    def run(indices: list[int]) -> None:
        positions = [np.array([copies[index][1]]) for index in indices]
        tokens = hidden_or_logits(model, Batch(model, [sequences[index] for index in indices], positions))
        for rows, made in logit_blocks(model, tokens):
            here = indices[rows]
            readers = [read_by[bounds[index] : bounds[index + 1]] for index in here]
            row = torch.from_numpy(np.repeat(np.arange(len(here)), [len(some) for some in readers]))
            wanted = np.concatenate(readers)
            column = torch.from_numpy(token[wanted])
            row, column = row.to(made.device), column.to(made.device)
            found[wanted] = (made[row, column] - torch.logsumexp(made, dim=1)[row]).cpu().numpy()

    in_batches(model, [len(ids) for ids in sequences], budget, run)
    return found
