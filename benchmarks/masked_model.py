"""What candidate statistics do to a masked model: ask, patch, attribute, unlearn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from copy import deepcopy
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.feed_forward import find_feed_forward
from factroots_dagster.models.forward import (
    Batch,
    compute_logits,
    default_token_budget,
    forward_pass,
    split_by_token_budget,
)
from factroots_dagster.models.heads import find_vocabulary_head
from factroots_dagster.probing.answer_likelihood import Question, score_answers
from factroots_dagster.probing.masking import Prompt, mask_prompts
from factroots_dagster.probing.sentences import tokens_within
from factroots_dagster.probing.slots import fill_template, object_token_ids

STEPS = 6
"""Points at which gradients are integrated."""
EDITS, EDIT_SIZE = 2, 1.5
"""Gradient steps of an edit, and by how many nats each lowers the log-probability, to first order."""

Floats = npt.NDArray[np.float64]


class Asked(NamedTuple):
    """A question for a masked model: prompt, ids expected at its masks, positions of the subject's tokens."""

    prompt: Prompt
    answer: tuple[int, ...]
    name: list[int]

    def name_ids(self) -> list[int]:
        """The subject's tokens."""
        return self.prompt.ids[self.name].tolist()


def ask(model: LoadedModel, question: Question) -> Asked:
    """A question with as many masks as its answer has tokens."""
    template, subject, label, _ = question
    (answer,) = object_token_ids(model.tokenizer, [label], model.space_id)
    prompt = next(mask_prompts(model.tokenizer, [(template, subject)], len(answer)))
    masks = " ".join([model.tokenizer.mask_token] * len(answer))
    start = len(template.partition("[X]")[0].replace("[Y]", masks))
    text, _ = fill_template(template, subject, masks)
    offsets = model.tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
    return Asked(prompt, answer, tokens_within(offsets, start, start + len(subject)))


def _make_batch(model: LoadedModel, asked: Sequence[Asked]) -> Batch:
    return Batch(model, [each.prompt.ids for each in asked], [each.prompt.positions for each in asked])


def split_batches(model: LoadedModel, asked: Sequence[Asked]) -> Iterator[list[int]]:
    """Numbers of the questions of every batch, by length."""
    lengths = [len(each.prompt.ids) for each in asked]
    return split_by_token_budget(lengths, default_token_budget(model.device))


def read_states(model: LoadedModel, asked: Sequence[Asked]) -> list[torch.Tensor]:
    """The hidden states of every question, [1 + layers, tokens, hidden]; the first are the embeddings."""
    states: list[torch.Tensor] = [torch.empty(0)] * len(asked)
    for numbers in split_batches(model, asked):
        batch = _make_batch(model, [asked[number] for number in numbers])
        with torch.inference_mode():
            output = model.model.base_model(
                input_ids=batch.ids, attention_mask=batch.mask, output_hidden_states=True
            )
        stacked = torch.stack(output.hidden_states, dim=1)
        for number, of_question in zip(numbers, stacked, strict=True):
            states[number] = of_question[:, : len(asked[number].prompt.ids)]
    return states


def score(
    model: LoadedModel, asked: Sequence[Asked], layer: int = 0, states: Sequence[torch.Tensor] = ()
) -> Floats:
    """Mean log-probability of every answer's tokens, [asked], with the subjects' states replaced.

    states: of every question, [tokens of its name, hidden], what stands at its name after `layer` (from 1).
    Layer 0: nothing is replaced.
    """
    logprobs = np.empty(len(asked))
    for numbers in split_batches(model, asked):
        chosen = [asked[number] for number in numbers]
        patch = _patched(model, layer, chosen, [states[n] for n in numbers]) if layer else nullcontext()
        with torch.inference_mode(), patch:
            logprobs[numbers], _ = score_answers(
                model, [each.prompt for each in chosen], [each.answer for each in chosen]
            )
    return logprobs


