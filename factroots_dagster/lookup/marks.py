"""Marking the two sides of a fact in the sentence that is its evidence."""

from __future__ import annotations

import re
from functools import partial
from typing import Any

import numpy as np

from factroots_dagster.lookup.trace import TracedFact
from factroots_dagster.text.inflection.endings import compare_words
from factroots_dagster.text.normalization import normalize, normalize_with_positions

Span = tuple[int, int]
"""Start and end in a sentence, in code points."""

SUBJECT_SIGNS, OBJECT_SIGNS = "[]", "<>"


def mark_sides(fact: TracedFact, evidence: dict[str, Any]) -> str:
    """The evidence's sentence with the [subject] and the <object> marked where they are in it."""
    sentence: str = evidence["sentence"]
    marks: list[tuple[int, int, int, int, str]] = []
    sides = zip(find_sides(fact, evidence), (SUBJECT_SIGNS, OBJECT_SIGNS), strict=True)
    for rank, (span, signs) in enumerate(sides):
        if span is not None:
            start, end = span
            # At one position closing signs come before opening ones, and those of the inner span first.
            marks += [(end, 0, -start, -rank, signs[1]), (start, 1, -end, rank, signs[0])]
    marked, position = "", 0
    for mark, _, _, _, sign in sorted(marks):
        marked += sentence[position:mark] + sign
        position = mark
    return marked + sentence[position:]


def find_sides(fact: TracedFact, evidence: dict[str, Any]) -> tuple[Span | None, Span | None]:
    """The spans of subject and object in the evidence's sentence; None for a side that is not in it.

    The evidence's own positions count from the start of the article. So of all occurrences of the labels
    those are taken that are equally far apart; where a label does not occur, its inflected forms of the
    evidence's length; a side under another name is located by that distance. Evidence outside the article's
    text has no positions: then each label is looked for by itself.
    """
    sentence = evidence["sentence"]
    find = partial(find_names, sentence, language=fact.language)
    if evidence["subject_start"] is None:
        labels = (fact.subject, fact.object)
        subjects, objects = (find(label, len(label)) for label in labels)
        first = [starts[0] if starts else None for starts in (subjects, objects)]
        subject, object_ = (
            None if start is None else (start, start + len(label))
            for start, label in zip(first, labels, strict=True)
        )
        return subject, object_
    distance = evidence["subject_start"] - evidence["object_start"]
    subject_length, object_length = (
        evidence[f"{side}_end"] - evidence[f"{side}_start"] for side in ("subject", "object")
    )
    subjects, objects = find(fact.subject, subject_length), find(fact.object, object_length)
    pairs = [(s, o) for o in objects for s in subjects if s - o == distance]
    if not pairs and len(objects) == 1 and not subjects:
        pairs = [(objects[0] + distance, objects[0])]
    elif not pairs and len(subjects) == 1 and not objects:
        pairs = [(subjects[0], subjects[0] - distance)]
    if pairs:
        s, o = pairs[0]
        if min(s, o) >= 0 and max(s + subject_length, o + object_length) <= len(sentence):
            return (s, s + subject_length), (o, o + object_length)
    first_subject = (subjects[0], subjects[0] + subject_length) if subjects else None
    first_object = (objects[0], objects[0] + object_length) if objects else None
    return first_subject, first_object


def find_names(sentence: str, label: str, length: int, *, language: str) -> list[int]:
    """Where `label` starts in `sentence`, or if it does not occur, forms of it that are so long."""
    if starts := find_label(sentence, label, language=language):
        return starts
    normal_label = normalize(label, language)
    return [
        match.start()
        for match in re.finditer(r"\b\w", sentence)
        if compare_words(normal_label, normalize(sentence[match.start() :][:length], language)) is not None
    ]


def find_label(sentence: str, label: str, *, language: str) -> list[int]:
    """Where `label` starts in `sentence`, compared in normalized form like mentions."""
    text, positions = normalize_with_positions(sentence, language)
    pattern = re.escape(normalize(label, language))
    starts = [match.start() for match in re.finditer(f"(?={pattern})", text)]
    return starts if positions is None else positions.start(np.array(starts, dtype=np.int64)).tolist()
