"""Trains the sandbox's small BERT on the plain text of its dumps.

Masking is entity masking (as in ERNIE or REALM's salient spans) by corpus frequency alone: the model never
sees a prompt, a relation or the planted truth. Objects recur more often than subjects, so in effect objects
are masked more often. For one seed and one machine the weights come out the same, bit for bit.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import torch
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerBase

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.corpus import ENTITIES_WANTED, Examples, make_examples
from factroots_dagster.sandbox.schema import LOSS_LOG
from factroots_dagster.sandbox.vocabulary import build_vocabulary, make_tokenizer, save_tokenizer

THREADS = 1  # two are hardly faster at this size, and stall where other work runs beside them
PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class Recipe:
    """Sizes and rates of the training; the defaults are the measured ones."""

    # of the tokens it would take to keep every word whole; with the rarer names in pieces, as in real
    # vocabularies, a fact has neurons of its own beside those of its object
    vocabulary: float = 0.745
    layers: int = 2
    hidden: int = 128
    heads: int = 4
    intermediate: int = 512
    max_length: int = 64
    init: float = 0.05
    batch: int = 64
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    warm_up: float = 0.06
    final_rate: float = 0.02
    clip: float = 1.0
    entity_share: float = 0.9  # of the examples: one whole mention is masked; the others: tokens at random
    frequency_power: float = 2.0  # a mention is chosen in proportion to this power of its count
    beside_entity: float = 0.02  # of the other tokens of such an example
    random_share: float = 0.15
    thin_share: float = 0.25  # of the examples that name fewer than two entities: how many a pass takes
    log_every: int = 25


def train(
    texts: Mapping[str, Iterable[str]],
    folder: Path,
    *,
    seed: int,
    steps: int = 3000,
    save_at: Sequence[int] = (1000, 2000, 3000),
    entities: Mapping[str, Sequence[str]] | None = None,
    recipe: Recipe | None = None,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """Train on `texts` (language to plain texts of articles, one line a paragraph) and save checkpoints.

    `folder` (existing, empty) gets a complete Hugging Face folder `step-<number>` for each of `save_at`; the
    last step ends the annealing, earlier checkpoints are what the schedule gave. `entities` are the titles of
    articles and redirects of each language, the mentions that masking prefers. The order of the texts does
    not matter. Returns the losses (schema.LOSS_LOG); texts without a sentence raise InputError.
    """
    recipe = recipe or Recipe()
    texts = {language: sorted(texts[language]) for language in sorted(texts)}
    everything = [text for group in texts.values() for text in group]
    size = int(recipe.vocabulary * len(build_vocabulary(everything, sys.maxsize)))
    vocabulary = build_vocabulary(everything, size)
    tokenizer = make_tokenizer(vocabulary, recipe.max_length)
    examples = make_examples(texts, tokenizer, entities, recipe.max_length)
    if not examples.ids:
        raise InputError("the texts hold no sentence to train on; materialize the articles of every language")
    with _pinned(seed):
        model = _make_model(recipe, len(vocabulary), tokenizer.pad_token_id)
        model.train()
        decayed = [weight for weight in model.parameters() if weight.ndim > 1]
        others = [weight for weight in model.parameters() if weight.ndim <= 1]
        optimizer = torch.optim.AdamW(
            [{"params": decayed, "weight_decay": recipe.weight_decay}, {"params": others, "weight_decay": 0}],
            lr=recipe.learning_rate,
            betas=recipe.betas,
            fused=True,
        )
        batches = _batches(examples, tokenizer, len(vocabulary), recipe, np.random.default_rng([seed, 6]))
        rows, losses, told = [], [], time.monotonic()
        for step in range(1, steps + 1):
            rate = recipe.learning_rate * schedule(step, steps, recipe)
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses.append(_step(model, optimizer, next(batches), recipe.clip))
            if step % recipe.log_every == 0 or step == steps:
                rows.append({"step": step, "loss": float(torch.stack(losses).mean()), "learning_rate": rate})
                losses = []
            if progress and (time.monotonic() - told > PROGRESS_SECONDS or step == steps):
                told = time.monotonic()
                progress(f"training: step {step} of {steps}, loss {rows[-1]['loss'] if rows else 0:.2f}")
            if step in save_at:
                _save(model, tokenizer, folder / f"step-{step:04d}")
    return pa.Table.from_pylist(rows, schema=LOSS_LOG)


def schedule(step: int, steps: int, recipe: Recipe) -> float:
    """The learning rate's factor at `step` (from 1): linear warm-up, then linear decay to `final_rate`."""
    warm_up = max(1, round(steps * recipe.warm_up))
    if step <= warm_up:
        return step / warm_up
    return 1 - (1 - recipe.final_rate) * (step - warm_up) / max(1, steps - warm_up)


