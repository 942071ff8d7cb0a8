"""Decoders run on token sequences: log-likelihoods of many sentences, greedy continuations.

What all sentences of a question begin with is run once and kept as a key-value cache, from which each of them
goes on. It adds the same to every sentence's log-likelihood, so it is not scored. How rows become sentences
is `causal`'s.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.batches import in_batches, logit_blocks
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import LOGIT_BUDGET, read_logits

CACHE_BYTES = 1 << 32  # of the keys and values of one batch

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sentences:
    """One question's sentences, one per candidate, as token ids with their start token.

    wanted: of some candidates, the positions of those tokens whose log-probabilities are asked for.
    """

    ids: list[list[int]]
    wanted: dict[int, list[int]]

    @property
    def longest(self) -> int:
        return max(len(ids) for ids in self.ids)

    @property
    def shared(self) -> int:
        """How many tokens all sentences begin with, none of them wanted."""
        first, last = min(self.ids), max(self.ids)
        common = next((n for n in range(len(first)) if first[n] != last[n]), len(first))
        return max(1, min([common, *(min(positions) for positions in self.wanted.values() if positions)]))


def log_likelihoods(
    model: LoadedModel, asked: Sequence[Sentences], budget: int
) -> tuple[list[Floats], list[dict[int, float]]]:
    """Of each question's sentences the natural log-likelihoods [candidates], less what they share; and by
    candidate the mean log-probability of the wanted tokens.

    budget: tokens of one batch. Questions of equal shared length go together, so that nothing is padded on
    the left.
    """
    budget = fitting(model, budget)
    sums = [np.zeros(len(one.ids)) for one in asked]
    means: list[dict[int, float]] = [{} for _ in asked]
    by_shared: dict[int, list[int]] = {}
    for number, one in enumerate(asked):
        by_shared.setdefault(one.shared, []).append(number)
    for shared, numbers in sorted(by_shared.items()):

        def run(chosen: list[int], numbers: list[int] = numbers, shared: int = shared) -> None:
            here = [numbers[index] for index in chosen]
            for (question, candidate), found in _run(model, [asked[n] for n in here], shared, budget):
                sums[here[question]][candidate] = found.sum()
                if positions := asked[here[question]].wanted.get(candidate):
                    means[here[question]][candidate] = float(found[np.array(positions) - shared].mean())

        in_batches(model, [asked[n].longest * len(asked[n].ids) for n in numbers], budget, run)
    return sums, means


def fitting(model: LoadedModel, budget: int) -> int:
    """The token budget, or less where caches, or logits that cannot be made in blocks, would not fit."""
    weights = model.model.get_input_embeddings().weight
    a_token = (
        2 * model.ffn.layers * weights.shape[1] * weights.element_size()
    )  # at most: keys may be narrower
    budget = min(budget, CACHE_BYTES // a_token)
    return budget if model.head is not None else min(budget, LOGIT_BUDGET // len(model.tokenizer))


def _run(
    model: LoadedModel, asked: Sequence[Sentences], shared: int, budget: int
) -> Iterator[tuple[tuple[int, int], Floats]]:
    """Log-probabilities of every sentence's tokens after the shared ones, by (question, candidate)."""
    start = torch.tensor([one.ids[0][:shared] for one in asked], device=model.device)
    hidden, cache = _forward(model, start)
    pairs = [(question, candidate) for question, one in enumerate(asked) for candidate in range(len(one.ids))]
    rest = [np.array(asked[question].ids[candidate][shared:], np.int64) for question, candidate in pairs]
    found = [np.zeros(len(ids)) for ids in rest]
    going_on = [number for number, ids in enumerate(rest) if len(ids)]
    owners = np.array([pairs[number][0] for number in going_on], np.int64)
    said = _log_probabilities(
        model, hidden[:, -1], owners, np.array([rest[number][0] for number in going_on], np.int64)
    )
    for number, value in zip(going_on, said, strict=True):
        found[number][0] = value
    longer = [number for number in going_on if len(rest[number]) > 1]

    def run(indices: list[int]) -> None:
        here = [longer[index] for index in indices]
        counts = np.array([len(rest[number]) - 1 for number in here])
        ids = np.zeros((len(here), counts.max()), np.int64)
        for row, number in enumerate(here):
            ids[row, : counts[row]] = rest[number][:-1]
        mine = copy.deepcopy(cache)
        mine.batch_select_indices(torch.tensor([pairs[number][0] for number in here], device=model.device))
        made, _ = _forward(model, torch.from_numpy(ids).to(model.device), mine)
        # Padding stands on the right, where no token of a decoder sees it.
        rows, columns = np.nonzero(np.arange(ids.shape[1])[None] < counts[:, None])
        tokens = made[torch.from_numpy(rows).to(model.device), torch.from_numpy(columns).to(model.device)]
        gold = np.concatenate([rest[number][1:] for number in here])
        values = _log_probabilities(model, tokens, np.arange(len(gold)), gold)
        for number, part in zip(here, np.split(values, np.cumsum(counts)[:-1]), strict=True):
            found[number][1:] = part

    in_batches(model, [shared + len(rest[number]) for number in longer], budget, run)
    yield from zip(pairs, found, strict=True)


