"""Running many sequences in bounded memory: batches that shrink when memory runs out, logits block by block.

Nothing here knows what is asked or how answers are read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import LOGIT_BUDGET, by_token_budget, logits, out_of_memory


def in_batches(
    model: LoadedModel, lengths: Sequence[int], budget: int, run: Callable[[list[int]], None]
) -> None:
    """Calls run(indices) for batches of sequences of these lengths, `budget` padded tokens each.

    A batch that runs out of memory is run again in halves, and those after it are as small, so run may not
    leave anything half done before its last tensor is made. Raises InputError where a single sequence does
    not fit.
    """
    fits = budget
    for batch in by_token_budget(lengths, budget):
        longest = lengths[batch[-1]]  # they are sorted
        start = 0
        while start < len(batch):
            part = batch[start : start + max(1, fits // longest)]
            if _ran(model, longest, part, run):
                start += len(part)
            else:
                fits = len(part) // 2 * longest


def _ran(model: LoadedModel, longest: int, batch: list[int], run: Callable[[list[int]], None]) -> bool:
    """Runs one batch; False when memory ran out."""
    try:
        run(batch)
        return True
    except (RuntimeError, MemoryError) as error:
        if not out_of_memory(error):
            raise
        if len(batch) == 1:
            raise InputError(
                f"a single prompt of {longest} tokens does not fit into the memory of {model.device}; "
                "use device cpu, or a smaller checkpoint"
            ) from error
    # Outside the except block, whose traceback would keep the failed batch's tensors alive.
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    return False


def logit_blocks(model: LoadedModel, tokens: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Float32 logits [rows, vocabulary] of consecutive rows of `tokens` [m, ...], with those rows.

    tokens: what `forward.hidden_or_logits` gave. No block holds more than LOGIT_BUDGET numbers.
    """
    step = max(1, LOGIT_BUDGET // len(model.tokenizer))
    for start in range(0, len(tokens), step):
        rows = slice(start, min(start + step, len(tokens)))
        yield rows, logits(model, tokens[rows])
