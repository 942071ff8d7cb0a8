"""Token sequences in which masks stand for the object.

With most tokenizers a prompt is the template's text with [Y] replaced by k mask tokens joined by spaces. With
one that keeps the space in the word, the masks stand in the tokenized sentence in place of the object's
tokens, of which the space before it is a part (`slots`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from factroots_dagster.errors import InputError
from factroots_dagster.models.checkpoint import LoadedModel
from factroots_dagster.models.forward import Batch
from factroots_dagster.probing.slots import SentenceSlots, fill_template, object_token_ids

Ids = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Prompt:
    """One token sequence: question `question` asked with `k` masks, which are at `positions` [k] of `ids`.

    source: what the encoder before a decoder reads.
    """

    question: int
    k: int
    ids: Ids
    positions: Ids
    source: Ids | None = None


def length_of(prompt: Prompt) -> int:
    """The tokens of the longer of what is read: the prompt, or the encoder's source."""
    return max(len(prompt.ids), 0 if prompt.source is None else len(prompt.source))


def batch_of(model: LoadedModel, prompts: Sequence[Prompt]) -> Batch:
    """Prompts as a batch, whose tokens of interest are those at their positions."""
    return Batch(
        model,
        [prompt.ids for prompt in prompts],
        [prompt.positions for prompt in prompts],
        [prompt.source for prompt in prompts],
    )


def prompts_of_all_counts(
    tokenizer: Any, questions: list[tuple[str, str]], counts: Sequence[int], slots: SentenceSlots | None
) -> list[Prompt]:
    """The prompts of every mask count, one for each question (template, subject).

    slots: of a tokenizer that keeps the space in the word, else None.

    Most texts are tokenized once, with one mask, and further masks are inserted beside it; those of a
    template whose text shows that the tokenizer would do otherwise are tokenized with every count.
    """
    if not counts:
        return []
    if slots is not None:
        in_sentences = list(sentence_prompts(tokenizer.mask_token_id, slots, questions))
        return [_with_masks(prompt, k) for k in counts for prompt in in_sentences]
    single = list(mask_prompts(tokenizer, questions, 1))
    insertable = _templates_with_insertable_masks(tokenizer, questions, single, counts)
    others = [question for question, (template, _) in enumerate(questions) if template not in insertable]
    prompts: list[Prompt] = []
    for k in counts:
        tokenized: Mapping[int, Prompt] = {}
        if others:
            spelled_out = mask_prompts(tokenizer, [questions[question] for question in others], k)
            tokenized = dict(zip(others, spelled_out, strict=True))
        prompts += [
            replace(tokenized[question], question=question)
            if question in tokenized
            else _with_masks(prompt, k)
            for question, prompt in enumerate(single)
        ]
    return prompts


def _templates_with_insertable_masks(
    tokenizer: Any, questions: list[tuple[str, str]], single: list[Prompt], counts: Sequence[int]
) -> set[str]:
    """The templates whose prompts of one mask become those of k masks by inserting further masks beside it.

    One question per template is compared: tokenizers split off special tokens before anything else, so that
    the text around the masks does not matter.
    """
    first_question: dict[str, int] = {}
    for question, (template, _) in enumerate(questions):
        first_question.setdefault(template, question)
    return {
        template
        for template, question in first_question.items()
        if all(
            _same_tokens(
                _with_masks(single[question], k), next(mask_prompts(tokenizer, [questions[question]], k))
            )
            for k in counts
        )
    }


def _with_masks(prompt: Prompt, k: int) -> Prompt:
    """A prompt of one mask with k masks in its place."""
    at = int(prompt.positions[0])
    masks = np.full(k, prompt.ids[at], np.int32)
    ids = np.concatenate([prompt.ids[:at], masks, prompt.ids[at + 1 :]])
    return Prompt(prompt.question, k, ids, np.arange(at, at + k, dtype=np.int32))


def _same_tokens(one: Prompt, other: Prompt) -> bool:
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.positions, other.positions)


def mask_prompts(tokenizer: Any, questions: list[tuple[str, str]], k: int) -> Iterator[Prompt]:
    """The prompts of k masks, one for each (template, subject).

    Raises InputError for a broken template, and where the tokenizer does not keep the k masks of [Y] apart.
    """
    mask = tokenizer.mask_token
    texts = [fill_template(template, subject, " ".join([mask] * k)) for template, subject in questions]
    encoded = tokenizer([text for text, _ in texts])["input_ids"]
    for question, ((text, start), token_ids) in enumerate(zip(texts, encoded, strict=True)):
        ids = np.array(token_ids, np.int32)
        positions = np.flatnonzero(ids == tokenizer.mask_token_id)
        if len(positions) != k:  # the subject is or holds a mask token: only those of [Y] count
            offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
            ends = np.array([end for _, end in offsets])[positions]
            in_object = (ends > start) & (ends <= start + len(mask) * k + k - 1)
            positions = positions[in_object]
        if len(positions) != k:
            raise InputError(
                f"template {questions[question][0]!r}: the tokenizer makes {len(positions)} mask tokens "
                f"of {k}",
                "put spaces around [Y]",
            )
        yield Prompt(question, k, ids, positions.astype(np.int32))


def sentence_prompts(
    mask_id: int, slots: SentenceSlots, questions: Sequence[tuple[str, str]]
) -> Iterator[Prompt]:
    """The prompts of one mask that stands in the sentence in place of the object's tokens, one a question.

    Raises InputError for a broken template.
    """
    for question, (before, after) in enumerate(slots.contexts(questions)):
        ids = np.array([*before, mask_id, *after], np.int32)
        yield Prompt(question, 1, ids, np.array([len(before)], np.int32))


def prompts_of_answers(
    model: LoadedModel, questions: Sequence[tuple[str, str]], lengths: Sequence[int]
) -> Iterator[Prompt]:
    """The prompt of each (template, subject) with as many masks as its answer has tokens, 1 at least."""
    counts = [max(1, length) for length in lengths]
    if model.in_sentence:
        singles = sentence_prompts(model.mask_id, SentenceSlots(model.tokenizer), questions)
        yield from (_with_masks(prompt, k) for prompt, k in zip(singles, counts, strict=True))
    else:
        for question, k in zip(questions, counts, strict=True):
            yield next(mask_prompts(model.tokenizer, [question], k))


def answer_ids(
    model: LoadedModel, questions: Sequence[tuple[str, str]], answers: Sequence[str]
) -> list[tuple[int, ...]]:
    """The tokens of each answer as the object of its (template, subject)."""
    if not model.in_sentence:
        return object_token_ids(model.tokenizer, answers, model.space_id)
    slots = SentenceSlots(model.tokenizer)
    pairs = zip(questions, answers, strict=True)
    return [slots.object_ids(question, [answer])[0] for question, answer in pairs]
