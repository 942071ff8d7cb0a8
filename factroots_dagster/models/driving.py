"""Drives a loaded model with a few prompts of random tokens, to find out how it has to be asked.

Not every model answers a prompt in a batch as it answers it alone: some mix in the padding (FNet, ConvBERT,
YOSO), some take only certain lengths (Nystroemformer), and a recurrent state (Mamba, RWKV) cannot be
continued like a cache of keys and values: such a decoder reads every sentence whole. What is found here
decides; families are not told apart by their names.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.feed_forward import FeedForward, capture_neurons
from factroots_dagster.models.memory import is_out_of_memory
from factroots_dagster.models.neuron_blocks import OTHER_ARCHITECTURE, Experts
from factroots_dagster.models.rounding import rounding_tolerance
from factroots_dagster.models.tries import extend_rows, start_rows

Batches = Literal["padded", "equal lengths"]
"""Which prompts may share a batch: those of any lengths, padded, or only those of equal length."""

_LENGTHS = (6, 9, 24)
_SHARED = 4  # tokens of a decoder's prompt that are kept in a cache, or read without what follows
_LONGEST_IN_TRIE = 256  # an attention window that is shorter is noticed; prompts that are longer are rare
_FAILURES = (RuntimeError, ValueError, TypeError, IndexError)

Prompts = list[list[int]]


@dataclass(frozen=True)
class Driven:
    """How a model is to be asked, and what it answers.

    continued: whether a decoder's sentences can be continued from a cache. answers: the tokens that rank
    first at every place of a prompt of random ordinary tokens, the same one whenever it is driven.
    """

    batches: Batches
    continued: bool
    answers: tuple[int, ...]


def drive(
    module: Any, family: str, ffn: FeedForward, vocabulary: Sequence[int], max_length: int, padding: int
) -> Driven:
    """How a model is to be asked. Raises InputError where it cannot be, or its neurons cannot be read.

    module: a model of transformers in evaluation mode. family: see `configuration.model_family`. vocabulary:
    ids of ordinary tokens. max_length: the longest prompt. padding: the id that fills up shorter prompts.
    """
    random = np.random.default_rng(0)
    prompts: Prompts = [
        random.choice(np.asarray(vocabulary), min(length, max_length)).tolist() for length in _LENGTHS
    ]
    name = type(module).__name__
    pair = [prompts[0], prompts[0][::-1]]
    with torch.inference_mode():
        try:
            alone = [_logits(module, [prompt])[0] for prompt in prompts]
            again = _logits(module, prompts[:1])[0]
            beside = _logits(module, pair)[0]
        except _FAILURES as error:
            _reraise_out_of_memory(error)
            raise InputError(
                f"{name} cannot be run on prompts of {', '.join(map(str, _LENGTHS))} tokens ({error})",
                "use a checkpoint whose attention takes prompts of any length",
            ) from error
        if not _agree(again, alone[0]):
            problem = f"{name} answers the same prompt differently each time: its attention draws at random"
            raise InputError(problem, "use a checkpoint with deterministic attention")
        if not _agree(beside, alone[0]):
            problem = f"{name} answers a prompt differently when another one is in its batch"
            raise InputError(problem, "use a checkpoint that treats the prompts of a batch apart")
        try:
            _check_neurons(module, ffn, pair)
        except InputError:
            raise
        except _FAILURES as error:
            _reraise_out_of_memory(error)
            problem = f"feed-forward neurons of {name} cannot be read ({error})"
            raise InputError(problem, OTHER_ARCHITECTURE) from error
        answers = tuple(alone[-1].argmax(dim=-1).tolist())
        padded = _answers_padded(module, prompts, alone, padding)
        if family == "masked":
            return Driven("padded" if padded else "equal lengths", continued=False, answers=answers)
        longer = prompts[-1]
        if not _agree(_logits(module, [longer], decoded=[longer[:_SHARED]])[0], alone[-1][:_SHARED]):
            problem = f"{name} reads what follows a token when it predicts it: it is no decoder"
            raise InputError(problem, "use a decoder, or a masked model as such (...ForMaskedLM)")
        if family == "encoder-decoder":
            if not padded:
                problem = f"{name} answers a prompt beside a longer one differently from the prompt alone"
                raise InputError(problem, "use an encoder-decoder whose encoder ignores padding")
            return Driven("padded", continued=False, answers=answers)
        continued = _continues(module, prompts, alone, padding)
        return Driven("padded" if padded else "equal lengths", continued, answers)


def _reraise_out_of_memory(error: Exception) -> None:
    """What ran out of memory says nothing about the model."""
    if is_out_of_memory(error):
        raise error


def _check_neurons(module: Any, ffn: FeedForward, pair: Prompts) -> None:
    """Raises InputError unless neurons are read of the tokens that they belong to, experts' rightly."""
    captured = []
    for prompts, row in ((pair, 1), (pair[1:], 0)):
        rows, positions = (torch.tensor([place], device=module.device) for place in (row, 2))
        with capture_neurons(ffn, rows, positions) as neurons:
            _logits(module, prompts)
        captured.append(torch.stack(neurons))
    if not _agree(captured[0], captured[1]):
        problem = f"which tokens the feed-forward neurons of {type(module).__name__} belong to is not known"
        raise InputError(problem, OTHER_ARCHITECTURE)
    unexplained: list[str] = []
    with ExitStack() as hooks:
        for _, _, block in ffn.placed():
            if isinstance(block, Experts):

                def compare(_: Any, args: Any, kwargs: Any, outputs: Any, block: Experts = block) -> None:
                    if not block.explains(args, kwargs, outputs):
                        unexplained.append(type(block.module).__name__)

                hooks.enter_context(block.module.register_forward_hook(compare, with_kwargs=True))
        _logits(module, pair)
    if unexplained:
        problem = f"how {unexplained[0]} computes what its experts give is not known"
        raise InputError(problem, OTHER_ARCHITECTURE)


