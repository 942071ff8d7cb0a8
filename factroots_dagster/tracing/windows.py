"""From passages that mention both sides of pairs to what `statements` needs to know of them, and back."""

from __future__ import annotations

import re

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from factroots_dagster.tables import number_values, zip_columns
from factroots_dagster.tracing.contexts import hash_words
from factroots_dagster.tracing.cue_words import Words, number_words, score_cue_words, score_templates
from factroots_dagster.tracing.matchers import MATCHERS, WINDOWS
from factroots_dagster.tracing.passages import Columns
from factroots_dagster.tracing.statements import Windows

MAX_EVIDENCE = 3
"""Passages that are kept of a fact and matcher."""

PLACE_COLUMNS = ("fact", "part", "page_id", "subject_start", "subject_end", "object_start", "object_end")
"""Columns of passages that say which passage it is, whatever matcher found it."""

DISAMBIGUATION = re.compile(r"\s*[(（].*[)）]$")
"""What follows the name in the title of an article whose name others have, too."""

CLOSE = 150
"""Characters between the sides, at most, where words are learned from."""

SIDES = re.compile(r"\[[XY]\]")
"""Where a template has subject and object."""

_CLOSENESS = np.array(
    [WINDOWS.index(each.window) if each.window in WINDOWS else 0 for each in MATCHERS.values()]
)
"""Of each matcher; a cell, a list item or a heading is as close as a sentence."""


def number_places(passages: Columns) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """The distinct passages among those of all matchers: the first row of each, the number of each row's, and
    the closest window in which a matcher found it (0 for a sentence). PLACE_COLUMNS are looked at.
    """
    order = np.lexsort([passages[name] for name in PLACE_COLUMNS])
    differs = [np.diff(passages[name][order]) != 0 for name in PLACE_COLUMNS]
    begins = np.append(True, np.any(differs, axis=0))[: len(order)]
    number = np.empty(len(order), dtype=np.int64)
    number[order] = np.cumsum(begins) - 1
    closeness = np.full(int(begins.sum()), len(WINDOWS), dtype=np.int64)
    np.minimum.at(closeness, number, _CLOSENESS[passages["matcher"]])
    return order[begins], number, closeness


def gather_windows(
    places: Columns, closeness: NDArray[np.int64], texts: pa.Table, pairs: pa.Table, facts: int
) -> Windows:
    """What is known of passages, one row per place.

    places: PASSAGE_COLUMNS, and `pair`, a row of `pairs`. closeness: see `number_places`. texts: SENTENCES,
    row by row. pairs: PAIR_COLUMNS, of which the first `facts` are facts.
    """
    pair = places["pair"]
    names, relation = number_values(pairs["relation"])
    relations = names.to_pylist()
    subject = number_values(pairs["subject_uri"])[1][pair]
    relation = relation[pair]
    first_end = np.minimum(places["subject_end"], places["object_end"])
    distance = np.maximum(0, np.maximum(places["subject_start"], places["object_start"]) - first_end)
    is_fact = pair < facts
    close = (closeness == 0) & (distance < CLOSE)
    read = _read_words(texts, _templates(pairs, relations))
    titles = [DISAMBIGUATION.sub("", title or "").casefold() for title in texts["title"].to_pylist()]
    subject_title, object_title = (
        np.array([name.casefold() == title for name, title in zip(labels, titles, strict=True)], dtype=bool)
        for labels in (pairs[side].take(pa.array(pair)).to_pylist() for side in ("subject", "object"))
    )
    return Windows(
        pair=pair,
        relation=relation,
        relations=tuple(relations),
        is_fact=is_fact,
        closeness=closeness,
        distance=distance,
        length=places["length"],
        cues=score_cue_words(read, relation, pair, subject, is_fact, close),
        template=score_templates(read, relation),
        marks=texts["marks"].to_numpy(),
        lines=texts["lines"].to_numpy(),
        bare=texts["bare"].to_numpy(),
        subject_title=subject_title,
        object_title=object_title,
    )


def _templates(pairs: pa.Table, relations: list[str]) -> list[str]:
    """The template of each relation, without the places of its sides."""
    templates = dict(zip_columns(pairs, "relation", "template"))
    return [SIDES.sub(" ", templates[name] or "") for name in relations]


def _read_words(texts: pa.Table, templates: list[str]) -> Words:
    """The words of the windows, and of the relations' templates after them."""
    hashed = hash_words(templates)
    words = texts["words"].combine_chunks()
    window = np.repeat(np.arange(len(words)), pc.list_value_length(words).to_numpy())
    return number_words(
        np.concatenate([window, len(words) + hashed.text]),
        np.concatenate([words.flatten().to_numpy(), hashed.word]),
        len(words) + len(templates),
    )


def select_evidence(
    passages: Columns, windows: NDArray[np.int64], probability: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of the passages of each fact and matcher that state it most probably, the best first; and the
    windows that each stands for: the first of them for all.

    passages: PASSAGE_COLUMNS by fact, matcher and rank. windows: of each. probability: of each; NaN where the
    passage is no evidence of anything. Of equally probable ones the shorter is better, as `select_best` ranks
    them.
    """
    rows = np.flatnonzero(~np.isnan(probability))
    group = passages["fact"][rows] * len(MATCHERS) + passages["matcher"][rows]
    order = np.lexsort((-probability[rows], group))
    rows, group = rows[order], group[order]
    first = np.flatnonzero(np.append(True, np.diff(group) != 0)[: len(rows)])
    rank = np.arange(len(rows)) - np.repeat(first, np.diff(np.append(first, len(rows))))
    totals = np.zeros(len(rows), dtype=np.int64)
    if len(first):
        totals[first] = np.add.reduceat(windows[rows], first)
    kept = rank < MAX_EVIDENCE
    return rows[kept], totals[kept]
