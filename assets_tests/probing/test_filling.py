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
from factroots_dagster.probing.filling import Argmax, Order, fill_masks
from factroots_dagster.probing.masking import Prompt, mask_prompts

LONGEST = 4
ORDERS: tuple[Order, ...] = ("left_to_right", "confidence")


def questions_of(split: pa.Table) -> list[tuple[str, str]]:
    return sorted(set(zip(split["template"].to_pylist(), split["subject"].to_pylist(), strict=True)))


def prompts_of(model: LoadedModel, questions: list[tuple[str, str]]) -> list[Prompt]:
    return [prompt for k in range(1, LONGEST + 1) for prompt in mask_prompts(model.tokenizer, questions, k)]


def first_pass(folder: Path, questions: list[tuple[str, str]]) -> dict[tuple[int, int], Argmax]:
    """The argmax of plain transformers at every mask when no mask is filled."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()
    argmax = {}
    for k in range(1, LONGEST + 1):
        for question, (template, subject) in enumerate(questions):
            best = torch.log_softmax(tiny.mask_logits(model, tokenizer, template, subject, k), dim=1).max(
                dim=1
            )
            argmax[question, k] = (best.indices.numpy(), best.values.numpy())
    return argmax


def fill_one(folder: Path, order: Order) -> Callable[[str, str, int], list[int]]:
    """One prompt at a time: fill one mask, run again."""
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    model = transformers.AutoModelForMaskedLM.from_pretrained(folder).eval()

    def fill(template: str, subject: str, k: int) -> list[int]:
        text = template.replace("[Y]", " ".join([tokenizer.mask_token] * k)).replace("[X]", subject)
        ids = tokenizer(text, return_tensors="pt")["input_ids"]
        masks = [at for at, token in enumerate(ids[0].tolist()) if token == tokenizer.mask_token_id]
        empty = list(masks)
        while empty:
            with torch.inference_mode():
                probabilities = torch.softmax(model(input_ids=ids).logits[0], dim=1)
            by_confidence = sorted(empty, key=lambda at: -float(probabilities[at].max()))
            mask = empty[0] if order == "left_to_right" else by_confidence[0]
            ids[0, mask] = probabilities[mask].argmax()
            empty.remove(mask)
        return ids[0, masks].tolist()

    return fill


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("family", tiny.MASKED)
def test_answers_equal_one_prompt_at_a_time(
    family: str, order: Order, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table]
) -> None:
    folder, questions = checkpoint_of(family), questions_of(split_of(family, subjects=6))
    model = load(str(folder), device="cpu")
    first = first_pass(folder, questions)
    answers = fill_masks(model, prompts_of(model, questions), first, order, budget=300)
    assert answers.keys() == first.keys()
    fill = fill_one(folder, order)
    for (question, k), ids in answers.items():
        assert ids.tolist() == fill(*questions[question], k)
    several = [key for key in answers if key[1] > 1]
    assert any(answers[key].tolist() != first[key][0].tolist() for key in several), "filling changed nothing"


def test_the_two_orders_give_different_answers(
    bert: LoadedModel, checkpoint_of: Callable[[str], Path], split_of: Callable[..., pa.Table]
) -> None:
    questions = questions_of(split_of("bert"))
    first = first_pass(checkpoint_of("bert"), questions)
    one, other = (fill_masks(bert, prompts_of(bert, questions), first, order, 4096) for order in ORDERS)
    assert any(one[key].tolist() != other[key].tolist() for key in one)


@pytest.mark.parametrize("order", ORDERS)
def test_k_masks_cost_k_minus_one_passes(
    order: Order,
    bert: LoadedModel,
    checkpoint_of: Callable[[str], Path],
    split_of: Callable[..., pa.Table],
) -> None:
    questions = questions_of(split_of("bert"))[:5]
    first = first_pass(checkpoint_of("bert"), questions)
    sequences: list[int] = []

    def counting(_module: torch.nn.Module, _args: object, inputs: dict[str, torch.Tensor]) -> None:
        sequences.append(len(inputs["input_ids"]))

    hook = bert.model.base_model.register_forward_pre_hook(counting, with_kwargs=True)
    fill_masks(bert, prompts_of(bert, questions), first, order, 4096)
    hook.remove()
    assert sequences == [15, 10, 5]  # each question has prompts of 0, 1, 2, 3 masks after the first


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

    questions = questions_of(split_of("bert"))
    first = first_pass(checkpoint_of("bert"), questions)
    prompts = prompts_of(bert, questions)
    whole = fill_masks(bert, prompts, first, order, 100_000)
    for model, budget in ((bert, 1), (dataclasses.replace(bert, head=small_head), 4096)):
        again = fill_masks(model, prompts, first, order, budget)
        assert all(np.array_equal(whole[key], again[key]) for key in whole)


def test_filling_does_not_change_the_prompts(bert: LoadedModel) -> None:
    (prompt,) = mask_prompts(bert.tokenizer, [("[X] is [Y]", "lima")], 2)
    before = prompt.ids.copy()
    fill_masks(bert, [prompt], {(0, 2): (np.array([7, 8]), np.array([-1.0, -0.5]))}, "confidence", 4096)
    assert np.array_equal(prompt.ids, before)
