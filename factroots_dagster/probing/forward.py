"""Runs token sequences through a model: batches by token budget, logits and neurons at chosen tokens only.

Shared by the prober and the interventions. What the numbers mean is decided there.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.errors import InputError
from factroots_dagster.neurons.hooks import read_neurons
from factroots_dagster.probing.checkpoint import LoadedModel

LOGIT_BUDGET = 1 << 26  # numbers of one block of logits (256 MB in float32)


class Batch:
    """Sequences padded to one length on the model's device, and the tokens of interest in them.

    ids, mask: int64 [n, length]; rows, positions: int64 [m], those tokens, sequence after sequence.
    """

    def __init__(self, model: LoadedModel, ids: Sequence[npt.NDArray], positions: Sequence[npt.NDArray]):
        lengths = np.array([len(sequence) for sequence in ids])
        padding = model.tokenizer.pad_token_id or 0
        padded = np.full((len(ids), int(lengths.max())), padding, np.int64)
        for row, sequence in enumerate(ids):
            padded[row, : len(sequence)] = sequence
        attended = np.arange(padded.shape[1])[None] < lengths[:, None]
        rows = np.repeat(np.arange(len(ids)), [len(chosen) for chosen in positions])
        self.ids = torch.from_numpy(padded).to(model.device)
        self.mask = torch.from_numpy(attended.astype(np.int64)).to(model.device)
        self.rows = torch.from_numpy(rows).to(model.device)
        self.positions = torch.from_numpy(np.concatenate(positions).astype(np.int64)).to(model.device)


def hidden_or_logits(model: LoadedModel, batch: Batch) -> torch.Tensor:
    """One forward pass: hidden states [m, hidden] at the batch's tokens, or without a head logits."""
    if model.head is None:
        output = model.model(input_ids=batch.ids, attention_mask=batch.mask).logits
    else:
        output = model.model.base_model(input_ids=batch.ids, attention_mask=batch.mask).last_hidden_state
    return output[batch.rows, batch.positions]


def logits(model: LoadedModel, tokens: torch.Tensor) -> torch.Tensor:
    """Float32 logits [m, vocabulary] of what `hidden_or_logits` gave. Raises InputError if not finite."""
    made = (tokens if model.head is None else model.head(tokens)).float()
    if not bool(torch.isfinite(made.sum(dim=1)).all()) and not bool(torch.isfinite(made).all()):
        raise InputError(
            "the model's logits hold NaN or infinite values: its weights are broken, or the dtype overflows; "
            "use float32 or another checkpoint"
        )
    return made


def forward_with_neurons(model: LoadedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """As `hidden_or_logits`, with the neurons at the same tokens: [m, layers, neurons]."""
    with read_neurons(model.ffn, batch.rows, batch.positions) as captured:
        tokens = hidden_or_logits(model, batch)
    return tokens, torch.stack(captured, dim=1)


def default_token_budget(device: torch.device) -> int:
    """Padded tokens of one batch: what fills the device without leaving its caches (CPU) or memory (GPU)."""
    return 65_536 if device.type == "cuda" else 4_096


def by_token_budget(lengths: Sequence[int], budget: int) -> Iterator[list[int]]:
    """Indices in batches: sorted by length (then index), filled while count x longest is within budget."""
    order = sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    batch: list[int] = []
    for index in order:
        if batch and (len(batch) + 1) * lengths[index] > budget:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def out_of_memory(error: RuntimeError) -> bool:
    """Whether this is a device's or the machine's word for having no memory left."""
    text = str(error).lower()
    return isinstance(error, torch.OutOfMemoryError) or "out of memory" in text or "allocate memory" in text
