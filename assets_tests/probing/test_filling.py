"""Masks filled one after another, against a loop over single prompts in plain transformers."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers

from assets_tests.models import tiny
from factroots_dagster.models.checkpoint import LoadedModel, load
from factroots_dagster.probing.filling import Order, filled
from factroots_dagster.probing.prompts import Prompt, mask_prompts

LONGEST = 4
ORDERS: tuple[Order, ...] = ("left_to_right", "confidence")


def asked_of(split: pa.Table) -> list[tuple[str, str]]:
    return sorted(set(zip(split["template"].to_pylist(), split["subject"].to_pylist(), strict=True)))


def prompts_of(model: LoadedModel, asked: list[tuple[str, str]]) -> list[Prompt]:
    return [prompt for k in range(1, LONGEST + 1) for prompt in mask_prompts(model.tokenizer, asked, k)]


def said_first(folder: Path, asked: list[tuple[str, str]]) -> dict[tuple[int, int], tuple]:
    """What plain transformers say at every mask when nothing is filled."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    said = {}
    for k in range(1, LONGEST + 1):
        for question, (template, subject) in enumerate(asked):
            best = torch.log_softmax(tiny.ask(model, tokenizer, template, subject, k), dim=1).max(dim=1)
            said[question, k] = (best.indices.numpy(), best.values.numpy())
    return said


def fill_one(folder: Path, order: Order) -> Callable[[str, str, int], list[int]]:
    """One prompt at a time: fill one mask, run again."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()

    def fill(template: str, subject: str, k: int) -> list[int]:
        text = template.replace("[Y]", " ".join([tokenizer.mask_token] * k)).replace("[X]", subject)
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        masks = [at for at, token in enumerate(ids[0].tolist()) if token == tokenizer.mask_token_id]
        left = list(masks)
        while left:
            with torch.inference_mode():
                probable = torch.softmax(model(input_ids=ids).logits[0], dim=1)
            by_confidence = sorted(left, key=lambda at: -float(probable[at].max()))
            chosen = left[0] if order == "left_to_right" else by_confidence[0]
            ids[0, chosen] = probable[chosen].argmax()
            left.remove(chosen)
        return ids[0, masks].tolist()

    return fill


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", tiny.MASKED)
def test_filled_equals_one_prompt_at_a_time(
    family: str, order: Order, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table]
) -> None:
    folder, asked = checkpoint_of(family), asked_of(split_of(family, subjects=6))
    model = load(str(folder), device="cpu")
    first = said_first(folder, asked)
    made = filled(model, prompts_of(model, asked), first, order, budget=300)
    assert made.keys() == first.keys()
    fill = fill_one(folder, order)
    for (question, k), ids in made.items():
        assert ids.tolist() == fill(*asked[question], k)
    several = [key for key in made if key[1] > 1]
    assert any(made[key].tolist() != first[key][0].tolist() for key in several), "filling changed nothing"


def test_the_orders_differ(
    bert: LoadedModel, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table]
) -> None:
    asked = asked_of(split_of("bert"))
    first = said_first(checkpoint_of("bert"), asked)
    one, other = (filled(bert, prompts_of(bert, asked), first, order, 4096) for order in ORDERS)
    assert any(one[key].tolist() != other[key].tolist() for key in one)


@pytest.mark.parametrize("order", ORDERS)
def test_k_masks_cost_k_minus_one_passes(
    order: Order,
    bert: LoadedModel,
    checkpoint_of: Callable[[str], Path],
    split_of: Callable[..., pa.Table],
) -> None:
    asked = asked_of(split_of("bert"))[:5]
    first = said_first(checkpoint_of("bert"), asked)
    sequences: list[int] = []

    def counting(_module: torch.nn.Module, _args: object, given: dict[str, torch.Tensor]) -> None:
        sequences.append(len(given["input_ids"]))

    hook = bert.model.base_model.register_forward_pre_hook(counting, with_kwargs=True)
    filled(bert, prompts_of(bert, asked), first, order, 4096)
    hook.remove()
    assert sequences == [15, 10, 5]  # masks to fill after the first: 0, 1, 2, 3 of each question


@pytest.mark.parametrize("order", ORDERS)
def test_batches_and_scarce_memory_change_nothing(
    order: Order,
    bert: LoadedModel,
    checkpoint_of: Callable[[str], Path],
    split_of: Callable[..., pa.Table],
) -> None:
    def small_head(hidden: torch.Tensor) -> torch.Tensor:
        if len(hidden) > 7:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return bert.head(hidden)

    asked = asked_of(split_of("bert"))
    first = said_first(checkpoint_of("bert"), asked)
    prompts = prompts_of(bert, asked)
    whole = filled(bert, prompts, first, order, 100_000)
    for model, budget in ((bert, 1), (dataclasses.replace(bert, head=small_head), 4096)):
        again = filled(model, prompts, first, order, budget)
        assert all(np.array_equal(whole[key], again[key]) for key in whole)


def test_filling_leaves_the_prompts_as_they_were(bert: LoadedModel) -> None:
    (prompt,) = mask_prompts(bert.tokenizer, [("[X] is [Y]", "lima")], 2)
    before = prompt.ids.copy()
    filled(bert, [prompt], {(0, 2): (np.array([7, 8]), np.array([-1.0, -0.5]))}, "confidence", 4096)
    assert np.array_equal(prompt.ids, before)
