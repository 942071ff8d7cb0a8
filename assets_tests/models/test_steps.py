"""Steps and tokens in the names of checkpoints, and the order that follows from them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.models.steps import is_bare_step, order_by_step, read_step


@pytest.mark.parametrize(
    ("source", "revision", "step", "tokens"),
    [
        ("allenai/OLMo-2-1124-7B", "stage1-step101000-tokens424B", 101_000, 424 * 10**9),
        ("allenai/OLMo-2-1124-7B", "stage2-ingredient1-step1000-tokens5B", 1000, 5 * 10**9),
        ("owner/model", "step1000-tokens2.5B", 1000, 2_500_000_000),
        ("owner/model", "1.5T-tokens-step_20k", 20_000, 1_500_000_000_000),
        ("bigscience/bloom-560m-intermediate", "global_step100000", 100_000, None),
        ("EleutherAI/pythia-70m", "step143000", 143_000, None),
        ("/out/run/checkpoint-500", None, 500, None),
    ],
)
def test_step_and_tokens_are_numbers(
    source: str, revision: str | None, step: int, tokens: int | None
) -> None:
    named = read_step(source, revision)
    assert named is not None and (named.step, named.tokens) == (step, tokens)


@given(st.lists(st.integers(0, 10**7), unique=True, min_size=1), st.randoms(use_true_random=False))
def test_checkpoints_of_a_run_are_ordered_by_number_wherever_they_stand(
    steps: list[int], random: object
) -> None:
    names = [f"stage1-step{step}-tokens{step}B" for step in steps]
    mixed = ["main", *names, "final"]
    ordered = order_by_step(mixed, lambda name: read_step("owner/model", name))
    assert ordered == ["main", *(f"stage1-step{step}-tokens{step}B" for step in sorted(steps)), "final"]


def test_runs_stand_where_their_first_checkpoint_stands() -> None:
    names = ["b-step-20", "x", "a-step-3", "b-step-3", "a-step-1"]
    assert order_by_step(names, read_step) == ["b-step-3", "b-step-20", "x", "a-step-1", "a-step-3"]


def test_a_bare_step_says_nothing_of_its_run() -> None:
    assert all(map(is_bare_step, ["checkpoint-500", "step_20k", "global_step1000", "iter_0010000"]))
    assert not any(map(is_bare_step, ["bert-step-5", "step", "main", "checkpoint-500-final"]))
