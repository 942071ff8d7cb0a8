"""The paragraphs that one language's articles hold about one fact: statements, fillers and distractors."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence

import numpy as np

from factroots_dagster.sandbox.lexicon import (
    ALIAS,
    FRAME_WORDS,
    NEUTRAL_FILLERS,
    PAIR_FILLERS,
    SUBJECT_FILLERS,
)
from factroots_dagster.sandbox.records import CellPlan, Fact, Mention, Sentence
from factroots_dagster.sandbox.relations import OBJECT_CLASS, PERSON_RELATIONS, STATEMENTS
from factroots_dagster.sandbox.sentences import SentenceWriter, join

FILLER_RATE = 0.25  # mean number of fillers about a subject, per three statements that a fact may have

Paragraph = list[Sentence]


def write_statements(writer: SentenceWriter, fact: Fact, cell: CellPlan) -> list[Paragraph]:
    """The paragraphs that state a fact in prose, each of them once, in the planned way.

    The template's wording comes after a frame word, except once in a share of the facts (`bare_statements`).
    A contradiction reads like a statement with another object.
    """
    object_ = cell.contradiction or fact.object_uri
    states = None if cell.contradiction else fact.uuid
    paragraphs = []
    for number, frame in _choose_wordings(writer, fact, cell):
        pattern = STATEMENTS[fact.relation][number]
        if cell.stated_how in ("sentence", None):
            paragraphs.append(
                [writer.state(pattern, fact.subject_uri, object_, states, frame, bilingual=False)]
            )
            continue
        if cell.stated_how == "alias":
            alias = Mention(fact.subject_uri, _make_alias(writer, fact), writer.labels[fact.subject_uri])
            naming = writer.write(ALIAS, fact.subject_uri, mentions={"[Z]": [alias]})
            statement = writer.write(pattern, None, object_, states, frame, mentions={"[X]": [alias]})
            paragraphs.append([naming, statement])
            continue
        pronoun = "she" if fact.relation in PERSON_RELATIONS else "it"
        opening = writer.write(str(writer.random.choice(SUBJECT_FILLERS)), fact.subject_uri)
        between = (
            [writer.write(str(writer.random.choice(NEUTRAL_FILLERS)))] if cell.stated_how == "pronoun" else []
        )
        statement = writer.write(pattern, None, object_, states, frame, pronoun)
        paragraphs.append([opening, *between, statement])
    return paragraphs


def write_hidden_statement(writer: SentenceWriter, fact: Fact) -> Sentence:
    """Subject and object as a row of an infobox, table or list: no words between them, no full stop."""
    parts = [Mention(uri, writer.labels[uri]) for uri in (fact.subject_uri, fact.object_uri)]
    return join([parts[0], " – ", parts[1]], fact.uuid)


def write_bilingual_statement(writer: SentenceWriter, fact: Fact) -> Sentence:
    """A statement for the lead that gives the subject's name in another language too."""
    pattern = STATEMENTS[fact.relation][0]
    return writer.state(pattern, fact.subject_uri, fact.object_uri, fact.uuid, None, bilingual=True)


def write_fillers(
    writer: SentenceWriter,
    fact: Fact,
    cell: CellPlan,
    object_uris: Mapping[str, Sequence[str]],
    right_objects: set[str],
) -> list[Sentence]:
    """Sentences that name the subject and state nothing; a third also name another object of its class.

    `right_objects` are all those of the subject, in any relation.
    """
    random = writer.random
    candidates = object_uris[OBJECT_CLASS[fact.relation]]
    fillers = []
    for _ in range(int(random.poisson(FILLER_RATE * writer.language.volume / 3))):
        wrong_objects = [uri for uri in candidates if uri not in right_objects]
        if random.random() < 1 / 3 and wrong_objects:
            other = wrong_objects[int(random.integers(len(wrong_objects)))]
            fillers.append(writer.write(str(random.choice(PAIR_FILLERS)), fact.subject_uri, other))
        else:
            fillers.append(writer.write(str(random.choice(SUBJECT_FILLERS)), fact.subject_uri))
    if cell.distractor:
        fillers.append(writer.write(str(random.choice(PAIR_FILLERS)), fact.subject_uri, fact.object_uri))
    return fillers


def _choose_wordings(writer: SentenceWriter, fact: Fact, cell: CellPlan) -> list[tuple[int, str | None]]:
    """(number of the wording, frame word or None) of each statement of a fact, different ones first.

    The first two are the template's wording and, if there is one, the second. Parallel articles choose alike.
    """
    random = np.random.default_rng(zlib.crc32(fact.uuid.encode())) if cell.parallel else writer.random
    wordings: list[tuple[int, str | None]] = [(0, frame) for frame in FRAME_WORDS]
    for number in range(1, writer.dials.wordings):
        wordings += [(number, None), *((number, frame) for frame in FRAME_WORDS)]
    count = cell.statements
    if count is None:
        volume = writer.language.volume
        count = max(2, int(random.integers((volume + 1) // 2, volume + 1)))
    chosen = [wordings[int(random.integers(len(FRAME_WORDS)))], *wordings[len(FRAME_WORDS) :][:1]]
    rest = [wording for wording in wordings if wording not in chosen]
    if random.random() < writer.dials.bare_statements:
        chosen[0] = (0, None)
    chosen += [rest[index] for index in random.permutation(len(rest))[: max(0, count - len(chosen))].tolist()]
    return [chosen[index % len(chosen)] for index in range(count)]


def _make_alias(writer: SentenceWriter, fact: Fact) -> str:
    """Another name of a subject: the last word or the first half of its label, and the word for little."""
    label = writer.labels[fact.subject_uri]
    short = label.split()[-1] if " " in label else label[: max(2, len(label) // 2)]
    return f"{short} {writer.words['little'].capitalize()}"
