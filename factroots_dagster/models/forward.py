"""Runs token sequences through a model: batches by token budget, logits and neurons at chosen tokens only.

Shared by the probers and the interventions. What the numbers mean is decided there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import read_neurons
from factroots_dagster.models.heads import VocabularyHead

LOGIT_BUDGET = 1 << 26  # numbers of one block of logits (256 MB in float32)
WORDS = 4_096  # of the vocabulary, projected at once when logits are read and not kept
_NOT_FINITE = (
    "the model's logits hold NaN or infinite values: its weights are broken, or the dtype overflows; "
    "use float32 or another checkpoint"
)


class Batch:
    """Sequences padded to one length on the model's device, and the tokens of interest in them.

    ids: int64 [n, length]. mask: int64 [n, length], None where nothing is padded (faster kernels then apply).
    rows, positions: int64 [m], those tokens, sequence after sequence.
    """

    def __init__(
        self, model: LoadedModel, ids: Sequence[npt.NDArray[Any]], positions: Sequence[npt.NDArray[Any]]
    ) -> None:
        lengths = np.array([len(sequence) for sequence in ids])
        padding = model.tokenizer.pad_token_id or 0
        padded = np.full((len(ids), int(lengths.max())), padding, np.int64)
        for row, sequence in enumerate(ids):
            padded[row, : len(sequence)] = sequence
        rows = np.repeat(np.arange(len(ids)), [len(chosen) for chosen in positions])
        self.ids = _to_device(model, padded)
        self.mask = None
        if lengths.min() < lengths.max():
            self.mask = _to_device(
                model, (np.arange(padded.shape[1])[None] < lengths[:, None]).astype(np.int64)
            )
        self.rows = _to_device(model, rows)
        self.positions = _to_device(model, np.concatenate(positions).astype(np.int64))


def _to_device(model: LoadedModel, values: npt.NDArray[np.int64]) -> torch.Tensor:
    tensor = torch.from_numpy(values)
    if (
        model.device.type == "cuda"
    ):  # from pinned memory the copy does not wait for what is still being computed
        tensor = tensor.pin_memory()
    return tensor.to(model.device, non_blocking=True)


def hidden_or_logits(model: LoadedModel, batch: Batch) -> torch.Tensor:
    """One forward pass: hidden states [m, hidden] at the batch's tokens, or without a head logits."""
    if model.head is None:
        output = model.model(input_ids=batch.ids, attention_mask=batch.mask).logits
    else:
        output = model.model.base_model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
    found: torch.Tensor = output[batch.rows, batch.positions]
    return found


def logits(model: LoadedModel, tokens: torch.Tensor) -> torch.Tensor:
    """Float32 logits [m, vocabulary] of what `hidden_or_logits` gave. Raises InputError if not finite."""
    made = (tokens if model.head is None else model.head(tokens)).float()
    if not bool(torch.isfinite(made.sum(dim=1)).all()) and not bool(torch.isfinite(made).all()):
        raise InputError(_NOT_FINITE)
    return made


@dataclass(frozen=True)
class Reading:
    """What is read of the logits at m tokens while they are made; the logits themselves are not kept.

    best: int64 [m], the argmax. logprob: float32 [m], its natural log-probability.
    """

    best: torch.Tensor
    logprob: torch.Tensor
    _normaliser: torch.Tensor
    _head: VocabularyHead | None
    _tokens: torch.Tensor  # [m, inner] with a head, else logits [m, vocabulary]

    def mean_logprobs(self, rows: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Float32 [n, candidates]: mean over k tokens of each candidate's log-probabilities.

        rows: int64 [n, k], numbers of tokens. ids: int64 [candidates, k], what is read there.
        """
        total = -self._normaliser[rows].sum(dim=1)[:, None].expand(len(rows), len(ids))
        for place in range(ids.shape[1]):
            here, words = self._tokens[rows[:, place]], ids[:, place]
            total = (
                total + (here[:, words] if self._head is None else self._head.project(here, words)).float()
            )
        return total / ids.shape[1]


def read_logits(model: LoadedModel, tokens: torch.Tensor) -> Reading:
    """Argmax and normaliser of the logits of what `hidden_or_logits` gave, some words at a time.

    Raises InputError where they are not finite.
    """
    head = model.head if isinstance(model.head, VocabularyHead) else None
    made = head.transform(tokens) if head else tokens if model.head is None else model.head(tokens)
    vocabulary = len(head.weight) if head else made.shape[1]
    highest = made.new_full((len(made),), -torch.inf, dtype=torch.float32)
    total = torch.zeros_like(highest)
    best = torch.zeros_like(highest, dtype=torch.int64)
    for start in range(0, vocabulary, WORDS):
        words = slice(start, min(start + WORDS, vocabulary))
        block = (head.project(made, words) if head else made[:, words]).float()
        top, place = block.max(dim=1)
        best = torch.where(top > highest, place + start, best)
        before, highest = highest, torch.maximum(highest, top)
        total = total * (before - highest).exp() + (block - highest[:, None]).exp_().sum(dim=1)
    normaliser = highest + total.log()
    if not bool(torch.isfinite(normaliser).all()):
        raise InputError(_NOT_FINITE)
    return Reading(best, highest - normaliser, normaliser, head, made)


def forward_with_neurons(model: LoadedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """As `hidden_or_logits`, with the neurons at the same tokens: [m, layers, neurons]."""
    with read_neurons(model.ffn, batch.rows, batch.positions) as captured:
        tokens = hidden_or_logits(model, batch)
    return tokens, torch.stack(captured, dim=1)


def default_token_budget(device: torch.device) -> int:
    """Padded tokens of one batch: what fills the device without leaving its caches (CPU) or memory (GPU)."""
    return 65_536 if device.type == "cuda" else 2_048


def by_token_budget(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices in batches: sorted by length (then index), filled while count x longest is within budget."""
    order = np.argsort(lengths, kind="stable")
    ordered = np.asarray(lengths)[order]
    start = 0
    while start < len(order):
        padded = ordered[start : start + budget // ordered[start]]
        count = max(1, int((padded * np.arange(1, len(padded) + 1) <= budget).sum()))
        yield order[start : start + count].tolist()
        start += count


def out_of_memory(error: Exception) -> bool:
    """Whether this is a device's or the machine's word for having no memory left."""
    text = str(error).lower()
    return (
        isinstance(error, torch.OutOfMemoryError | MemoryError)
        or "out of memory" in text
        or "allocate memory" in text
    )
