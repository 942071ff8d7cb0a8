"""When memory runs out: told apart from what a model cannot do, and said in words of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from factroots_dagster.errors import InputError

_WORDS = (
    "out of memory",
    "allocate memory",
    "alloc_failed",
)  # of GPUs, the CPU, CUDA's libraries
ANOTHER_DEVICE = (
    "free memory there, use another device (FACTROOTS_DEVICE=cpu, or split among several GPUs), "
    "or 16 bits (FACTROOTS_PRECISION=bf16)"
)


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that the device or the machine has no memory left."""
    known = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return known or any(words in str(error).lower() for words in _WORDS)


@contextmanager
def memory_for(task: str, device: torch.device | str) -> Iterator[None]:
    """Raise InputError where memory runs out in the block. task: what it is for, such as "loading x"."""
    try:
        yield
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        problem = f"{task} needs more memory than is free on {device}"
        raise InputError(problem, ANOTHER_DEVICE) from error
