"""From the rows of one relation in one language to the token sequences that a masked model is given.

A prompt (`masking`) is a row's template with [X] replaced by the raw subject label and [Y] by k mask tokens,
k = 1..K, where K is the largest number of tokens among the relation's objects in that language; mask counts
that no object of the relation can need are left out, and those at which most questions exceed the model's
context: one object of hundreds of tokens does not keep the others from being asked. Equal prompts are run
once. The prior is asked in the same way, with [X] replaced by a single mask token, whatever the subject's
length: the model learns neither the subject nor how long its name is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from factroots_dagster.probing.masking import Prompt, prompts_of_all_counts
from factroots_dagster.probing.slots import SentenceSlots, object_token_ids

MaskCounts = Literal["relation", "object"]
"""With how many masks a question is asked: all counts that its relation needs, or those of its objects."""


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
    # The candidates' ids, for every way in which the templates' slots have them written.
    spellings: list[list[tuple[int, ...]]] = field(default_factory=list)
    questions: list[tuple[str, str]] = field(default_factory=list)  # (template, subject)
    question_spelling: list[int] = field(default_factory=list)
    mask_counts: tuple[int, ...] = ()  # those that are run, ascending
    prompts: list[Prompt] = field(default_factory=list)
    complete: bool = True  # every question, the prior's too, is asked with all mask counts
    too_long: set[int] = field(default_factory=set)  # questions that exceed the model's context

    def ids_of(self, question: int, candidate: int) -> tuple[int, ...]:
        """The tokens of a candidate as the object of a question."""
        return self.spellings[self.question_spelling[question]][candidate]

    def is_too_long(self, question: int, candidate: int) -> bool:
        """Whether a question is not asked, or not with as many masks as the candidate needs."""
        tokens = len(self.ids_of(question, candidate))
        return question in self.too_long or (tokens > 0 and tokens not in self.mask_counts)


def build_prompts(
    tokenizer: Any,
    rows: pa.Table,
    *,
    space_id: int | None,
    max_length: int,
    mask_counts: MaskCounts = "relation",
    in_sentence: bool = False,
    candidates: Iterable[str] = (),
) -> RelationPrompts:
    """The questions, candidates and prompts of one (language, relation).

    rows: columns template, subject, object of MLAMA_SPLIT. Mask counts at which most questions have more than
    max_length tokens are left out. Of the others, questions whose longest prompt has more are listed in
    `too_long` and have no prompts; nothing is ever truncated.

    mask_counts: "relation" asks every question with each count that an object of the relation can need.
    "object" asks it only with those that its own gold objects can need, and the prior not at all: full
    matches and neurons come out the same for a fraction of the prompts, but candidates cannot be ranked.
    in_sentence: whether objects have the tokens of the sentence and not those of the label alone (`slots`).
    candidates: labels that compete with the rows' own objects. Raises InputError for a broken template.
    """
    templates, subjects, objects = (
        rows.column(name).to_pylist() for name in ("template", "subject", "object")
    )
    relation = RelationPrompts(labels=sorted({*objects, *candidates}))
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
    slots = SentenceSlots(tokenizer) if in_sentence else None
    space_id = None if in_sentence else space_id
    _spell_candidates(relation, tokenizer, space_id, slots)
    prompts = prompts_of_all_counts(tokenizer, relation.questions, relation.mask_counts, slots)
    fitting = Counter(prompt.k for prompt in prompts if len(prompt.ids) <= max_length)
    relation.mask_counts = tuple(k for k in relation.mask_counts if 2 * fitting[k] >= len(relation.questions))
    prompts = [prompt for prompt in prompts if prompt.k in relation.mask_counts]
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


def _spell_candidates(
    relation: RelationPrompts, tokenizer: Any, space_id: int | None, slots: SentenceSlots | None
) -> None:
    """Fills in what follows from the candidates' tokens."""
    if slots is None:
        relation.spellings = [object_token_ids(tokenizer, relation.labels, space_id)]
        relation.question_spelling = [0] * len(relation.questions)
    else:  # in a slot of one template all subjects' objects are written alike
        first_question: dict[str, tuple[str, str]] = {}
        for template, subject in relation.questions:
            first_question.setdefault(template, (template, subject))
        ids = {
            template: slots.object_ids(first, relation.labels) for template, first in first_question.items()
        }
        for spelling in ids.values():
            if spelling not in relation.spellings:
                relation.spellings.append(spelling)
        relation.question_spelling = [
            relation.spellings.index(ids[template]) for template, _ in relation.questions
        ]
    candidates = [ids for spelling in relation.spellings for ids in spelling]
    relation.mask_counts = needed_mask_counts(candidates, space_id)


def _own_mask_counts(relation: RelationPrompts, space_id: int | None) -> list[set[int]]:
    """For each question the mask counts that one of its own gold objects can need."""
    own: list[set[int]] = [set() for _ in relation.questions]
    for question, candidate in zip(relation.row_question, relation.row_candidate, strict=True):
        tokens = len(relation.ids_of(question, candidate))
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
