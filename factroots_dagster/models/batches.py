"""Running many sequences in bounded memory: batches that shrink when memory runs out, logits in blocks.

Knows sequence lengths and tensors only, neither prompts nor answers.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import (
    LOGIT_BUDGET,
    compute_logits,
    is_out_of_memory,
    split_by_token_budget,
)


def run_in_batches(
    model: LoadedModel, lengths: Sequence[int], budget: int, run: Callable[[list[int]], None]
) -> None:
    """Calls run(indices) for batches of sequences of these lengths, `budget` padded tokens each.

    A batch that runs out of memory is run again in halves, and all later batches are as small. `run` must
    therefore have no side effect before it has computed its last tensor.
    Raises InputError where a single sequence does not fit.
    """
    fitting = budget
    for batch in split_by_token_budget(lengths, budget):
        longest = lengths[batch[-1]]  # a batch is sorted by length
        start = 0
        while start < len(batch):
            part = batch[start : start + max(1, fitting // longest)]
            if _fits_in_memory(model, longest, part, run):
                start += len(part)
            else:
                fitting = len(part) // 2 * longest


def _fits_in_memory(
    model: LoadedModel, longest: int, batch: list[int], run: Callable[[list[int]], None]
) -> bool:
    """Runs one batch; False when memory ran out."""
    try:
        run(batch)
        return True
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        if len(batch) == 1:
            raise InputError(
                f"a single prompt of {longest} tokens does not fit into the memory of {model.device}",
                "use device cpu, or a smaller checkpoint",
            ) from error
    # Outside the except block, whose traceback would keep the failed batch's tensors alive.
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    return False


def logit_blocks(model: LoadedModel, tokens: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Consecutive rows of `tokens` [m, ...] with their float32 logits [rows, vocabulary].

    tokens: the result of `forward.forward_pass`. A block holds at most LOGIT_BUDGET numbers.
    """
    step = max(1, LOGIT_BUDGET // len(model.tokenizer))
    for start in range(0, len(tokens), step):
        rows = slice(start, min(start + step, len(tokens)))
        yield rows, compute_logits(model, tokens[rows])
