"""The other ways to probe: the paper's loop, transformers' fill-mask pipeline, and lm-pub-quiz.

Each is written from its documentation and run as its users run it; nothing is shared with the prober.
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


@dataclass
class ProberResult:
    """Predicted ids by (row, mask count); for correct rows their smallest mask count and their neurons."""

    predicted: dict[tuple[int, int], list[int]] = field(default_factory=dict)
    matched: dict[int, int] = field(default_factory=dict)
    neurons: dict[int, torch.Tensor] = field(default_factory=dict)  # [layers, neurons]


def papers_loop(model: Any, tokenizer: Any, rows: Rows) -> ProberResult:
    """The published method as the paper describes it, relation by relation.

    Batches of 128 in file order, padded, logits for every position, every mask count up to the longest
    object's, independent argmax at the masks; then a second pass over the correct rows for their neurons.
    """
    result = ProberResult()
    with torch.no_grad():
        for indices in rows_by_relation(rows):
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
                    for row, index in enumerate(batch):
                        answer = logits[row, masks[row]].argmax(dim=-1).tolist()
                        result.predicted[index, k] = answer
                        if answer == objects[index]:
                            result.matched.setdefault(index, k)
        correct = list(result.matched)
        for start in range(0, len(correct), BATCH):
            batch = correct[start : start + BATCH]
            encoded = encode(tokenizer, rows, batch, [result.matched[index] for index in batch])
            with capture_activations(model) as layers:
                model(**encoded)
            masks = encoded["input_ids"] == tokenizer.mask_token_id
            for row, index in enumerate(batch):
                result.neurons[index] = torch.stack([layer[row, masks[row]].mean(dim=0) for layer in layers])
    return result


def rows_by_relation(rows: Rows) -> list[list[int]]:
    """The indices of the rows of each (language, relation), in file order."""
    indices: dict[tuple[str, str], list[int]] = {}
    for index, row in enumerate(rows):
        indices.setdefault((row["language"], row["relation"]), []).append(index)
    return list(indices.values())


def prompt_text(tokenizer: Any, row: dict[str, Any], k: int) -> str:
    """The row's prompt of k masks."""
    masks = " ".join([tokenizer.mask_token] * k)
    return row["template"].replace("[X]", row["subject"]).replace("[Y]", masks)


def encode(tokenizer: Any, rows: Rows, batch: list[int], counts: list[int]) -> Any:
    texts = [prompt_text(tokenizer, rows[index], k) for index, k in zip(batch, counts, strict=True)]
    return tokenizer(texts, padding=True, return_tensors="pt")


@contextmanager
def capture_activations(model: Any) -> Iterator[list[torch.Tensor]]:
    """The inputs of every BERT layer's FFN down-projection, at every position."""
    inputs: list[torch.Tensor] = []
    hooks = [
        layer.output.dense.register_forward_pre_hook(lambda _module, args: inputs.append(args[0]))
        for layer in model.bert.encoder.layer
    ]
    yield inputs
    for hook in hooks:
        hook.remove()


def fill_mask_pipeline(model: Any, tokenizer: Any, rows: Rows, batch_size: int) -> ProberResult:
    """transformers' fill-mask pipeline on every row's prompt of one mask, best answer only."""
    from transformers import pipeline

    fill = pipeline("fill-mask", model=model, tokenizer=tokenizer, device="cpu", top_k=1)
    texts = [prompt_text(tokenizer, row, 1) for row in rows]
    answers = fill(texts, batch_size=batch_size)
    return ProberResult({(index, 1): [answer[0]["token"]] for index, answer in enumerate(answers)})


def lm_pub_quiz(model: Any, tokenizer: Any, rows: Rows) -> list[list[float]]:
    """lm-pub-quiz' typed ranking (its TyQEvaluator): for each row the scores of its relation's candidates.

    All prompts of a row are one batch, the largest that lm-pub-quiz makes.
    """
    from lm_pub_quiz.evaluators.tyq_evaluator import TyQEvaluator

    logging.getLogger("lm_pub_quiz").setLevel(logging.ERROR)
    evaluator = TyQEvaluator.from_model(model, tokenizer=tokenizer, device="cpu", capitalize=False)
    scores = []
    for indices in rows_by_relation(rows):
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
