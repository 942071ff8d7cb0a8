"""Trains the sandbox's small BERT on the plain text of its dumps.

Masking is entity masking (as in ERNIE, or as REALM's salient spans) by corpus frequency alone: the model
never sees a prompt, a relation or the planted truth. Objects recur more often than subjects, so objects are
masked more often. On one machine the same seed gives the same weights, bit for bit.
"""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerBase
from transformers.models.bert.modeling_bert import BertLayer

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.schema import LOSS_LOG
from factroots_dagster.sandbox.training_examples import MIN_ENTITIES, TrainingExamples, make_examples
from factroots_dagster.sandbox.vocabulary import (
    SPECIAL_TOKENS,
    build_vocabulary,
    make_tokenizer,
    save_tokenizer,
)

THREADS = 1  # two are hardly faster at this size, and stall when other processes share the cores
PROGRESS_SECONDS = 5.0


@dataclass(frozen=True)
class TrainingConfig:
    """Sizes and rates of the training; the defaults were chosen by measurement."""

    # Share of the tokens it would take to keep every word whole. With the rarer names in pieces, as in real
    # vocabularies, a fact has neurons of its own besides those of its object.
    vocabulary_share: float = 0.745
    layers: int = 2
    hidden: int = 128
    heads: int = 4
    intermediate: int = 512
    max_length: int = 64
    initializer_range: float = 0.05
    batch_size: int = 64
    learning_rate: float = 2e-3
    betas: tuple[float, float] = (0.9, 0.98)
    weight_decay: float = 0.01
    warm_up: float = 0.06  # of the steps
    final_rate: float = 0.02  # of the learning rate
    max_gradient_norm: float = 1.0
    entity_share: float = 0.9  # of the examples with enough entities: one whole mention is masked
    frequency_power: float = 2.0  # a mention is chosen in proportion to its count to this power
    context_share: float = 0.02  # of the other tokens of such an example
    random_share: float = 0.15  # of the tokens of the other examples
    thin_share: float = 0.25  # of the examples with fewer than MIN_ENTITIES mentions: used in each epoch
    log_every: int = 25


def training_config(dials: Dials) -> TrainingConfig:
    """The training that a world's dials ask for."""
    return TrainingConfig(
        vocabulary_share=dials.vocabulary_share,
        learning_rate=dials.learning_rate,
        layers=dials.layers,
        hidden=dials.hidden,
        heads=dials.hidden // 32,
        intermediate=4 * dials.hidden,
    )