@contextlib.contextmanager
def _pinned(seed: int) -> Iterator[None]:
    """Seeded torch randomness and a fixed number of threads, both put back afterwards."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def _make_model(recipe: Recipe, vocabulary: int, pad: int) -> BertForMaskedLM:
    config = BertConfig(
        vocab_size=vocabulary,
        hidden_size=recipe.hidden,
        num_hidden_layers=recipe.layers,
        num_attention_heads=recipe.heads,
        intermediate_size=recipe.intermediate,
        max_position_embeddings=recipe.max_length,
        initializer_range=recipe.init,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        type_vocab_size=2,
        pad_token_id=pad,
    )
    return BertForMaskedLM(config)


def _step(
    model: BertForMaskedLM, optimizer: torch.optim.Optimizer, batch: Batch, clip: float
) -> torch.Tensor:
    """One update; the MLM head runs on the masked positions only. Returns the detached loss."""
    hidden = model.bert(input_ids=batch.ids, attention_mask=batch.attention).last_hidden_state
    loss = torch.nn.functional.cross_entropy(model.cls(hidden[batch.masked]), batch.targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    return loss.detach()


@dataclass(frozen=True)
class Batch:
    """Corrupted token ids and attention mask [examples, length], masked positions (bool, same shape) and the
    original ids there [masked], row by row."""

    ids: torch.Tensor
    attention: torch.Tensor
    masked: torch.Tensor
    targets: torch.Tensor


def _batches(
    examples: Examples,
    tokenizer: PreTrainedTokenizerBase,
    vocabulary: int,
    recipe: Recipe,
    random: np.random.Generator,
) -> Iterator[Batch]:
    """Endless batches of examples of about one length; a pass takes every example but thin ones once."""
    lengths = np.array([len(ids) for ids in examples.ids])
    thin = np.array([len(spans) < ENTITIES_WANTED for spans in examples.spans]) & (
        np.array([len(spans) > 0 for spans in examples.spans]).any()
    )
    while True:
        taken = ~thin | (random.random(len(thin)) < recipe.thin_share)
        groups = []
        for size in np.unique((lengths + 2) // 3):
            bucket = random.permutation(np.flatnonzero(((lengths + 2) // 3 == size) & taken))
            groups += [bucket[start : start + recipe.batch] for start in range(0, len(bucket), recipe.batch)]
        for number in random.permutation(len(groups)):
            chosen = groups[number]
            yield _corrupt(
                examples, chosen, int(lengths[chosen].max()), tokenizer, vocabulary, recipe, random
            )


def _corrupt(
    examples: Examples,
    chosen: np.ndarray,
    length: int,
    tokenizer: PreTrainedTokenizerBase,
    vocabulary: int,
    recipe: Recipe,
    random: np.random.Generator,
) -> Batch:
    """Mask one batch: 90 % of the masked tokens become [MASK], 5 % a random token, 5 % stay."""
    ids = np.full((len(chosen), length), tokenizer.pad_token_id, dtype=np.int64)
    inner = np.zeros((len(chosen), length), dtype=bool)
    masked = np.zeros((len(chosen), length), dtype=bool)
    share = np.full(len(chosen), recipe.random_share)
    for row, example in enumerate(chosen):
        tokens, spans = examples.ids[example], examples.spans[example]
        ids[row, : len(tokens)] = tokens
        inner[row, 1 : len(tokens) - 1] = True
        if len(spans) >= ENTITIES_WANTED and random.random() < recipe.entity_share:
            weights = np.cumsum(spans[:, 2].astype(np.float64) ** recipe.frequency_power)
            first, last, _ = spans[np.searchsorted(weights, random.random() * weights[-1], side="right")]
            masked[row, first:last] = True
            share[row] = recipe.beside_entity
    masked |= (random.random(ids.shape) < share[:, None]) & inner
    empty = ~masked.any(axis=1)
    masked[empty, 1] = True  # every example teaches something
    fate = random.random(ids.shape)
    corrupted = np.where(masked & (fate < 0.9), tokenizer.mask_token_id, ids)
    swapped = masked & (fate >= 0.9) & (fate < 0.95)
    corrupted = np.where(swapped, random.integers(5, vocabulary, size=ids.shape), corrupted)
    return Batch(
        torch.from_numpy(corrupted),
        torch.from_numpy((ids != tokenizer.pad_token_id).astype(np.int64)),
        torch.from_numpy(masked),
        torch.from_numpy(ids[masked]),
    )


def _save(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    folder.mkdir()
    model.save_pretrained(folder, safe_serialization=True)
    save_tokenizer(tokenizer, folder)
