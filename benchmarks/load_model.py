"""A masked model of mBERT's shape that is cheap to run and right about one fact in ten: a load generator.

mBERT's vocabulary and 12 layers of 3,072 neurons, but a hidden size of 48. The two uppermost layers hold a
small model that was trained on prompts of the facts themselves; their other neurons, and the ten layers
below, have small random weights that hardly change what passes through. What it computes says nothing about
language models: only the amounts of work and data are those of a real one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import torch
from transformers import BertConfig, BertForMaskedLM
from transformers.models.bert.tokenization_bert import BertTokenizerFast

from factroots_dagster.probing.masking import Prompt, mask_prompts
from factroots_dagster.probing.slots import object_token_ids
from factroots_dagster.tables import zip_columns

LAYERS, NEURONS, HIDDEN, HEADS = 12, 3072, 48, 4
TRAINED_LAYERS, TRAINED_NEURONS = 2, 512
MOST_TOKENS = 4
"""Objects of more tokens are not trained."""
BATCH, RATE = 256, 2e-3
QUIET = -15.0
"""The bias of every token that no object has, so that answers are objects."""


class Lesson(NamedTuple):
    """A prompt and the tokens that belong at its masks."""

    prompt: Prompt
    answer: tuple[int, ...]


def make_load_model(
    tokenizer: BertTokenizerFast,
    splits: Sequence[pa.Table],
    folder: Path,
    *,
    seed: int,
    rows: int,
    steps: int,
    progress: Callable[[str], None],
) -> None:
    """Train the model on rows of splits (MLAMA_SPLIT), at most `rows` of each, and save it in a folder.

    progress receives a line now and then.
    """
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    lessons = [lesson for split in splits for lesson in _draw_lessons(tokenizer, split, rows, random)]
    special = [tokenizer.pad_token_id, tokenizer.mask_token_id]
    ids = np.unique(np.concatenate([special, *(lesson.prompt.ids for lesson in lessons)]))
    answers = np.unique(np.concatenate([lesson.answer for lesson in lessons]))
    token_ids = np.union1d(ids, answers)
    small = BertForMaskedLM(_config(len(token_ids), TRAINED_LAYERS, TRAINED_NEURONS))
    _train(small, lessons, token_ids, answers, tokenizer, random, steps, progress)
    grow(small, token_ids, answers, len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)


def _config(vocabulary: int, layers: int, neurons: int) -> BertConfig:
    return BertConfig(
        vocab_size=vocabulary,
        hidden_size=HIDDEN,
        num_hidden_layers=layers,
        num_attention_heads=HEADS,
        intermediate_size=neurons,
        max_position_embeddings=512,
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
        initializer_range=HIDDEN**-0.5,
        tie_word_embeddings=False,
    )


def _draw_lessons(
    tokenizer: BertTokenizerFast, split: pa.Table, rows: int, random: np.random.Generator
) -> Iterator[Lesson]:
    chosen = split.take(np.sort(random.permutation(len(split))[:rows]))
    answers = object_token_ids(tokenizer, chosen["object"].to_pylist(), None)
    questions = list(zip_columns(chosen, "template", "subject"))
    for count in range(1, MOST_TOKENS + 1):
        numbers = [number for number, answer in enumerate(answers) if len(answer) == count]
        if not numbers:
            continue
        prompts = mask_prompts(tokenizer, [questions[number] for number in numbers], count)
        for number, prompt in zip(numbers, prompts, strict=True):
            if len(prompt.ids) <= 512:
                yield Lesson(prompt, answers[number])


def _train(
    model: BertForMaskedLM,
    lessons: Sequence[Lesson],
    token_ids: npt.NDArray[np.int64],
    answers: npt.NDArray[np.int64],
    tokenizer: BertTokenizerFast,
    random: np.random.Generator,
    steps: int,
    progress: Callable[[str], None],
) -> None:
    """Fit the model to the lessons. token_ids: the ids that it has, ascending; answers: those of objects."""
    # What leaves the embeddings has mean 0 and variance 1, so that layers that do nothing can come between.
    model.bert.embeddings.LayerNorm.requires_grad_(False)
    by_length = sorted(range(len(lessons)), key=lambda number: len(lessons[number].prompt.ids))
    starts = list(range(0, len(by_length), BATCH))
    columns = torch.from_numpy(np.searchsorted(token_ids, answers))
    optimizer = torch.optim.Adam(
        [weights for weights in model.parameters() if weights.requires_grad], lr=RATE
    )
    schedule = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.05, steps)
    model.train()
    for step in range(1, steps + 1):
        start = starts[random.integers(len(starts))]
        batch = [lessons[number] for number in by_length[start : start + BATCH]]
        longest = max(len(lesson.prompt.ids) for lesson in batch)
        ids = np.full((len(batch), longest), tokenizer.pad_token_id)
        for row, lesson in enumerate(batch):
            ids[row, : len(lesson.prompt.ids)] = lesson.prompt.ids
        rows = np.repeat(np.arange(len(batch)), [len(lesson.answer) for lesson in batch])
        places = np.concatenate([lesson.prompt.positions for lesson in batch])
        targets = np.searchsorted(answers, np.concatenate([lesson.answer for lesson in batch]))
        states = model.bert(
            torch.from_numpy(np.searchsorted(token_ids, ids)),
            attention_mask=torch.from_numpy(ids != tokenizer.pad_token_id),
        ).last_hidden_state[torch.from_numpy(rows), torch.from_numpy(places).long()]
        head = model.cls.predictions
        logits = head.transform(states) @ head.decoder.weight[columns].T + head.decoder.bias[columns]
        loss = torch.nn.functional.cross_entropy(logits, torch.from_numpy(targets))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        if step % 200 == 0 or step == steps:
            progress(f"load model: step {step:,} of {steps:,}, loss {loss.item():.2f}")
    model.eval()


def grow(
    small: BertForMaskedLM, token_ids: npt.NDArray[np.int64], answers: npt.NDArray[np.int64], vocabulary: int
) -> BertForMaskedLM:
    """A model of mBERT's shape that answers as the small one does.

    token_ids: of the small model's tokens in the whole vocabulary, ascending; answers: those of objects.
    """
    large = BertForMaskedLM(_config(vocabulary, LAYERS, NEURONS)).eval()
    places = torch.from_numpy(token_ids)
    with torch.no_grad():
        words = large.bert.embeddings.word_embeddings.weight
        words[places] = small.bert.embeddings.word_embeddings.weight
        for name in ("position_embeddings", "token_type_embeddings"):
            weights = getattr(small.bert.embeddings, name).weight
            getattr(large.bert.embeddings, name).weight.copy_(weights)
        for layer in large.bert.encoder.layer:
            layer.attention.output.dense.weight.mul_(1e-3)
            layer.intermediate.dense.weight.normal_(0, HIDDEN**-0.5)
            layer.output.dense.weight.normal_(0, 1e-5)
        upper: list[Any] = list(large.bert.encoder.layer)[-TRAINED_LAYERS:]
        lower: list[Any] = list(small.bert.encoder.layer)
        for layer, trained in zip(upper, lower, strict=True):
            layer.attention.load_state_dict(trained.attention.state_dict())
            layer.output.LayerNorm.load_state_dict(trained.output.LayerNorm.state_dict())
            neurons = torch.randperm(NEURONS)[:TRAINED_NEURONS]
            layer.intermediate.dense.weight[neurons] = trained.intermediate.dense.weight
            layer.intermediate.dense.bias[neurons] = trained.intermediate.dense.bias
            layer.output.dense.weight[:, neurons] = trained.output.dense.weight
            layer.output.dense.bias.copy_(trained.output.dense.bias)
        large.cls.predictions.transform.load_state_dict(small.cls.predictions.transform.state_dict())
        decoder, trained_decoder = large.cls.predictions.decoder, small.cls.predictions.decoder
        rows, trained_rows = torch.from_numpy(answers), torch.from_numpy(np.searchsorted(token_ids, answers))
        decoder.weight[rows] = trained_decoder.weight[trained_rows]
        decoder.bias.fill_(QUIET)
        decoder.bias[rows] = trained_decoder.bias[trained_rows]
    return large
