"""The other ways to probe: the paper's loop, transformers' fill-mask pipeline, and lm-pub-quiz.

Written from what they are said to do, each in the way its users run it; nothing is shared with the prober.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch

BATCH = 128

Rows = list[dict[str, Any]]
Asked = tuple[int, int]  # row, mask count


@dataclass
class Found:
    """What a way found: the predicted ids by (row, k); of right rows their smallest k and their neurons."""

    predicted: dict[Asked, list[int]] = field(default_factory=dict)
    matched: dict[int, int] = field(default_factory=dict)
    neurons: dict[int, torch.Tensor] = field(default_factory=dict)  # [layers, neurons]


def papers_loop(model: Any, tokenizer: Any, rows: Rows) -> Found:
    """The published method as it is described, relation by relation.

    Batches of 128 in file order, padded, logits for every position, every mask count up to the longest
    object's, independent argmax at the masks; then a second pass over the right rows for their neurons.
    """
    found = Found()
    with torch.no_grad():
        for indices in relations(rows):
            objects = {
                index: tokenizer(rows[index]["object"], add_special_tokens=False)["input_ids"]
                for index in indices
            }
            for k in range(1, max(map(len, objects.values())) + 1):
                for start in range(0, len(indices), BATCH):
                    batch = indices[start : start + BATCH]
                    encoded = encode(tokenizer, rows, batch, [k] * len(batch))
                    logits = model(**encoded).logits
                    masks = encoded["input_ids"] == tokenizer.mask_token_id
                    for place, index in enumerate(batch):
                        answer = logits[place, masks[place]].argmax(dim=-1).tolist()
                        found.predicted[index, k] = answer
                        if answer == objects[index]:
                            found.matched.setdefault(index, k)
        right = list(found.matched)
        for start in range(0, len(right), BATCH):
            batch = right[start : start + BATCH]
            encoded = encode(tokenizer, rows, batch, [found.matched[index] for index in batch])
            with activations(model) as layers:
                model(**encoded)
            masks = encoded["input_ids"] == tokenizer.mask_token_id
            for place, index in enumerate(batch):
                found.neurons[index] = torch.stack(
                    [layer[place, masks[place]].mean(dim=0) for layer in layers]
                )
    return found


def relations(rows: Rows) -> list[list[int]]:
    """Numbers of the rows of each (language, relation), in file order."""
    found: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(rows):
        found.setdefault((row["language"], row["relation"]), []).append(index)
    return list(found.values())


def prompt(tokenizer: Any, row: dict[str, Any], k: int) -> str:
    masks = " ".join([tokenizer.mask_token] * k)
    return row["template"].replace("[X]", row["subject"]).replace("[Y]", masks)


def encode(tokenizer: Any, rows: Rows, batch: list[int], counts: list[int]) -> Any:
    texts = [prompt(tokenizer, rows[index], k) for index, k in zip(batch, counts, strict=True)]
    return tokenizer(texts, padding=True, return_tensors="pt")


@contextmanager
def activations(model: Any) -> Iterator[list[torch.Tensor]]:
    """The inputs of every BERT layer's FFN down-projection, at every position."""
    kept: list[torch.Tensor] = []
    hooks = [
        layer.output.dense.register_forward_pre_hook(lambda _module, args: kept.append(args[0]))
        for layer in model.bert.encoder.layer
    ]
    yield kept
    for hook in hooks:
        hook.remove()


def fill_mask_pipeline(model: Any, tokenizer: Any, rows: Rows, batch_size: int) -> Found:
    """transformers' fill-mask pipeline on every row's prompt of one mask, best answer only."""
    from transformers import pipeline

    fill = pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu", top_k=1)
    texts = [prompt(tokenizer, row, 1) for row in rows]
    answers = fill(texts, batch_size=batch_size)
    return Found({(index, 1): [answer[0]["token"]] for index, answer in enumerate(answers)})


def lm_pub_quiz(model: Any, tokenizer: Any, rows: Rows) -> list[list[float]]:
    """lm-pub-quiz' typed ranking (its TyQEvaluator): per row the score of every candidate of its relation.

    All prompts of a row are one batch, the largest that it makes.
    """
    from lm_pub_quiz.evaluators.tyq_evaluator import TyQEvaluator

    logging.getLogger("lm_pub_quiz").setLevel(logging.ERROR)
    evaluator = TyQEvaluator.from_model(model, tokenizer=tokenizer, device="cpu", capitalize=False)
    scores = []
    for indices in relations(rows):
        candidates = sorted({rows[index]["object"] for index in indices})
        for index in indices:
            row = rows[index]
            scores.append(
                evaluator.evaluate_instance(
                    template=row["template"],
                    answers=candidates,
                    subject=row["subject"],
                    batch_size=len(candidates),
                )
            )
    return scores
