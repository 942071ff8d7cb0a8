"""Memory that runs out while a model is loaded and tried out is no trait of the model."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import load
from factroots_dagster.models.memory import is_out_of_memory, memory_for


@contextmanager
def scarce_memory(shape: tuple[int, int], error: Exception) -> Iterator[None]:
    """Every model runs out of memory when it reads token ids of this shape."""

    def check(module: Any, inputs: tuple[Any, ...]) -> None:
        if isinstance(module, torch.nn.Embedding) and inputs and tuple(inputs[0].shape) == shape:
            raise error

    handle = torch.nn.modules.module.register_module_forward_pre_hook(check)
    try:
        yield
    finally:
        handle.remove()


@pytest.mark.parametrize(
    ("family", "shape"),
    [
        ("bert", (1, 24)),  # a prompt alone
        ("bert", (3, 24)),  # padded prompts
        ("llama", (1, 4)),  # what the head is compared with
        ("llama", (3, 24)),  # padded on either side
        ("llama", (2, 19)),  # continued from a cache
        ("llama", (2, 4)),  # the beginning of two tries
    ],
)
def test_memory_that_runs_out_while_a_model_is_tried_out_is_said_and_nothing_is_concluded(
    family: str, shape: tuple[int, int], checkpoint_of: Callable[[str], Path], tmp_path: Path
) -> None:
    folder = shutil.copytree(checkpoint_of(family), tmp_path / family)  # it was not loaded before
    error = torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
    said = r"needs more memory than is free on cpu.*FACTROOTS_DEVICE"
    with scarce_memory(shape, error), pytest.raises(InputError, match=said):
        load(str(folder), device="cpu")
    model = load(str(folder), device="cpu")
    assert model.batches == "padded" and model.head is not None
    assert (model.continued, model.longest_in_trie > 0) == ((family == "llama",) * 2)


def test_other_failures_are_still_traits(checkpoint_of: Callable[[str], Path], tmp_path: Path) -> None:
    folder = shutil.copytree(checkpoint_of("bert"), tmp_path / "bert")
    with scarce_memory((3, 24), RuntimeError("sizes of tensors must match")):
        assert load(str(folder), device="cpu").batches == "equal lengths"


def test_errors_about_memory_are_recognized_by_their_kind_or_words() -> None:
    with pytest.raises(RuntimeError) as found:
        torch.empty(1 << 60)  # what this machine's allocator says
    assert is_out_of_memory(found.value)
    for error in (MemoryError(), torch.OutOfMemoryError(), RuntimeError("CUBLAS_STATUS_ALLOC_FAILED")):
        assert is_out_of_memory(error)
    assert not is_out_of_memory(RuntimeError("sizes of tensors must match"))
    with pytest.raises(RuntimeError, match="must match"), memory_for("a test", "cpu"):
        raise RuntimeError("sizes of tensors must match")
