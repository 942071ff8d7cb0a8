"""How prompts share batches, what happens when memory runs out, and how logits are summarized in blocks."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import (
    VOCABULARY_BLOCK,
    run_in_batches,
    split_by_token_budget,
    summarize_logits,
)
from factroots_dagster.models.heads import VocabularyHead
from factroots_dagster.probing.probe import probe


def test_running_out_of_memory_means_smaller_batches(
    bert: LoadedModel, split_of: Callable[..., pa.Table], tmp_path: Path
) -> None:
    def small_head(hidden: torch.Tensor) -> torch.Tensor:
        if len(hidden) > 7:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return bert.head(hidden)

    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    whole = probe(bert, split_of("bert"), tmp_path / "a")
    halved = probe(dataclasses.replace(bert, head=small_head), split_of("bert"), tmp_path / "b")
    assert halved.column("predicted_ids").equals(whole.column("predicted_ids"))

    def no_head(hidden: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    with pytest.raises(InputError, match="single prompt"):
        probe(dataclasses.replace(bert, head=no_head), split_of("bert"), tmp_path / "b")


def test_a_batch_size_that_did_not_fit_is_not_tried_again(bert: LoadedModel) -> None:
    lengths = [3, 4, 4, 5, 6, 6, 6, 7, 8, 9, 9, 9]
    finished: list[int] = []
    attempts: list[int] = []

    def run(indices: list[int]) -> None:
        tokens = len(indices) * max(lengths[index] for index in indices)
        attempts.append(tokens)
        if tokens > 20:
            raise torch.OutOfMemoryError("CUDA out of memory")
        finished.extend(indices)

    run_in_batches(bert, lengths, 45, run)
    assert finished == list(range(len(lengths)))
    assert sum(tokens > 20 for tokens in attempts) <= 2  # 45 to 22 to 11, and none of the later batches


@given(st.lists(st.integers(1, 60), max_size=80), st.integers(1, 200))
def test_batches_are_sorted_by_length_and_as_large_as_the_budget_allows(
    lengths: list[int], budget: int
) -> None:
    batches = list(split_by_token_budget(lengths, budget))
    indices = [index for batch in batches for index in batch]
    assert indices == sorted(range(len(lengths)), key=lambda index: (lengths[index], index))
    for number, batch in enumerate(batches):
        longest = max(lengths[index] for index in batch)
        assert len(batch) == 1 or len(batch) * longest <= budget
        if number + 1 < len(batches):  # the next one would not have fitted
            assert (len(batch) + 1) * lengths[batches[number + 1][0]] > budget


def test_logits_are_summarized_over_several_vocabulary_blocks(bert: LoadedModel) -> None:
    random = torch.Generator().manual_seed(0)
    weight = torch.randn(2 * VOCABULARY_BLOCK + 77, 16, generator=random)
    weight[VOCABULARY_BLOCK + 5] = weight[3] = torch.full((16,), 3.0)
    bias = torch.randn(len(weight), generator=random)
    bias[VOCABULARY_BLOCK + 5] = bias[3]
    tokens = torch.randn(40, 16, generator=random)
    tokens[0] = 4.0  # both copies are equally probable: the first id wins, as with argmax
    expected = torch.nn.functional.linear(tokens.double(), weight.double(), bias.double()).log_softmax(dim=1)
    rows = torch.tensor([[0, 3], [7, 39]])
    candidates = torch.tensor([[1, VOCABULARY_BLOCK], [2 * VOCABULARY_BLOCK + 76, 4], [9, 9]])
    for head in (
        VocabularyHead(lambda hidden: hidden, weight, bias),
        lambda hidden: hidden @ weight.T + bias,
    ):
        summary = summarize_logits(dataclasses.replace(bert, head=head), tokens)
        assert summary.best[0] == 3
        assert torch.equal(summary.best, expected.argmax(dim=1))
        torch.testing.assert_close(summary.logprob.double(), expected.max(dim=1).values, rtol=0, atol=1e-4)
        means = [[float(expected[row, ids].mean()) for ids in candidates] for row in rows]
        torch.testing.assert_close(
            summary.mean_logprobs(rows, candidates).double(),
            torch.tensor(means, dtype=torch.float64),
            rtol=0,
            atol=1e-4,
        )
