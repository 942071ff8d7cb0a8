"""Running token sequences through a model: logits and neurons at chosen tokens only, in bounded memory.

Batches shrink when memory runs out, and logits come in blocks. Shared by the probers and the interventions,
which know the prompts and answers and decide what the numbers mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from transformers.modeling_outputs import BaseModelOutput

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import capture_neurons
from factroots_dagster.models.heads import VocabularyHead
from factroots_dagster.models.memory import is_out_of_memory

LOGIT_BUDGET = 1 << 26  # numbers in one block of logits (256 MB in float32)
VOCABULARY_BLOCK = 4_096  # vocabulary entries projected at once where logits are summarized and not kept


Ids = npt.NDArray[Any]


class Batch:
    """Sequences padded to one length on the model's device, and the tokens of interest in them.

    ids: int64 [n, length]. mask: int64 [n, length], 0 at padding; None without padding, which allows faster
    kernels. rows, positions: int64 [m], the row and position of the tokens of interest, row after row.
    sources: what the encoder of an encoder-decoder reads for each of the sequences; those that are equal are
    run once. Then source_ids, source_mask: int64 [distinct, length]; source_of: int64 [n].
    """

    def __init__(
        self,
        model: LoadedModel,
        ids: Sequence[Ids],
        positions: Sequence[Ids],
        sources: Sequence[Ids | None] | None = None,
    ) -> None:
        rows = np.repeat(np.arange(len(ids)), [len(of_row) for of_row in positions])
        self.ids, self.mask = _pad(model, ids)
        self.rows = _to_device(model, rows)
        self.positions = _to_device(model, np.concatenate(positions).astype(np.int64))
        self.source_ids: torch.Tensor | None = None
        given = [source for source in sources or () if source is not None]
        if given:
            number: dict[tuple[int, ...], int] = {}
            owners = [number.setdefault(tuple(source), len(number)) for source in given]
            self.source_ids, self.source_mask = _pad(model, [np.array(source) for source in number])
            self.source_of = _to_device(model, np.array(owners, np.int64))


def _pad(model: LoadedModel, ids: Sequence[Ids]) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Sequences padded on the right, and their mask; None without padding."""
    lengths = np.array([len(sequence) for sequence in ids])
    padding = model.tokenizer.pad_token_id or 0
    padded = np.full((len(ids), int(lengths.max())), padding, np.int64)
    for row, sequence in enumerate(ids):
        padded[row, : len(sequence)] = sequence
    within = (np.arange(padded.shape[1]) < lengths[:, None]).astype(np.int64)
    return _to_device(model, padded), None if within.all() else _to_device(model, within)


def _to_device(model: LoadedModel, values: npt.NDArray[np.int64]) -> torch.Tensor:
    tensor = torch.from_numpy(values)
    if model.device.type == "cuda":  # a copy from pinned memory does not wait for running kernels
        tensor = tensor.pin_memory()
    return tensor.to(model.device, non_blocking=True)


def forward_pass(model: LoadedModel, batch: Batch) -> torch.Tensor:
    """Hidden states [m, hidden] at the batch's tokens; logits [m, vocabulary] if the model's head is None."""
    arguments: dict[str, Any] = {"input_ids": batch.ids, "attention_mask": batch.mask}
    if batch.source_ids is not None:
        arguments = _arguments_of_decoder(model, batch)
    if model.head is None:
        output = model.model(**arguments).logits
    else:
        output = model.model.base_model(**arguments).last_hidden_state
    at_tokens: torch.Tensor = output.to(model.device)[batch.rows, batch.positions]
    return at_tokens


def _arguments_of_decoder(model: LoadedModel, batch: Batch) -> dict[str, Any]:
    """What an encoder-decoder is called with: the encoder is run here, once for every distinct source."""
    encoder = model.model.get_encoder()
    states = encoder(input_ids=batch.source_ids, attention_mask=batch.source_mask).last_hidden_state
    mask = None if batch.source_mask is None else batch.source_mask[batch.source_of]
    return {
        "encoder_outputs": BaseModelOutput(last_hidden_state=states[batch.source_of]),
        "attention_mask": mask,
        "decoder_input_ids": batch.ids,
        "decoder_attention_mask": batch.mask,
    }