def checkpoint_steps(steps: int) -> tuple[int, ...]:
    """The steps at which a training of `steps` steps saves a checkpoint: every third of it."""
    return tuple(dict.fromkeys(max(1, steps * third // 3) for third in (1, 2, 3)))


def train(
    texts: Mapping[str, Iterable[str]],
    folder: Path,
    *,
    seed: int,
    steps: int = 3000,
    save_at: Sequence[int] = (1000, 2000, 3000),
    entities: Mapping[str, Sequence[str]] | None = None,
    vocabulary: Sequence[str] | None = None,
    learned_after: Mapping[str, int] | None = None,
    held_vectors: Mapping[str, NDArray[np.float32]] | None = None,
    config: TrainingConfig | None = None,
    progress: Callable[[str], None] | None = None,
) -> pa.Table:
    """Train on `texts` (language to plain texts of articles, one line per paragraph) and save checkpoints.

    For each step in `save_at`, `folder` (existing, empty) gets a complete Hugging Face folder
    `step-<number>`. The learning rate is annealed until the last step; earlier checkpoints are not annealed.
    `entities` are the titles of articles and redirects of each language, the mentions that masking prefers.
    `vocabulary` is built from the texts where it is not given. `learned_after` are the steps until which a
    language's texts stay out. `held_vectors`, [hidden] by token, are word vectors that the training begins
    with and leaves as they are. The order of the texts does not matter. Returns the losses (schema.LOSS_LOG).
    Raises InputError if the texts hold no sentence, or none that is read from the first step on.
    """
    config = config or TrainingConfig()
    texts = {language: sorted(texts[language]) for language in sorted(texts)}
    if vocabulary is None:
        vocabulary = build_training_vocabulary(texts, config.vocabulary_share)
    tokenizer = make_tokenizer(list(vocabulary), config.max_length)
    examples = make_examples(texts, tokenizer, entities, config.max_length)
    if not examples.ids:
        raise InputError(
            "the articles hold no sentence to train on", "materialize wikipedia_articles for every language"
        )
    with _deterministic(seed):
        model = _make_model(config, len(vocabulary), tokenizer.pad_token_id)
        model.train()
        hold = _holder(model, tokenizer, held_vectors or {})
        optimizer = _make_optimizer(model, config)
        random = np.random.default_rng([seed, 6])
        batches = draw_batches(examples, learned_after or {}, tokenizer, len(vocabulary), config, random)
        rows, losses, last_report = [], [], time.monotonic()
        for step in range(1, steps + 1):
            rate = config.learning_rate * learning_rate_factor(step, steps, config)
            for group in optimizer.param_groups:
                group["lr"] = rate
            losses.append(_step(model, optimizer, next(batches), config.max_gradient_norm))
            hold()
            if step % config.log_every == 0 or step == steps:
                rows.append({"step": step, "loss": float(torch.stack(losses).mean()), "learning_rate": rate})
                losses = []
            if progress and (time.monotonic() - last_report > PROGRESS_SECONDS or step == steps):
                last_report = time.monotonic()
                progress(f"training: step {step} of {steps}, loss {rows[-1]['loss'] if rows else 0:.2f}")
            if step in save_at:
                _save(model, tokenizer, folder / f"step-{step:04d}")
    return pa.Table.from_pylist(rows, schema=LOSS_LOG)


def learning_rate_factor(step: int, steps: int, config: TrainingConfig) -> float:
    """The factor at `step` (from 1): linear warm-up to 1, then linear decay to `config.final_rate`."""
    warm_up = max(1, round(steps * config.warm_up))
    if step <= warm_up:
        return step / warm_up
    return 1 - (1 - config.final_rate) * (step - warm_up) / max(1, steps - warm_up)


@contextlib.contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Seed torch's random numbers and fix the number of threads; restore both afterwards."""
    threads = torch.get_num_threads()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        torch.set_num_threads(THREADS)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


def build_training_vocabulary(texts: Mapping[str, Iterable[str]], share: float) -> list[str]:
    """A vocabulary of `share` of the tokens that it would take to keep every word whole."""
    all_texts = [text for language_texts in texts.values() for text in language_texts]
    size = int(share * len(build_vocabulary(all_texts, sys.maxsize)))
    return build_vocabulary(all_texts, size)


def _make_model(config: TrainingConfig, vocabulary_size: int, pad_id: int) -> BertForMaskedLM:
    return BertForMaskedLM(
        BertConfig(
            vocab_size=vocabulary_size,
            hidden_size=config.hidden,
            num_hidden_layers=config.layers,
            num_attention_heads=config.heads,
            intermediate_size=config.intermediate,
            max_position_embeddings=config.max_length,
            initializer_range=config.initializer_range,
            hidden_dropout_prob=0.0,
            attention_probs_dropout_prob=0.0,
            type_vocab_size=2,
            pad_token_id=pad_id,
        )
    )


def _holder(
    model: BertForMaskedLM,
    tokenizer: PreTrainedTokenizerBase,
    vectors: Mapping[str, NDArray[np.float32]],
) -> Callable[[], None]:
    """Set the word vectors of those tokens that there are; returns what sets them again."""
    ids = tokenizer.get_vocab()
    known = [token for token in vectors if token in ids]
    if not known:
        return lambda: None
    rows = torch.tensor([ids[token] for token in known])
    values = torch.from_numpy(np.stack([vectors[token] for token in known]))
    weights = model.bert.embeddings.word_embeddings.weight

    def hold() -> None:
        with torch.no_grad():
            weights[rows] = values

    hold()
    return hold


def _make_optimizer(model: BertForMaskedLM, config: TrainingConfig) -> torch.optim.Optimizer:
    """AdamW, without weight decay for biases and layer norms."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim > 1]
    vectors = [parameter for parameter in model.parameters() if parameter.ndim <= 1]
    return torch.optim.AdamW(
        [
            {"params": matrices, "weight_decay": config.weight_decay},
            {"params": vectors, "weight_decay": 0},
        ],
        lr=config.learning_rate,
        betas=config.betas,
        fused=True,
    )


@dataclass(frozen=True)
class MaskedBatch:
    """One batch of masked language modelling.

    `ids`: corrupted token ids, int64 [examples, length]; `attention`: attention mask, same shape; `masked`:
    masked positions, bool, same shape; `targets`: the original ids at those positions, row by row, [masked].
    """

    ids: torch.Tensor
    attention: torch.Tensor
    masked: torch.Tensor
    targets: torch.Tensor


def _step(
    model: BertForMaskedLM, optimizer: torch.optim.Optimizer, batch: MaskedBatch, max_gradient_norm: float
) -> torch.Tensor:
    """Make one update; returns the detached loss."""
    hidden = _encode_masked(model, batch)
    loss = torch.nn.functional.cross_entropy(model.cls(hidden), batch.targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_gradient_norm)
    optimizer.step()
    return loss.detach()


def _encode_masked(model: BertForMaskedLM, batch: MaskedBatch) -> torch.Tensor:
    """The last hidden states at the masked positions, row by row, [masked, hidden].

    The loss reads no others, so the last layer works on these alone once it has attended to all; that is a
    fifth to a quarter of a step.
    """
    hidden = model.bert.embeddings(input_ids=batch.ids)
    attention = batch.attention[:, None, None, :].bool()
    *below, last = cast(Sequence[BertLayer], model.bert.encoder.layer)
    for layer in below:
        hidden = layer(hidden, attention)
    attended, _ = last.attention.self(hidden, attention)
    attended = last.attention.output(attended[batch.masked], hidden[batch.masked])
    masked_states: torch.Tensor = last.output(last.intermediate(attended), attended)
    return masked_states


def draw_batches(
    examples: TrainingExamples,
    learned_after: Mapping[str, int],
    tokenizer: PreTrainedTokenizerBase,
    vocabulary_size: int,
    config: TrainingConfig,
    random: np.random.Generator,
) -> Iterator[MaskedBatch]:
    """Endless batches of examples of similar length; an epoch uses each example once, and some thin ones.

    Only languages that have entered take part; a new epoch begins where one enters.
    """
    lengths = np.array([len(ids) for ids in examples.ids])
    length_buckets = (lengths + 2) // 3
    mention_counts = np.array([len(spans) for spans in examples.spans])
    thin = (mention_counts < MIN_ENTITIES) & (mention_counts > 0).any()
    enters_after = np.array([learned_after.get(language, 0) for language in examples.languages])
    if enters_after.min() > 0:
        raise InputError("no language is read from the first step on", "let one enter after step 0")
    drawn = 0
    while True:
        in_epoch = (~thin | (random.random(len(thin)) < config.thin_share)) & (enters_after <= drawn)
        next_entry = min(enters_after[enters_after > drawn], default=sys.maxsize)
        batches: list[NDArray[np.int64]] = []
        for bucket in np.unique(length_buckets):
            indices = random.permutation(np.flatnonzero((length_buckets == bucket) & in_epoch))
            batches += [
                indices[start : start + config.batch_size]
                for start in range(0, len(indices), config.batch_size)
            ]
        for number in random.permutation(len(batches)):
            yield _mask(examples, batches[number], tokenizer, vocabulary_size, config, random)
            drawn += 1
            if drawn == next_entry:
                break


def _mask(
    examples: TrainingExamples,
    indices: NDArray[np.int64],
    tokenizer: PreTrainedTokenizerBase,
    vocabulary_size: int,
    config: TrainingConfig,
    random: np.random.Generator,
) -> MaskedBatch:
    """Mask a batch: 90 % of the masked tokens become [MASK], 5 % a random token, and 5 % stay."""
    shape = (len(indices), max(len(examples.ids[index]) for index in indices))
    ids = np.full(shape, tokenizer.pad_token_id, dtype=np.int64)
    maskable = np.zeros(shape, dtype=bool)  # all but [CLS], [SEP] and padding
    masked = np.zeros(shape, dtype=bool)
    share = np.full(len(indices), config.random_share)
    for row, index in enumerate(indices):
        tokens, spans = examples.ids[index], examples.spans[index]
        ids[row, : len(tokens)] = tokens
        maskable[row, 1 : len(tokens) - 1] = True
        if len(spans) >= MIN_ENTITIES and random.random() < config.entity_share:
            weights = np.cumsum(spans[:, 2].astype(np.float64) ** config.frequency_power)
            first, last, _ = spans[np.searchsorted(weights, random.random() * weights[-1], side="right")]
            masked[row, first:last] = True
            share[row] = config.context_share
    masked |= (random.random(shape) < share[:, None]) & maskable
    masked[~masked.any(axis=1), 1] = True  # every example teaches something
    draw = random.random(shape)
    corrupted = np.where(masked & (draw < 0.9), tokenizer.mask_token_id, ids)
    replaced = masked & (draw >= 0.9) & (draw < 0.95)
    corrupted = np.where(
        replaced, random.integers(len(SPECIAL_TOKENS), vocabulary_size, size=shape), corrupted
    )
    return MaskedBatch(
        torch.from_numpy(corrupted),
        torch.from_numpy((ids != tokenizer.pad_token_id).astype(np.int64)),
        torch.from_numpy(masked),
        torch.from_numpy(ids[masked]),
    )


def _save(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase, folder: Path) -> None:
    folder.mkdir()
    model.save_pretrained(folder, safe_serialization=True)
    save_tokenizer(tokenizer, folder)