def _answers_padded(module: Any, prompts: Prompts, alone: Sequence[torch.Tensor], padding: int) -> bool:
    """Whether every prompt is answered beside the longest one as alone."""
    try:
        together = _logits(module, prompts, padding)
    except _FAILURES as error:
        _reraise_out_of_memory(error)
        return False
    return all(
        _agree(logits[: len(prompt)], own)
        for prompt, logits, own in zip(prompts, together, alone, strict=True)
    )


def _continues(module: Any, prompts: Prompts, alone: Sequence[torch.Tensor], padding: int) -> bool:
    """Whether prompts can be continued from a cache, several from one, and are answered padded on the left.

    Recurrent models keep a state that cannot be continued so.
    """
    try:
        continued = _continue_twice(module, prompts[-1], padding)
        beside = _last_logits(module, prompts, padding)
    except (AttributeError, NotImplementedError, AssertionError, *_FAILURES) as error:
        _reraise_out_of_memory(error)
        return False
    own = alone[-1][-1 - continued.shape[1] : -1]
    return (
        _agree(continued[0], own)
        and _agree(continued[1, :1], own[:1])
        and all(_agree(logits, whole[-1]) for logits, whole in zip(beside, alone, strict=True))
    )


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


def _logits(
    module: Any, prompts: Prompts, padding: int = 0, *, decoded: Prompts | None = None
) -> torch.Tensor:
    """Logits [prompts, longest, vocabulary], padded on the right and masked where lengths differ.

    decoded: what the decoder of an encoder-decoder reads, by default the same as its encoder. For other
    models, what they read instead of the prompts.
    """
    split = module.config.is_encoder_decoder
    ids, mask = _pad(module, prompts if split or decoded is None else decoded, padding)
    arguments: dict[str, Any] = {"input_ids": ids}
    if not bool(mask.all()):
        arguments["attention_mask"] = mask
    if split:
        ids, mask = _pad(module, decoded or prompts, padding)
        arguments |= {"decoder_input_ids": ids, "decoder_attention_mask": mask}
    logits: torch.Tensor = module(**arguments).logits
    return logits


def _pad(module: Any, prompts: Prompts, padding: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Ids and mask [prompts, longest], padded on the right."""
    longest = max(map(len, prompts))
    ids = [[*prompt, *[padding] * (longest - len(prompt))] for prompt in prompts]
    mask = [[1] * len(prompt) + [0] * (longest - len(prompt)) for prompt in prompts]
    return torch.tensor(ids, device=module.device), torch.tensor(mask, device=module.device)


def _agree(logits: torch.Tensor, expected: torch.Tensor) -> bool:
    difference = (logits.float() - expected.float()).abs().max()
    return bool(difference <= rounding_tolerance(logits.dtype) * expected.float().std())


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
        except (AttributeError, *_FAILURES) as error:
            _reraise_out_of_memory(error)
            return 0
    return longest
