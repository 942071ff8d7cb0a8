"""Filling the masks of a prompt one after another, each given those filled before it.

The two orders of X-FACTR (Jiang et al. 2020, arXiv 2010.06189): `left_to_right` fills the leftmost mask with
its argmax, `confidence` the mask whose argmax has the highest probability; then the model is run again. A
filled mask is never changed (their refinement rounds and beam search are left out). Both are reported beside
the independent argmax at every mask, which is the paper's protocol. Nothing here judges an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import Batch, forward_pass, run_in_batches, summarize_logits
from factroots_dagster.probing.masking import Prompt

Order = Literal["left_to_right", "confidence"]
Argmax = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]
"""The argmax at each mask, and its natural log-probability."""


def fill_masks(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    first_pass: Mapping[tuple[int, int], Argmax],
    order: Order,
    budget: int,
) -> dict[tuple[int, int], npt.NDArray[np.int64]]:
    """The ids [k] that fill the masks of each prompt, by (question, k).

    first_pass: for each prompt the argmax [k] at its masks and its log-probability [k], with no mask filled.
    k masks then cost k - 1 further passes, and prompts of one mask none. Of equally probable masks the
    leftmost is filled. budget: padded tokens of one batch.
    """
    states = [_State(prompt) for prompt in prompts]
    for state in states:
        state.fill(*first_pass[state.prompt.question, state.prompt.k], order)
    with torch.inference_mode():
        while pending := [state for state in states if state.open]:
            lengths = [len(state.ids) for state in pending]

            def run(indices: list[int], pending: list[_State] = pending) -> None:
                _fill_next(model, [pending[index] for index in indices], order)

            run_in_batches(model, lengths, budget, run)
    return {(state.prompt.question, state.prompt.k): state.answer for state in states}


class _State:
    """A prompt whose masks are being filled. open: the masks that are still empty, from left to right."""

    def __init__(self, prompt: Prompt):
        self.prompt = prompt
        self.ids = prompt.ids.copy()
        self.answer = np.zeros(prompt.k, np.int64)
        self.open = list(range(prompt.k))

    def fill(self, best: npt.NDArray[np.int64], logprobs: npt.NDArray[np.float32], order: Order) -> None:
        """Fills one open mask. best, logprobs: at every open mask (left to right, the first suffices)."""
        index = int(np.argmax(logprobs)) if order == "confidence" else 0
        mask = self.open.pop(index)
        self.answer[mask] = self.ids[self.prompt.positions[mask]] = best[index]


def _fill_next(model: LoadedModel, states: Sequence[_State], order: Order) -> None:
    """One pass over the prompts; fills one more mask of each, after everything has been computed."""
    masks = [state.open if order == "confidence" else state.open[:1] for state in states]
    positions = [state.prompt.positions[some] for state, some in zip(states, masks, strict=True)]
    tokens = forward_pass(model, Batch(model, [state.ids for state in states], positions))
    logits = summarize_logits(model, tokens)
    ends = np.cumsum([len(some) for some in masks])[:-1]
    best, logprobs = (np.split(values.cpu().numpy(), ends) for values in (logits.best, logits.logprob))
    for state, ids, confidence in zip(states, best, logprobs, strict=True):
        state.fill(ids, confidence, order)
