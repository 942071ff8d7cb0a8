"""From the rows of one relation in one language to the token sequences that a model is asked.

A prompt is a row's template with [X] replaced by the raw subject label and [Y] by k mask tokens joined by
spaces, k = 1..K, where K is the largest object length in tokens among the relation's objects in that
language. Equal prompts are asked once. The prior is asked in the same way, with [X] replaced by one single
mask token, whatever the subject's length: the model is told neither the subject nor how long its name is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.errors import InputError

Ids = npt.NDArray[np.int32]
_SLOT = re.compile(r"\[[XY]\]")


@dataclass(frozen=True)
class Prompt:
    """One token sequence: question `question` asked with `k` masks, at `positions` of `ids`."""

    question: int
    k: int
    ids: Ids
    positions: Ids


@dataclass
class RelationPrompts:
    """All that is asked about one (language, relation).

    A question is a distinct (template, subject), or a template with its subject masked (the prior).
    Rows are those of the relation, in their order in the split; candidates are the distinct object labels.
    """

    row_question: list[int] = field(default_factory=list)
    row_prior: list[int] = field(default_factory=list)
    row_candidate: list[int] = field(default_factory=list)
    candidate_ids: list[tuple[int, ...]] = field(default_factory=list)
    questions: int = 0
    largest: int = 0  # K
    prompts: list[Prompt] = field(default_factory=list)
    too_long: set[int] = field(default_factory=set)  # questions that exceed the context


def object_token_ids(tokenizer: Any, labels: Sequence[str], space_id: int | None) -> list[tuple[int, ...]]:
    """Token ids of each label without special tokens and without the bare SentencePiece space token."""
    encoded = tokenizer(list(labels), add_special_tokens=False)["input_ids"] if labels else []
    return [tuple(token for token in ids if token != space_id) for ids in encoded]


def prompt_text(template: str, subject: str, masks: str) -> tuple[str, int]:
    """The filled template, and where in it the masks begin (in code points).

    Both slots are filled in one pass, so that a label that contains "[Y]" stays a label.
    Raises InputError unless the template holds one [X] and one [Y].
    """
    if template.count("[X]") != 1 or template.count("[Y]") != 1:
        raise InputError(f"template {template!r}: one [X] and one [Y] are needed")
    text = _SLOT.sub(lambda slot: subject if slot.group() == "[X]" else masks, template)
    start = template.index("[Y]")
    return text, start + (len(subject) - 3 if template.index("[X]") < start else 0)


def build_prompts(
    tokenizer: Any, rows: pa.Table, *, space_id: int | None, max_length: int
) -> RelationPrompts:
    """The questions, candidates and prompts of one (language, relation).

    rows: columns template, subject, object of MLAMA_SPLIT. Questions whose longest prompt has more than
    max_length tokens are listed in `too_long` and not asked; nothing is ever truncated.
    """
    templates, subjects, objects = (
        rows.column(name).to_pylist() for name in ("template", "subject", "object")
    )
    made = RelationPrompts()
    labels = sorted(set(objects))
    made.candidate_ids = object_token_ids(tokenizer, labels, space_id)
    made.largest = max((len(ids) for ids in made.candidate_ids), default=0)
    place = {label: index for index, label in enumerate(labels)}
    made.row_candidate = [place[label] for label in objects]
    asked: dict[tuple[str, str], int] = {}
    made.row_question = [asked.setdefault(key, len(asked)) for key in zip(templates, subjects, strict=True)]
    for template in dict.fromkeys(templates):
        asked.setdefault((template, tokenizer.mask_token), len(asked))
    made.row_prior = [asked[(template, tokenizer.mask_token)] for template in templates]
    made.questions = len(asked)
    prompts = [
        prompt for k in range(1, made.largest + 1) for prompt in mask_prompts(tokenizer, list(asked), k)
    ]
    made.too_long = {prompt.question for prompt in prompts if len(prompt.ids) > max_length}
    made.prompts = [prompt for prompt in prompts if prompt.question not in made.too_long]
    return made


def mask_prompts(tokenizer: Any, asked: list[tuple[str, str]], k: int) -> Iterator[Prompt]:
    """The prompts of k masks, one for each (template, subject).

    Raises InputError where the tokenizer does not keep the k mask tokens of [Y] apart.
    """
    mask = tokenizer.mask_token
    texts = [prompt_text(template, subject, " ".join([mask] * k)) for template, subject in asked]
    encoded = tokenizer([text for text, _ in texts])["input_ids"]
    for question, ((text, start), listed) in enumerate(zip(texts, encoded, strict=True)):
        ids = np.array(listed, np.int32)
        positions = np.flatnonzero(ids == tokenizer.mask_token_id)
        if len(positions) != k:  # the subject is, or holds, a mask token: only those of [Y] are asked
            offsets = tokenizer(text, return_offsets_mapping=True)["offset_mapping"]
            ends = np.array([end for _, end in offsets])[positions]
            inside = (ends > start) & (ends <= start + len(mask) * k + k - 1)
            positions = positions[inside]
        if len(positions) != k:
            raise InputError(
                f"template {asked[question][0]!r}: the tokenizer makes {len(positions)} mask tokens of {k}; "
                "put spaces around [Y]"
            )
        yield Prompt(question, k, ids, positions.astype(np.int32))
