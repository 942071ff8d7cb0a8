"""Running decoders on token sequences: log-likelihoods of many sentences, greedy continuations.

The tokens that all sentences of a question begin with are run once and kept as a key-value cache, from which
each sentence is continued. Their log-probability is the same for all of them, so it is not computed. A model
that cannot be continued so (`models.driving`; an encoder-decoder's decoder, too) reads every sentence whole.
`causal` turns rows into sentences.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import (
    LOGIT_BUDGET,
    Batch,
    compute_logits,
    forward_pass,
    logprobs_of,
    run_in_batches,
    summarize_logits,
)

CACHE_BYTES = 1 << 32  # of the keys and values of one batch

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sentences:
    """One question's sentences, one per candidate, as token ids that begin with the start token.

    object_positions: for some candidates, the positions of the tokens whose mean log-probability is wanted.
    source: what an encoder before the decoder reads.
    best: how many of the best candidates have to be scored exactly, beside those; None for all.
    """

    ids: list[list[int]]
    object_positions: dict[int, list[int]]
    source: list[int] | None = None
    best: int | None = None

    @property
    def longest(self) -> int:
        """The tokens of the longest sentence."""
        return max(len(ids) for ids in self.ids)

    @property
    def shared(self) -> int:
        """How many tokens all sentences begin with, up to the first object position."""
        first, last = min(self.ids), max(self.ids)
        common = next((n for n in range(len(first)) if first[n] != last[n]), len(first))
        starts = [min(positions) for positions in self.object_positions.values() if positions]
        return max(1, min([common, *starts]))


def log_likelihoods(
    model: LoadedModel, questions: Sequence[Sentences], budget: int
) -> tuple[list[Floats], list[dict[int, float]]]:
    """Log-likelihoods of each question's sentences, and mean log-probabilities of their objects.

    The first: for each question, natural log-likelihoods [candidates], without the shared first tokens. The
    second: for each question, the mean over the object positions, by candidate.
    budget: tokens of one batch. Questions with equally many shared tokens are run together, so that nothing
    is padded on the left.
    """
    budget = fitting_budget(model, budget)
    sums = [np.zeros(len(question.ids)) for question in questions]
    means: list[dict[int, float]] = [{} for _ in questions]
    shared_by = [question.shared for question in questions]

    def record(number: int, candidate: int, logprobs: Floats) -> None:
        sums[number][candidate] = logprobs.sum()
        if positions := questions[number].object_positions.get(candidate):
            of_object = np.array(positions) - shared_by[number]
            means[number][candidate] = float(logprobs[of_object].mean())

    if not model.continued:
        _run_whole(model, questions, shared_by, budget, record)
        return sums, means
    by_shared: dict[int, list[int]] = {}
    for number, shared in enumerate(shared_by):
        by_shared.setdefault(shared, []).append(number)
    for shared, numbers in sorted(by_shared.items()):

        def run(indices: list[int], numbers: list[int] = numbers, shared: int = shared) -> None:
            batch = [numbers[index] for index in indices]
            results = _run_batch(model, [questions[number] for number in batch], shared, budget)
            for (index, candidate), logprobs in results:
                record(batch[index], candidate, logprobs)

        sizes = [questions[number].longest * len(questions[number].ids) for number in numbers]
        run_in_batches(model, sizes, budget, run)
    return sums, means


def _run_whole(
    model: LoadedModel,
    questions: Sequence[Sentences],
    shared: Sequence[int],
    budget: int,
    record: Callable[[int, int, Floats], None],
) -> None:
    """Runs every sentence by itself, from its beginning.

    shared: how many tokens the sentences of each question begin with. record: is given question, candidate,
    and the log-probabilities of the tokens after these.
    """
    pairs = [
        (number, candidate)
        for number, question in enumerate(questions)
        for candidate, ids in enumerate(question.ids)
        if len(ids) > shared[number]
    ]
    sequences = [np.array(questions[number].ids[candidate], np.int64) for number, candidate in pairs]

    def run(indices: list[int]) -> None:
        ids = [sequences[index] for index in indices]
        begins = [shared[pairs[index][0]] for index in indices]
        places = [
            np.arange(begin - 1, len(sequence) - 1) for begin, sequence in zip(begins, ids, strict=True)
        ]
        sources = [questions[pairs[index][0]].source for index in indices]
        batch = Batch(model, ids, places, [None if each is None else np.array(each) for each in sources])
        expected = np.concatenate(
            [sequence[begin:] for begin, sequence in zip(begins, ids, strict=True)], dtype=np.int64
        )
        logprobs = log_probabilities(model, forward_pass(model, batch), np.arange(len(expected)), expected)
        ends = np.cumsum([len(of_sequence) for of_sequence in places])[:-1]
        for index, part in zip(indices, np.split(logprobs, ends), strict=True):
            record(*pairs[index], part)

    run_in_batches(model, [len(sequence) for sequence in sequences], budget, run)


def fitting_budget(model: LoadedModel, budget: int) -> int:
    """The token budget, reduced where caches, or logits that cannot be computed in blocks, would not fit."""
    budget = min(budget, most_cached_tokens(model))
    return budget if model.head is not None else min(budget, LOGIT_BUDGET // len(model.tokenizer))


def most_cached_tokens(model: LoadedModel) -> int:
    """How many tokens' keys and values CACHE_BYTES hold."""
    weights = model.model.get_input_embeddings().weight
    # Roughly: keys and values are narrower with grouped-query attention, and wider in some models (Gemma 7B).
    return CACHE_BYTES // int(2 * model.ffn.layers * weights.shape[1] * weights.element_size())


