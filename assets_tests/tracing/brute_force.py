"""Mentions and splits in their simplest form, for comparison with what the package finds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pyarrow as pa

from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.text.sentences.boundaries import sentence_starts
from factroots_dagster.text.tokens import character_classes


def split_of(facts: list[tuple[str, str, str, str, str]], language: str = "en") -> pa.Table:
    """MLAMA_SPLIT of facts (uuid, subject_uri, subject, object_uri, object); what tracing ignores is null."""
    rows = [
        dict.fromkeys(MLAMA_SPLIT.names)
        | {"uuid": uuid, "language": language, "relation": "P17", "subject_uri": s_uri, "subject": s}
        | {"object_uri": o_uri, "object": o}
        for uuid, s_uri, s, o_uri, o in facts
    ]
    return pa.Table.from_pylist(rows, MLAMA_SPLIT)


def mentions_by_brute_force(
    text: str, names: set[tuple[str, str]], language: str = "en"
) -> set[tuple[str, str, int, int]]:
    """Every occurrence of every name (entity, name) that cuts no word: entity, name, start, end.

    A small first letter may be a capital where a sentence begins. The text must hold no other spelling that
    matching takes for the names'.
    """
    mentions = set()
    classes = character_classes(text).tolist()
    edges = sentence_starts(text, language).tolist()
    for entity, name in names:
        for spelling in {name, name[:1].title() + name[1:]}:
            start = text.find(spelling)
            while start >= 0:
                end = start + len(spelling)
                cut_before = start > 0 and classes[start - 1] == 1 and classes[start] == 1
                cut_after = end < len(text) and classes[end - 1] == 1 and classes[end] == 1
                sentence = max(edge for edge in edges if edge <= start)
                counts = spelling == name or not any(map(str.isalnum, text[sentence:start]))
                if not cut_before and not cut_after and counts:
                    mentions.add((entity, name, start, end))
                start = text.find(spelling, start + 1)
    return mentions


Span = tuple[int, int]


def is_nested(span: Span, is_label: bool, others: list[tuple[Span, bool]]) -> bool:
    """Whether a span lies strictly inside one of the others, each given with whether it is a label's.

    Only labels hold labels.
    """
    start, end = span
    holders = [other for other, of_label in others if of_label or not is_label]
    longer = [(first, last) for first, last in holders if last - first > end - start]
    return any(first <= start and end <= last for first, last in longer)


def candidate_pairs(
    subjects: list[Any], objects: list[Any], span: Callable[[Any], Span]
) -> list[tuple[Any, Any]]:
    """The first mentions of a window if they are disjoint, else the earliest disjoint pair in each order.

    subjects, objects: mentions that are not nested. span: where a mention starts and ends.
    """

    def precedes(former: Any, latter: Any) -> bool:
        return span(former)[1] <= span(latter)[0]

    if not subjects or not objects:
        return []
    first_pair = min(subjects, key=span), min(objects, key=span)
    if precedes(*first_pair) or precedes(*reversed(first_pair)):
        return [first_pair]
    every = [(subject, object_) for subject in subjects for object_ in objects]
    orders = (
        [pair for pair in every if precedes(*pair)],
        [pair for pair in every if precedes(*reversed(pair))],
    )
    return [min(pairs, key=lambda pair: sorted(map(span, pair), reverse=True)) for pairs in orders if pairs]