def forward_pass_with_neurons(model: LoadedModel, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """As `forward_pass`, with the neurons at the same tokens: [m, layers, neurons]."""
    with capture_neurons(model.ffn, batch.rows, batch.positions) as captured:
        tokens = forward_pass(model, batch)
    return tokens, torch.stack(captured, dim=1)


def compute_logits(model: LoadedModel, tokens: torch.Tensor) -> torch.Tensor:
    """Float32 logits [m, vocabulary] of the result of `forward_pass`. Raises InputError if not finite."""
    logits = (tokens if model.head is None else model.head(tokens)).float()
    # The sums are a cheap first test; they can overflow although every logit is finite.
    if not bool(torch.isfinite(logits.sum(dim=1)).all()) and not bool(torch.isfinite(logits).all()):
        raise _not_finite()
    return logits


def _not_finite() -> InputError:
    problem = "the model's logits hold NaN or infinite values: its weights are broken, or the dtype overflows"
    return InputError(problem, "use float32 or another checkpoint")


@dataclass(frozen=True)
class LogitSummary:
    """What is kept of the logits at m tokens: the argmax, the normalizer, and the means to compute a few.

    best: int64 [m], the argmax. logprob: float32 [m], its natural log-probability.
    """

    best: torch.Tensor
    logprob: torch.Tensor
    _normalizer: torch.Tensor  # [m], logsumexp of the logits
    _head: VocabularyHead | None
    _tokens: torch.Tensor  # [m, inner] with a head, else logits [m, vocabulary]

    def mean_logprobs(self, rows: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
        """Float32 [n, candidates]: each candidate's mean log-probability over its k tokens.

        rows: int64 [n, k], which of the m tokens. ids: int64 [candidates, k], the ids expected there.
        """
        total = -self._normalizer[rows].sum(dim=1)[:, None].expand(len(rows), len(ids))
        for position in range(ids.shape[1]):
            tokens, wanted = self._tokens[rows[:, position]], ids[:, position]
            logits = tokens[:, wanted] if self._head is None else self._head.project(tokens, wanted)
            total = total + logits.float()
        return total / ids.shape[1]

    def target_logprobs(self, ids: torch.Tensor) -> torch.Tensor:
        """Float32 [m]: the log-probability of one id at each of the tokens. ids: int64 [m]."""
        if self._head is None:
            logits = self._tokens.gather(1, ids[:, None])[:, 0]
        else:
            logits = self._head.project_each(self._tokens, ids)
        return logits.float() - self._normalizer


def summarize_logits(model: LoadedModel, tokens: torch.Tensor) -> LogitSummary:
    """Argmax and normalizer of the logits of the result of `forward_pass`, one vocabulary block at a time.

    Raises InputError where the logits are not finite.
    """
    head = model.head if isinstance(model.head, VocabularyHead) else None
    first_step = head.transform if head else model.head
    inner = tokens if first_step is None else first_step(tokens)
    vocabulary = len(head.weight) if head else inner.shape[1]
    highest = inner.new_full((len(inner),), -torch.inf, dtype=torch.float32)
    total = torch.zeros_like(highest)
    best = torch.zeros_like(highest, dtype=torch.int64)
    for start in range(0, vocabulary, VOCABULARY_BLOCK):
        ids = slice(start, min(start + VOCABULARY_BLOCK, vocabulary))
        block = (head.project(inner, ids) if head else inner[:, ids]).float()
        block_highest, index = block.max(dim=1)
        best = torch.where(block_highest > highest, index + start, best)
        previous, highest = highest, torch.maximum(highest, block_highest)
        total = total * (previous - highest).exp() + (block - highest[:, None]).exp_().sum(dim=1)
    normalizer = highest + total.log()
    if not bool(torch.isfinite(normalizer).all()):
        raise _not_finite()
    return LogitSummary(best, highest - normalizer, normalizer, head, inner)


def default_token_budget(device: torch.device) -> int:
    """Padded tokens of one batch: they fill the device, and fit into its caches (CPU) or memory (GPU)."""
    return 65_536 if device.type == "cuda" else 2_048


def split_by_token_budget(lengths: Sequence[int], budget: int, *, padded: bool = True) -> Iterator[list[int]]:
    """Batches of indices, sorted by length (then index), as large as count x longest <= budget allows.

    padded: whether sequences of different lengths may share a batch.
    """
    order = np.argsort(lengths, kind="stable")
    ordered = np.asarray(lengths)[order]
    start = 0
    while start < len(order):
        possible = ordered[start : start + max(1, budget // ordered[start])]
        if not padded:
            possible = possible[possible == possible[0]]
        count = max(1, int((possible * np.arange(1, len(possible) + 1) <= budget).sum()))
        yield order[start : start + count].tolist()
        start += count


def run_in_batches(
    model: LoadedModel, lengths: Sequence[int], budget: int, run: Callable[[list[int]], None]
) -> None:
    """Calls run(indices) for batches of sequences of these lengths, `budget` padded tokens each.

    Where padding would change the answers, only sequences of one length share a batch. A batch that runs out
    of memory is run again in halves, and all later batches are as small. `run` must therefore have no side
    effect before it has computed its last tensor.
    Raises InputError where a single sequence does not fit.
    """
    fitting = budget
    for batch in split_by_token_budget(lengths, budget, padded=model.batches == "padded"):
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
            problem = f"a single prompt of {longest} tokens does not fit into the memory of {model.device}"
            raise InputError(problem, "use device cpu, or a smaller checkpoint") from error
    # Outside the except block, whose traceback would keep the failed batch's tensors alive.
    if model.device.type == "cuda":
        torch.cuda.empty_cache()
    return False


def logit_blocks(model: LoadedModel, tokens: torch.Tensor) -> Iterator[tuple[slice, torch.Tensor]]:
    """Consecutive rows of `tokens` [m, ...] with their float32 logits [rows, vocabulary].

    tokens: the result of `forward_pass`. A block holds at most LOGIT_BUDGET numbers.
    """
    step = max(1, LOGIT_BUDGET // len(model.tokenizer))
    for start in range(0, len(tokens), step):
        rows = slice(start, min(start + step, len(tokens)))
        yield rows, compute_logits(model, tokens[rows])


def logprobs_of(logits: torch.Tensor, rows: torch.Tensor, ids: torch.Tensor) -> npt.NDArray[np.float64]:
    """Natural log-probabilities [n] of ids [n] in rows [n] of logits [m, vocabulary]."""
    logprobs: npt.NDArray[np.float64] = (
        (logits[rows, ids] - torch.logsumexp(logits, dim=1)[rows]).double().cpu().numpy()
    )
    return logprobs


def target_logprobs(
    model: LoadedModel, tokens: torch.Tensor, targets: torch.Tensor
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """The log-probability of one target id at each token, and whether it is the likeliest there, [m] each.

    tokens: [m, ...], the result of `forward_pass`. targets: int64 [m]. Raises InputError for logits that are
    not finite.
    """
    summary = summarize_logits(model, tokens)
    logprobs: npt.NDArray[np.float64] = summary.target_logprobs(targets).double().cpu().numpy()
    return logprobs, (summary.best == targets).cpu().numpy()
