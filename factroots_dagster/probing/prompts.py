"""From the rows of one relation in one language to the token sequences that a masked model is given.

A prompt is a row's template with [X] replaced by the raw subject label and [Y] by k mask tokens joined by
spaces, k = 1..K, where K is the largest number of tokens among the relation's objects in that language;
mask counts that no object of the relation can need are left out. Equal prompts are run once. The prior is
asked in the same way, with [X] replaced by a single mask token, whatever the subject's length: the model
learns neither the subject nor how long its name is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.errors import InputError

Ids = npt.NDArray[np.int32]
MaskCounts = Literal["relation", "object"]
"""With how many masks a question is asked: all counts that its relation needs, or those of its objects."""

_SLOT = re.compile(r"\[[XY]\]")


@dataclass(frozen=True)
class Prompt:
    """One token sequence: question `question` asked with `k` masks, which are at `positions` [k] of `ids`."""

    question: int
    k: int
    ids: Ids
    positions: Ids


@dataclass
class RelationPrompts:
    """The questions, candidates and prompts of one (language, relation).

    A question is a distinct (template, subject), or a template with its subject masked (the prior).
    Candidates are the distinct object labels. Rows are those of the relation, in their order in the split.
    """

    row_question: list[int] = field(default_factory=list)  # for each row: its question, prior and candidate
    row_prior: list[int] = field(default_factory=list)
    row_candidate: list[int] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)  # of the candidates
    candidate_ids: list[tuple[int, ...]] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)  # (template, subject)
    max_tokens: int = 0  # K
    mask_counts: tuple[int, ...] = ()  # those that are run, ascending
    prompts: list[Prompt] = field(default_factory=list)
    complete: bool = True  # every question, the prior's too, is asked with all mask counts
    too_long: set[int] = field(default_factory=set)  # questions that exceed the model's context


def object_token_ids(tokenizer: Any, labels: Sequence[str], space_id: int | None) -> list[tuple[int, ...]]:
    """Token ids of each label without special tokens and without the bare SentencePiece space token.

    tokenizer: of transformers, or anything called alike. space_id: see `models.tokenizer`.
    """
    encoded = tokenizer(list(labels), add_special_tokens=False)["input_ids"] if labels else []
    return [tuple(token for token in ids if token != space_id) for ids in encoded]


def fill_template(template: str, subject: str, object_text: str) -> tuple[str, int]:
    """The template with both slots filled, and where the object's text begins in it (in code points).

    Both slots are filled in one pass, so that a label that contains "[Y]" stays a label.
    Raises InputError unless the template holds one [X] and one [Y].
    """
    if template.count("[X]") != 1 or template.count("[Y]") != 1:
        raise InputError(f"template {template!r} does not hold one [X] and one [Y]", "correct the template")
    text = _SLOT.sub(lambda slot: subject if slot.group() == "[X]" else object_text, template)
    start = template.index("[Y]")
    return text, start + (len(subject) - 3 if template.index("[X]") < start else 0)


def build_prompts(
    tokenizer: Any,
    rows: pa.Table,
    *,
    space_id: int | None,
    max_length: int,
    mask_counts: MaskCounts = "relation",
) -> RelationPrompts:
    """The questions, candidates and prompts of one (language, relation).

    rows: columns template, subject, object of MLAMA_SPLIT. Questions whose longest prompt has more than
    max_length tokens are listed in `too_long` and have no prompts; nothing is ever truncated.

    mask_counts: "relation" asks every question with each count that an object of the relation can need.
    "object" asks it only with those that its own gold objects can need, and the prior not at all: full
    matches and neurons come out the same for a fraction of the prompts, but candidates cannot be ranked.
    Raises InputError for a broken template.
    """
    templates, subjects, objects = (
        rows.column(name).to_pylist() for name in ("template", "subject", "object")
    )
    relation = RelationPrompts(labels=sorted(set(objects)))
    relation.candidate_ids = object_token_ids(tokenizer, relation.labels, space_id)
    relation.max_tokens = max((len(ids) for ids in relation.candidate_ids), default=0)
    relation.mask_counts = needed_mask_counts(relation.candidate_ids, space_id)
    candidate_of = {label: index for index, label in enumerate(relation.labels)}
    relation.row_candidate = [candidate_of[label] for label in objects]
    number: dict[tuple[str, str], int] = {}
    relation.row_question = [
        number.setdefault(question, len(number)) for question in zip(templates, subjects, strict=True)
    ]
    for template in dict.fromkeys(templates):
        number.setdefault((template, tokenizer.mask_token), len(number))
    relation.row_prior = [number[(template, tokenizer.mask_token)] for template in templates]
    relation.questions = list(number)
    prompts = _prompts_of_all_counts(tokenizer, relation.questions, relation.mask_counts)
    relation.too_long = {prompt.question for prompt in prompts if len(prompt.ids) > max_length}
    relation.complete = mask_counts == "relation"
    own_counts = None if relation.complete else _own_mask_counts(relation, space_id)
    relation.prompts = [
        prompt
        for prompt in prompts
        if prompt.question not in relation.too_long
        and (own_counts is None or prompt.k in own_counts[prompt.question])
    ]
    return relation


def _own_mask_counts(relation: RelationPrompts, space_id: int | None) -> list[set[int]]:
    """For each question the mask counts that one of its own gold objects can need."""
    own: list[set[int]] = [set() for _ in relation.questions]
    for question, candidate in zip(relation.row_question, relation.row_candidate, strict=True):
        tokens = len(relation.candidate_ids[candidate])
        own[question].update(
            k for k in relation.mask_counts if k == tokens or (space_id is not None and k > tokens > 0)
        )
    return own


def needed_mask_counts(candidates: Sequence[tuple[int, ...]], space_id: int | None) -> tuple[int, ...]:
    """The mask counts that an object of the relation can need: the objects' numbers of tokens.

    Leaving out the others loses no full match and no candidate's score; `partial_match`, defined over every
    count from 1 to K, is then over those that are run.

    Where the vocabulary has a bare space token, which is dropped from answers, an object can also be the
    answer at more masks than it has tokens: there all counts from the shortest object's to the longest's are
    needed.
    """
    tokens = {len(ids) for ids in candidates} - {0}
    if space_id is not None and tokens:
        return tuple(range(min(tokens), max(tokens) + 1))
    return tuple(sorted(tokens))


def _prompts_of_all_counts(
    tokenizer: Any, questions: list[tuple[str, str]], counts: Sequence[int]
) -> list[Prompt]:
    """The prompts of every mask count, one for each question.

    Most texts are tokenized once, with one mask, and further masks are inserted beside it; those of a
    template whose text shows that the tokenizer would do otherwise are tokenized with every count.
    """
    if not counts:
        return []
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
