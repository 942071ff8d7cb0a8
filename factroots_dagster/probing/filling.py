"""Filling the masks of a prompt one after another, each time given what has been filled so far.

The two orders of X-FACTR (Jiang et al. 2020, arXiv 2010.06189): `left_to_right` fills the leftmost mask with
its argmax, `confidence` the mask whose argmax has the highest probability; then the model is run again. A
mask once filled stays (their refinement rounds and beam search are left out). They are reported beside the
independent argmax at every mask, which is the paper's protocol. Nothing here judges an answer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.batches import in_batches
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import Batch, hidden_or_logits, read_logits
from factroots_dagster.probing.prompts import Prompt

Order = Literal["left_to_right", "confidence"]
Said = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]


def filled(
    model: LoadedModel,
    prompts: Sequence[Prompt],
    first: Mapping[tuple[int, int], Said],
    order: Order,
    budget: int,
) -> dict[tuple[int, int], npt.NDArray[np.int64]]:
    """The ids [k] that fill the masks of each prompt, by (question, k).

    first: for each prompt the argmax at each of its masks and its natural log-probability, [k] each: what the
    first pass says. k masks then cost k - 1 further passes, and prompts of one mask none. Of equally probable
    masks the leftmost is filled. budget: padded tokens of one batch.
    """
    states = [_State(prompt) for prompt in prompts]
    for state in states:
        state.fill(*first[state.prompt.question, state.prompt.k], order)
    with torch.inference_mode():
        while pending := [state for state in states if state.open]:
            lengths = [len(state.ids) for state in pending]

            def run(indices: list[int], pending: list[_State] = pending) -> None:
                _step(model, [pending[index] for index in indices], order)

            in_batches(model, lengths, budget, run)
    return {(state.prompt.question, state.prompt.k): state.answer for state in states}


class _State:
    """A prompt whose masks are being filled. open: the masks still to be filled, from left to right."""

    def __init__(self, prompt: Prompt):
        self.prompt = prompt
        self.ids = prompt.ids.copy()
        self.answer = np.zeros(prompt.k, np.int64)
        self.open = list(range(prompt.k))

    def fill(self, best: npt.NDArray[np.int64], logprobs: npt.NDArray[np.float32], order: Order) -> None:
        """Fills one open mask. best, logprobs: of every open mask (left to right the first suffices)."""
        chosen = int(np.argmax(logprobs)) if order == "confidence" else 0
        mask = self.open.pop(chosen)
        self.answer[mask] = self.ids[self.prompt.positions[mask]] = best[chosen]


def _step(model: LoadedModel, states: Sequence[_State], order: Order) -> None:
    """One pass over the prompts; one more mask of each is filled, after everything has been computed."""
    asked = [state.open if order == "confidence" else state.open[:1] for state in states]
    positions = [state.prompt.positions[masks] for state, masks in zip(states, asked, strict=True)]
    tokens = hidden_or_logits(model, Batch(model, [state.ids for state in states], positions))
    reading = read_logits(model, tokens)
    ends = np.cumsum([len(masks) for masks in asked])[:-1]
    best, logprobs = (np.split(some.cpu().numpy(), ends) for some in (reading.best, reading.logprob))
    for state, ids, confidence in zip(states, best, logprobs, strict=True):
        state.fill(ids, confidence, order)