@contextmanager
def _patched(
    model: LoadedModel, layer: int, asked: Sequence[Asked], states: Sequence[torch.Tensor]
) -> Iterator[None]:
    """Forward passes of a batch of these questions have these states at their names after the layer."""
    rows = torch.tensor([row for row, each in enumerate(asked) for _ in each.name])
    positions = torch.tensor([position for each in asked for position in each.name])
    values = torch.cat(list(states))

    def put(_module: Any, _args: Any, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[rows, positions] = values
        return output

    hook = model.model.base_model.encoder.layer[layer - 1].register_forward_hook(put)
    try:
        yield
    finally:
        hook.remove()


def _compute_logprobs(model: LoadedModel, batch: Batch, asked: Sequence[Asked]) -> torch.Tensor:
    """Mean log-probability of every answer's tokens, [asked], through which gradients flow."""
    targets = torch.tensor([token for each in asked for token in each.answer])
    logprobs = compute_logits(model, forward_pass(model, batch)).log_softmax(dim=1)
    of_tokens = logprobs.gather(1, targets[:, None])[:, 0]
    counts = torch.tensor([len(each.answer) for each in asked])
    return torch.zeros(len(asked)).index_add(0, batch.rows, of_tokens) / counts


def integrate_gradients(
    model: LoadedModel, asked: Sequence[Asked], layer: int, steps: int = STEPS
) -> torch.Tensor:
    """What each feed-forward neuron of a layer (from 0) adds to the answers' probability, [asked, neurons].

    The layer's neurons at the masks grow from zero to what they are (Dai et al., ACL 2022); the gradients are
    taken in the middle of each step and summed over masks. A question's numbers add up to the probability
    that is lost without these neurons (completeness: Sundararajan et al., ICML 2017).
    """
    batch = _make_batch(model, asked)
    neurons: list[torch.Tensor] = []

    def scale(_module: Any, args: tuple[torch.Tensor]) -> tuple[torch.Tensor]:
        whole = args[0][batch.rows, batch.positions].detach()
        neurons[:] = [whole, (share * whole).requires_grad_()]
        return (args[0].index_put((batch.rows, batch.positions), neurons[1]),)

    total = torch.zeros(())
    hook = model.ffn.blocks[layer][0].module.register_forward_pre_hook(scale)
    try:
        for step in range(steps):
            share = (step + 0.5) / steps
            probability = _compute_logprobs(model, batch, asked).exp().sum()
            (gradient,) = torch.autograd.grad(probability, neurons[1])
            total = total + gradient * neurons[0] / steps
    finally:
        hook.remove()
    return torch.zeros(len(asked), total.shape[1]).index_add(0, batch.rows, total)


def make_trainable(model: LoadedModel) -> LoadedModel:
    """A copy whose weights have gradients."""
    copy = deepcopy(model.model).requires_grad_(True)
    return replace(model, model=copy, head=find_vocabulary_head(copy), ffn=find_feed_forward(copy))


@contextmanager
def unlearned(model: LoadedModel, asked: Asked) -> Iterator[None]:
    """The model's answer is less probable within the context, after EDITS steps along the gradient.

    model: from `make_trainable`; it has its weights back afterwards.
    """
    weights = list(model.model.parameters())
    before = [weight.detach().clone() for weight in weights]
    batch = _make_batch(model, [asked])
    try:
        for _ in range(EDITS):
            logprob = _compute_logprobs(model, batch, [asked]).sum()
            gradients = torch.autograd.grad(logprob, weights, allow_unused=True, materialize_grads=True)
            squared = sum(float((gradient**2).sum()) for gradient in gradients)
            with torch.no_grad():
                for weight, gradient in zip(weights, gradients, strict=True):
                    weight -= gradient * (EDIT_SIZE / max(squared, 1e-9))
        yield
    finally:
        with torch.no_grad():
            for weight, values in zip(weights, before, strict=True):
                weight.copy_(values)
