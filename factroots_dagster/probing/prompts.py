"""From the rows of one relation in one language to the token sequences that a model is asked.

A prompt is a row's template with [X] replaced by the raw subject label and [Y] by k mask tokens joined by
spaces, k = 1..K, where K is the largest object length in tokens among the relation's objects in that
language; counts that no object of the relation can need are left out. Equal prompts are asked once. The
prior is asked in the same way, with [X] replaced by one single mask token, whatever the subject's length: the
model is told neither the subject nor how long its name is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from factroots_dagster.errors import InputError

Ids = npt.NDArray[np.int32]
MaskCounts = Literal["relation", "object"]
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
    labels: list[str] = field(default_factory=list)  # of the candidates
    candidate_ids: list[tuple[int, ...]] = field(default_factory=list)
    asked: list[tuple[str, str]] = field(default_factory=list)  # template and subject of each question
    largest: int = 0  # K
    counts: tuple[int, ...] = ()  # the mask counts that are run, ascending
    prompts: list[Prompt] = field(default_factory=list)
    complete: bool = True  # every question is asked with all counts, those of the prior too
    too_long: set[int] = field(default_factory=set)  # questions that exceed the context

    @property
    def questions(self) -> int:
        return len(self.asked)


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
    tokenizer: Any,
    rows: pa.Table,
    *,
    space_id: int | None,
    max_length: int,
    counts: MaskCounts = "relation",
) -> RelationPrompts:
    """The questions, candidates and prompts of one (language, relation).

    rows: columns template, subject, object of MLAMA_SPLIT. Questions whose longest prompt has more than
    max_length tokens are listed in `too_long` and not asked; nothing is ever truncated.

    counts: "relation" asks every question with each count that an object of the relation can need.
    "object" asks it only with those that its own right objects can need, and the prior not at all: full
    matches and neurons come out the same for a fraction of the prompts; candidates cannot be ranked.
    """
    templates, subjects, objects = (
        rows.column(name).to_pylist() for name in ("template", "subject", "object")
    )
    made = RelationPrompts(labels=sorted(set(objects)))
    made.candidate_ids = object_token_ids(tokenizer, made.labels, space_id)
    made.largest = max((len(ids) for ids in made.candidate_ids), default=0)
    made.counts = mask_counts(made.candidate_ids, space_id)
    place = {label: index for index, label in enumerate(made.labels)}
    made.row_candidate = [place[label] for label in objects]
    number: dict[tuple[str, str], int] = {}
    made.row_question = [number.setdefault(key, len(number)) for key in zip(templates, subjects, strict=True)]
    for template in dict.fromkeys(templates):
        number.setdefault((template, tokenizer.mask_token), len(number))
    made.row_prior = [number[(template, tokenizer.mask_token)] for template in templates]
    made.asked = list(number)
    prompts = _all_counts(tokenizer, made.asked, made.counts)
    made.too_long = {prompt.question for prompt in prompts if len(prompt.ids) > max_length}
    made.complete = counts == "relation"
    own = None if made.complete else _own_counts(made, space_id)
    made.prompts = [
        prompt
        for prompt in prompts
        if prompt.question not in made.too_long and (own is None or prompt.k in own[prompt.question])
    ]
    return made


def _own_counts(made: RelationPrompts, space_id: int | None) -> list[set[int]]:
    """For each question the mask counts that one of its own right objects can need."""
    own: list[set[int]] = [set() for _ in made.asked]
    for question, candidate in zip(made.row_question, made.row_candidate, strict=True):
        length = len(made.candidate_ids[candidate])
        own[question].update(
            k for k in made.counts if k == length or (space_id is not None and k > length > 0)
        )
    return own


def mask_counts(candidates: Sequence[tuple[int, ...]], space_id: int | None) -> tuple[int, ...]:
    """The mask counts that an object of the relation can need: the lengths of the objects.

    No full match and no candidate's score is lost by leaving out the others; `partial_match`, defined over
    every count from 1 to K, is then over those that are run.

    Where the vocabulary has a bare space token, which is dropped from answers, an object can also be the
    answer of more masks than it has tokens: there all counts from the shortest object's to the longest's.
    """
    lengths = {len(ids) for ids in candidates} - {0}
    if space_id is not None and lengths:
        return tuple(range(min(lengths), max(lengths) + 1))
    return tuple(sorted(lengths))


def _all_counts(tokenizer: Any, asked: list[tuple[str, str]], counts: Sequence[int]) -> list[Prompt]:
    """The prompts of every count, one for each (template, subject).

    A text is tokenised once, with one mask, and the further masks are put beside it, wherever one text of
    the same template shows that the tokenizer would do the same: what stands around masks is cut off from
    them before anything else is done to it.
    """
    first: dict[str, int] = {}
    for question, (template, _) in enumerate(asked):
        first.setdefault(template, question)
    single = list(mask_prompts(tokenizer, asked, 1)) if counts else []
    spread = {
        template: all(
            _same(_spread(single[question], k), _spelled(tokenizer, asked[question], k)) for k in counts
        )
        for template, question in first.items()
        if counts
    }
    made = []
    for k in counts:
        apart = [question for question, (template, _) in enumerate(asked) if not spread[template]]
        spelled = mask_prompts(tokenizer, [asked[question] for question in apart], k) if apart else []
        other = {question: prompt for question, prompt in zip(apart, spelled, strict=True)}
        for question, prompt in enumerate(single):
            found = other.get(question)
            made.append(
                _spread(prompt, k) if found is None else Prompt(question, k, found.ids, found.positions)
            )
    return made


def _spread(prompt: Prompt, k: int) -> Prompt:
    """A prompt of one mask, with k masks in its place."""
    at = int(prompt.positions[0])
    masks = np.full(k, prompt.ids[at], np.int32)
    ids = np.concatenate([prompt.ids[:at], masks, prompt.ids[at + 1 :]])
    return Prompt(prompt.question, k, ids, np.arange(at, at + k, dtype=np.int32))


def _spelled(tokenizer: Any, asked: tuple[str, str], k: int) -> Prompt:
    return next(mask_prompts(tokenizer, [asked], k))


def _same(one: Prompt, other: Prompt) -> bool:
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.positions, other.positions)


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