def _run_batch(
    model: LoadedModel, questions: Sequence[Sentences], shared: int, budget: int
) -> Iterator[tuple[tuple[int, int], Floats]]:
    """Log-probabilities of every sentence's tokens after the shared ones, by (question, candidate)."""
    prefix = torch.tensor([question.ids[0][:shared] for question in questions], device=model.device)
    hidden, cache = _forward(model, prefix)
    pairs = [
        (number, candidate)
        for number, question in enumerate(questions)
        for candidate in range(len(question.ids))
    ]
    rest = [np.array(questions[number].ids[candidate][shared:], np.int64) for number, candidate in pairs]
    logprobs = [np.zeros(len(ids)) for ids in rest]
    # The first token after the shared ones is predicted by the last of them, all others by a continuation.
    continued = [index for index, ids in enumerate(rest) if len(ids)]
    owners = np.array([pairs[index][0] for index in continued], np.int64)
    first_ids = np.array([rest[index][0] for index in continued], np.int64)
    first = log_probabilities(model, hidden[:, -1], owners, first_ids)
    for index, value in zip(continued, first, strict=True):
        logprobs[index][0] = value
    longer = [index for index in continued if len(rest[index]) > 1]

    def run(indices: list[int]) -> None:
        batch = [longer[index] for index in indices]
        counts = np.array([len(rest[index]) - 1 for index in batch])
        ids = np.zeros((len(batch), counts.max()), np.int64)
        for row, index in enumerate(batch):
            ids[row, : counts[row]] = rest[index][:-1]
        batch_cache = copy.deepcopy(cache)
        batch_cache.batch_select_indices(
            torch.tensor([pairs[index][0] for index in batch], device=model.device)
        )
        hidden, _ = _forward(model, torch.from_numpy(ids).to(model.device), batch_cache)
        # Padding is on the right, where no token of a decoder sees it.
        rows, columns = np.nonzero(np.arange(ids.shape[1])[None] < counts[:, None])
        tokens = hidden[torch.from_numpy(rows).to(model.device), torch.from_numpy(columns).to(model.device)]
        expected = np.concatenate([rest[index][1:] for index in batch])
        values = log_probabilities(model, tokens, np.arange(len(expected)), expected)
        for index, part in zip(batch, np.split(values, np.cumsum(counts)[:-1]), strict=True):
            logprobs[index][1:] = part

    run_in_batches(model, [shared + len(rest[index]) for index in longer], budget, run)
    yield from zip(pairs, logprobs, strict=True)