def _log_probabilities(
    model: LoadedModel, tokens: torch.Tensor, rows: npt.NDArray[np.int64], ids: npt.NDArray[np.int64]
) -> Floats:
    """Natural log-probabilities [n] of ids [n] after the tokens in `rows` [n], ascending."""
    found = np.zeros(len(ids))
    for block, made in logit_blocks(model, tokens):
        begin, end = np.searchsorted(rows, [block.start, block.stop])
        row = torch.from_numpy(rows[begin:end] - block.start).to(made.device)
        column = torch.from_numpy(ids[begin:end]).to(made.device)
        found[begin:end] = (made[row, column] - torch.logsumexp(made, dim=1)[row]).cpu().numpy()
    return found


def continuations(
    model: LoadedModel, prompts: Sequence[Sequence[int]], tokens: int, budget: int
) -> npt.NDArray[np.int64]:
    """The greedy continuation [prompts, tokens] of each prompt; an end-of-text token does not end it."""
    said = np.zeros((len(prompts), tokens), np.int64)

    def run(indices: list[int]) -> None:
        lengths = np.array([len(prompts[index]) for index in indices])
        width = int(lengths.max())
        ids = np.full((len(indices), width), model.tokenizer.pad_token_id or 0, np.int64)
        for row, index in enumerate(indices):
            ids[row, width - lengths[row] :] = prompts[index]  # on the left: all go on at the same place
        attended = np.arange(width)[None] >= (width - lengths)[:, None]
        mask = torch.from_numpy(attended.astype(np.int64)).to(model.device)
        given = torch.from_numpy(ids).to(model.device)
        cache = None
        for step in range(tokens):
            hidden, cache = _forward(model, given, cache, mask)
            given = read_logits(model, hidden[:, -1]).best[:, None]
            said[indices, step] = given[:, 0].cpu().numpy()
            mask = torch.cat([mask, torch.ones_like(given)], dim=1)

    in_batches(model, [len(ids) + tokens for ids in prompts], fitting(model, budget), run)
    return said


def _forward(
    model: LoadedModel, ids: torch.Tensor, cache: Any = None, mask: torch.Tensor | None = None
) -> tuple[torch.Tensor, Any]:
    """Hidden states [n, length, hidden] (logits without a head) of ids [n, length], and the cache with them.

    mask: of the cached tokens and these [n, all]; None where no token is padding on the left.
    """
    run = model.model if model.head is None else model.model.base_model
    given: dict[str, Any] = {"input_ids": ids, "past_key_values": cache, "use_cache": True}
    if mask is not None:
        given["attention_mask"] = mask
        if "position_ids" in inspect.signature(run.forward).parameters:  # BLOOM has none
            given["position_ids"] = (mask.cumsum(dim=1) - 1).clamp(min=0)[:, -ids.shape[1] :]
    output = run(**given)
    return output.logits if model.head is None else output.last_hidden_state, output.past_key_values
