"""Mentions of a fact's two sides that overlap: what is inside the other name is not a mention of its own.

"Microsoft SQL Server" alone does not mention Microsoft beside it, and one "Cork" cannot be both sides of a
fact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.tables import is_among
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.tracing.kinds import LABEL

Rows = NDArray[np.int64]
Candidates = tuple[Rows, Rows, Rows]
"""Rows of mentions of a subject and of an object in one window, and the fact; each [n]."""


@dataclass(frozen=True)
class Overlaps:
    """Overlaps of subjects with objects among some mentions.

    facts, rows: facts and rows of mentions that overlap with a mention of the fact's other side, [n] each.
    nested: keys `fact * mentions + row` of those that lie strictly inside such a mention, which do not count
    for the fact. Only labels make labels not count, so that further names never take a source away.
    """

    facts: Rows
    rows: Rows
    nested: Rows


def find_overlaps(mentions: Mapping[str, Rows], facts: Candidates, entities: int) -> Overlaps:
    """Overlaps of the sides of facts; mentions are sorted by page and start.

    mentions: at least page_id, entity, kind, start and end. facts: subject, object (numbers of entities) and
    number of each. entities: how many there are.
    """
    subject, object_, fact = facts
    start, end, entity = mentions["start"], mentions["end"], mentions["entity"]
    is_label = mentions["kind"] == LABEL
    keys = subject * entities + object_
    order = np.argsort(keys, kind="stable")
    unique_keys, first = np.unique(keys[order], return_index=True)
    offsets = np.append(first, len(keys))
    left, right = _overlapping_pairs(mentions["page_id"], start, end)
    same = np.flatnonzero(np.isin(entity, subject[subject == object_]))
    subject_row = np.concatenate([left, right, same])
    object_row = np.concatenate([right, left, same])
    pair_keys = entity[subject_row] * entities + entity[object_row]
    position = np.searchsorted(unique_keys, pair_keys)
    is_fact = np.append(unique_keys, -1)[position] == pair_keys
    pair, fact_row = rows_of_groups(offsets, position[is_fact])
    subject_row, object_row = subject_row[is_fact][pair], object_row[is_fact][pair]
    facts_of_pairs = fact[order[fact_row]]
    nested = []
    for inner, outer in ((subject_row, object_row), (object_row, subject_row)):
        inside = (start[outer] <= start[inner]) & (end[inner] <= end[outer])
        inside &= end[inner] - start[inner] < end[outer] - start[outer]
        inside &= is_label[outer] | ~is_label[inner]
        nested.append(facts_of_pairs[inside] * len(start) + inner[inside])
    return Overlaps(
        np.concatenate([facts_of_pairs, facts_of_pairs]),
        np.concatenate([subject_row, object_row]),
        np.unique(np.concatenate(nested)),
    )


def _overlapping_pairs(page_id: Rows, start: Rows, end: Rows) -> tuple[Rows, Rows]:
    """Rows of mentions on one page whose spans overlap, the earlier row first; sorted by page and start."""
    pairs = [(np.zeros(0, dtype=np.int64),) * 2]
    left, distance = np.arange(len(start)), 1
    while len(left):
        left = left[left + distance < len(start)]
        right = left + distance
        # What does not reach a row does not reach the rows after it.
        left = left[(start[right] < end[left]) & (page_id[right] == page_id[left])]
        pairs.append((left, left + distance))
        distance += 1
    lefts, rights = zip(*pairs, strict=True)
    return np.concatenate(lefts), np.concatenate(rights)


def separate_sides(
    candidates: Candidates, mentions: Mapping[str, Rows], window: Rows, overlaps: Overlaps
) -> Candidates:
    """Candidates whose sides are disjoint, of all windows that have such.

    candidates: the first mentions of both sides of each fact in each window. window: of each mention. Where
    sides overlap in a window, mentions that do not count are passed over; if the first ones that do overlap,
    candidates are the earliest with the subject before the object, and with the object before the subject.
    """
    subject, object_, fact = candidates
    windows = int(window.max(initial=-1)) + 1
    keys_of_overlaps = np.sort(overlaps.facts * windows + window[overlaps.rows])
    overlapping = is_among(fact * windows + window[subject], keys_of_overlaps)
    if not overlapping.any():
        return candidates
    sides = [side[overlapping] for side in (subject, object_)]
    fact_of_group = fact[overlapping]
    subjects, objects = (
        _counted_mentions(first, mentions["entity"], window, fact_of_group, overlaps.nested)
        for first in sides
    )
    firsts = [_first_of_groups(group, row, len(fact_of_group)) for group, row in (subjects, objects)]
    has_both = (firsts[0] >= 0) & (firsts[1] >= 0)
    start, end = mentions["start"], mentions["end"]
    is_disjoint = (end[firsts[0]] <= start[firsts[1]]) | (end[firsts[1]] <= start[firsts[0]])
    chosen = np.flatnonzero(has_both & is_disjoint)
    results = [tuple(side[~overlapping] for side in candidates)]
    results.append((firsts[0][chosen], firsts[1][chosen], fact_of_group[chosen]))
    open_groups = has_both & ~is_disjoint
    before, after = _earliest_in_order(subjects, objects, open_groups, start, end)
    found = np.flatnonzero(after >= 0)
    results.append((before[found], after[found], fact_of_group[found]))
    before, after = _earliest_in_order(objects, subjects, open_groups, start, end)
    found = np.flatnonzero(after >= 0)
    results.append((after[found], before[found], fact_of_group[found]))
    subject, object_, fact = (np.concatenate(parts) for parts in zip(*results, strict=True))
    return subject, object_, fact


def _counted_mentions(first: Rows, entity: Rows, window: Rows, fact: Rows, nested: Rows) -> tuple[Rows, Rows]:
    """Group and row of the mentions of some entities in windows, ascending, without those that are nested.

    first: row of one such mention of each group, which tells entity and window, [groups]. fact: [groups].
    """
    size = int(entity.max(initial=0)) + 1
    keys = window * size + entity
    order = np.argsort(keys, kind="stable")
    in_order = keys[order]
    offsets = np.append(np.flatnonzero(np.append(True, np.diff(in_order) != 0)[: len(keys)]), len(keys))
    group, position = rows_of_groups(offsets, np.searchsorted(in_order[offsets[:-1]], keys[first]))
    row = order[position]
    counts = ~is_among(fact[group] * len(entity) + row, nested)
    return group[counts], row[counts]


def _first_of_groups(group: Rows, row: Rows, groups: int) -> Rows:
    """The first row of each group, -1 for a group without any; `group` is ascending. [groups]"""
    first = np.full(groups, -1, dtype=np.int64)
    numbers, positions = np.unique(group, return_index=True)
    first[numbers] = row[positions]
    return first


def _earliest_in_order(
    former: tuple[Rows, Rows], latter: tuple[Rows, Rows], is_open: NDArray[np.bool_], start: Rows, end: Rows
) -> tuple[Rows, Rows]:
    """For each open group the earliest mention after one of the other side and the first before it, or -1."""
    groups = len(is_open)
    first_end = np.full(groups, np.iinfo(np.int64).max)
    np.minimum.at(first_end, former[0], end[former[1]])
    follows = is_open[latter[0]] & (start[latter[1]] >= first_end[latter[0]])
    after = _first_of_groups(latter[0][follows], latter[1][follows], groups)
    precedes = (after[former[0]] >= 0) & (end[former[1]] <= start[after[former[0]]])
    before = _first_of_groups(former[0][precedes], former[1][precedes], groups)
    return before, after
