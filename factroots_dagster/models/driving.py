"""Drives a loaded model with a few prompts of random tokens, to find out how it has to be asked.

Not every model answers a prompt in a batch as it answers it alone: some mix in the padding (FNet, ConvBERT,
YOSO), some take only certain lengths (Nystroemformer), and a recurrent state cannot be continued like a cache
of keys and values. What is found here decides; families are not told apart by their names.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.tries import extend_rows, start_rows

Batches = Literal["padded", "equal lengths"]
"""Which prompts may share a batch: those of any lengths, padded, or only those of equal length."""

_LENGTHS = (6, 9, 24)
_SHARED = 4  # tokens of a decoder's prompt that are kept in a cache
_LONGEST_IN_TRIE = 256  # an attention window that is shorter is noticed; prompts that are longer are rare
# Of the spread of the logits: far above rounding, and below what padding does to a model that sees it.
_TOLERANCES = {torch.float32: 1e-3}
_ROUGH = 5e-2

Prompts = list[list[int]]


def drive(module: Any, family: str, vocabulary: Sequence[int], max_length: int, padding: int) -> Batches:
    """Which prompts may share a batch. Raises InputError where the model cannot be asked.

    module: a model of transformers in evaluation mode. family: "masked" or "causal". vocabulary: ids of
    ordinary tokens. max_length: the longest prompt. padding: the id that fills up shorter prompts.
    """
    random = np.random.default_rng(0)
    prompts: Prompts = [
        random.choice(np.asarray(vocabulary), min(length, max_length)).tolist() for length in _LENGTHS
    ]
    name = type(module).__name__
    with torch.inference_mode():
        try:
            alone = [_logits(module, [prompt])[0] for prompt in prompts]
            again = _logits(module, prompts[:1])[0]
            pair = _logits(module, [prompts[0], prompts[0][::-1]])[0]
        except (RuntimeError, ValueError, TypeError, IndexError) as error:
            raise InputError(
                f"{name} cannot be run on prompts of {', '.join(map(str, _LENGTHS))} tokens ({error})",
                "use a checkpoint whose attention takes prompts of any length",
            ) from error
        if not _agree(again, alone[0]):
            problem = f"{name} answers the same prompt differently each time: its attention draws at random"
            raise InputError(problem, "use a checkpoint with deterministic attention")
        if not _agree(pair, alone[0]):
            problem = f"{name} answers a prompt differently when another one is in its batch"
            raise InputError(problem, "use a checkpoint that treats the prompts of a batch apart")
        if family == "causal":
            _check_continuations(module, prompts, alone, padding)
            return "padded"
        return "padded" if _answers_padded(module, prompts, alone, padding) else "equal lengths"


def _answers_padded(module: Any, prompts: Prompts, alone: Sequence[torch.Tensor], padding: int) -> bool:
    """Whether every prompt is answered beside the longest one as alone."""
    try:
        together = _logits(module, prompts, padding)
    except (RuntimeError, ValueError, TypeError, IndexError):
        return False
    return all(
        _agree(logits[: len(prompt)], own)
        for prompt, logits, own in zip(prompts, together, alone, strict=True)
    )


def _check_continuations(module: Any, prompts: Prompts, alone: Sequence[torch.Tensor], padding: int) -> None:
    """Raises InputError unless prompts can be continued from a cache, and are answered padded on the left."""
    name, remedy = type(module).__name__, "use a decoder with attention and a cache of keys and values"
    try:
        continued = _continue_twice(module, prompts[-1], padding)
        beside = _last_logits(module, prompts, padding)
    except (AttributeError, RuntimeError, ValueError, TypeError, IndexError) as error:
        problem = f"{name} keeps no cache of keys and values from which several sentences can be continued"
        raise InputError(problem, remedy) from error
    own = alone[-1][-1 - continued.shape[1] : -1]
    if not (_agree(continued[0], own) and _agree(continued[1, :1], own[:1])):
        problem = f"{name} answers a sentence continued from its cache differently from the whole sentence"
        raise InputError(problem, remedy)
    if not all(_agree(logits, whole[-1]) for logits, whole in zip(beside, alone, strict=True)):
        problem = f"{name} answers a prompt beside a longer one differently from the prompt alone"
        raise InputError(problem, remedy)


def _continue_twice(module: Any, prompt: list[int], padding: int) -> torch.Tensor:
    """Logits [2, tokens, vocabulary] of a prompt and of a shorter one, from the cache of their beginning."""
    shared = min(_SHARED, len(prompt) - 2)
    beginning = torch.tensor([prompt[:shared]], device=module.device)
    cache = copy.deepcopy(module(input_ids=beginning, use_cache=True).past_key_values)
    cache.batch_select_indices(torch.tensor([0, 0], device=module.device))
    rest = prompt[shared:-1]
    ids = torch.tensor([rest, [rest[0], *[padding] * (len(rest) - 1)]], device=module.device)
    logits: torch.Tensor = module(input_ids=ids, past_key_values=cache, use_cache=True).logits
    return logits


def _last_logits(module: Any, prompts: Prompts, padding: int) -> torch.Tensor:
    """Logits [prompts, vocabulary] after each prompt, padded on the left."""
    longest = max(map(len, prompts))
    ids = [[*[padding] * (longest - len(prompt)), *prompt] for prompt in prompts]
    mask = [[0] * (longest - len(prompt)) + [1] * len(prompt) for prompt in prompts]
    attended = torch.tensor(mask, device=module.device)
    arguments = {"input_ids": torch.tensor(ids, device=module.device), "attention_mask": attended}
    if "position_ids" in inspect.signature(module.forward).parameters:
        arguments["position_ids"] = (attended.cumsum(dim=1) - 1).clamp(min=0)
    logits: torch.Tensor = module(**arguments).logits[:, -1]
    return logits


def _logits(module: Any, prompts: Prompts, padding: int = 0) -> torch.Tensor:
    """Logits [prompts, longest, vocabulary], padded on the right and masked where lengths differ."""
    longest = max(map(len, prompts))
    ids = [[*prompt, *[padding] * (longest - len(prompt))] for prompt in prompts]
    mask = [[1] * len(prompt) + [0] * (longest - len(prompt)) for prompt in prompts]
    arguments: dict[str, Any] = {"input_ids": torch.tensor(ids, device=module.device)}
    if any(len(prompt) < longest for prompt in prompts):
        arguments["attention_mask"] = torch.tensor(mask, device=module.device)
    logits: torch.Tensor = module(**arguments).logits
    return logits


def _agree(logits: torch.Tensor, expected: torch.Tensor) -> bool:
    tolerance = _TOLERANCES.get(logits.dtype, _ROUGH)
    difference = (logits.float() - expected.float()).abs().max()
    return bool(difference <= tolerance * expected.float().std())


def longest_in_trie(module: Any, vocabulary: Sequence[int], max_length: int) -> int:
    """The most tokens of a decoder's sentences that can be run as tries (`tries`); 0 where none can.

    Arguments: see `drive`. A sentence of that length, and two that branch off from it, are run as a trie
    beside another one, and compared with each alone.
    """
    longest = min(max_length, _LONGEST_IN_TRIE)
    if longest < _SHARED + 4:
        return 0
    random = np.random.default_rng(1)
    long, other = random.choice(np.asarray(vocabulary), (2, longest)).tolist()
    branch = random.choice(np.asarray(vocabulary), 3).tolist()
    chain = longest - _SHARED
    with torch.inference_mode():
        try:
            _, cache = start_rows(
                module, torch.tensor([long[:_SHARED], other[:_SHARED]], device=module.device)
            )
            # The nodes: the rest of the long sentence, and a token beside its first one.
            ids = np.array([[*long[_SHARED:], branch[0]], [*other[_SHARED:], branch[0]]], np.int64)
            positions = np.array([[*range(_SHARED, longest), _SHARED]] * 2, np.int64)
            visible = np.zeros((2, chain + 1, longest + 1), bool)
            visible[:, :, :_SHARED] = True
            visible[:, :chain, _SHARED:longest] = np.tri(chain, dtype=bool)
            visible[:, chain, longest] = True
            first = extend_rows(module, cache, ids, positions, visible)
            # Then a token after that one, and a token after the first two of the rest.
            positions = np.array([[_SHARED + 1, _SHARED + 2]] * 2, np.int64)
            visible = np.zeros((2, 2, longest + 3), bool)
            visible[:, :, :_SHARED] = True
            visible[:, 0, [longest, longest + 1]] = True
            visible[:, 1, [_SHARED, _SHARED + 1, longest + 2]] = True
            second = extend_rows(module, cache, np.array([branch[1:]] * 2, np.int64), positions, visible)
            for row, whole in enumerate((long, other)):
                beside = _logits(module, [[*whole[:_SHARED], *branch[:2]]])[0]
                after = _logits(module, [[*whole[: _SHARED + 2], branch[2]]])[0]
                expected = [*_logits(module, [whole])[0][_SHARED:], *beside[_SHARED:], after[-1]]
                found = [*first[row], *second[row]]
                if not _agree(torch.stack(found), torch.stack(expected)):
                    return 0
        except (AttributeError, RuntimeError, ValueError, TypeError, IndexError):
            return 0
    return longest