def log_probabilities(
    model: LoadedModel, tokens: torch.Tensor, rows: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]
) -> Floats:
    """Natural log-probabilities [n] of ids [n] as predicted by the tokens in `rows` [n], ascending.

    tokens: [m, ...], the result of a forward pass; their logits are computed in smaller blocks where memory
    runs out.
    """
    logprobs = np.zeros(len(ids))

    def run(indices: list[int]) -> None:
        block = slice(indices[0], indices[-1] + 1)  # of equal lengths all stay in their order
        logits = compute_logits(model, tokens[block])
        begin, end = np.searchsorted(rows, [block.start, block.stop])
        row = torch.from_numpy(rows[begin:end] - block.start).to(logits.device)
        column = torch.from_numpy(ids[begin:end]).to(logits.device)
        logprobs[begin:end] = logprobs_of(logits, row, column)

    run_in_batches(model, [1] * len(tokens), max(1, LOGIT_BUDGET // len(model.tokenizer)), run)
    return logprobs


def greedy_continuations(
    model: LoadedModel,
    prompts: Sequence[Sequence[int]],
    tokens: int,
    budget: int,
    *,
    sources: Sequence[Sequence[int]] | None = None,
) -> npt.NDArray[np.int64]:
    """The greedy continuation [prompts, tokens] of each prompt; an end-of-text token does not end it.

    sources: what an encoder before the decoder reads.
    """
    if not model.continued:
        return _continue_whole(model, prompts, tokens, budget, sources)
    continuations = np.zeros((len(prompts), tokens), np.int64)

    def run(indices: list[int]) -> None:
        lengths = np.array([len(prompts[index]) for index in indices])
        width = int(lengths.max())
        padded = np.full((len(indices), width), model.tokenizer.pad_token_id or 0, np.int64)
        for row, index in enumerate(indices):  # padded on the left, so that all continue at one position
            padded[row, width - lengths[row] :] = prompts[index]
        attended = np.arange(width)[None] >= (width - lengths)[:, None]
        mask = torch.from_numpy(attended.astype(np.int64)).to(model.device)
        ids = torch.from_numpy(padded).to(model.device)
        cache = None
        for step in range(tokens):
            hidden, cache = _forward(model, ids, cache, mask)
            ids = summarize_logits(model, hidden[:, -1]).best[:, None]
            continuations[indices, step] = ids[:, 0].cpu().numpy()
            mask = torch.cat([mask, torch.ones_like(ids)], dim=1)

    run_in_batches(model, [len(ids) + tokens for ids in prompts], fitting_budget(model, budget), run)
    return continuations


def _continue_whole(
    model: LoadedModel,
    prompts: Sequence[Sequence[int]],
    tokens: int,
    budget: int,
    sources: Sequence[Sequence[int]] | None,
) -> npt.NDArray[np.int64]:
    """As greedy_continuations, every prompt read anew for each token."""
    continuations = np.zeros((len(prompts), tokens), np.int64)

    def run(indices: list[int]) -> None:
        read = None if sources is None else [np.array(sources[index], np.int64) for index in indices]
        ids = [np.array(prompts[index], np.int64) for index in indices]
        for step in range(tokens):
            last = [np.array([len(sequence) - 1]) for sequence in ids]
            hidden = forward_pass(model, Batch(model, ids, last, read))
            best = summarize_logits(model, hidden).best.cpu().numpy()
            continuations[indices, step] = best
            ids = [np.append(sequence, token) for sequence, token in zip(ids, best, strict=True)]

    run_in_batches(model, [len(ids) + tokens for ids in prompts], fitting_budget(model, budget), run)
    return continuations


def _forward(
    model: LoadedModel, ids: torch.Tensor, cache: Any = None, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, Any]:
    """Hidden states [n, length, hidden] (logits without a head) of ids [n, length], and the extended cache.

    mask: of the cached tokens and these [n, all]; None where nothing is padded on the left.
    """
    module = model.model if model.head is None else model.model.base_model
    arguments: dict[str, Any] = {"input_ids": ids, "past_key_values": cache, "use_cache": True}
    if mask is not None:
        arguments["attention_mask"] = mask
        if "position_ids" in inspect.signature(module.forward).parameters:  # BLOOM has none
            arguments["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    output = module(**arguments)
    return output.logits if model.head is None else output.last_hidden_state, output.past_key_values
