"""Windows that mention both sides of a fact, joined page by page on arrays of numbers.

No object is created per mention: a block of pages is sorted, its windows are numbered, and subjects are
matched with objects by one composite key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, product
from operator import attrgetter

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.tables import unique_with_first_row
from factroots_dagster.text.offsets import rows_of_groups
from factroots_dagster.tracing.kinds import LABEL
from factroots_dagster.tracing.matchers import MATCHERS, SURFACE, Matcher
from factroots_dagster.tracing.overlaps import Candidates, find_overlaps, separate_sides

MENTION_COLUMNS = (
    *("page_id", "entity", "kind", "start", "end", "sentence", "chunk", "sentence_start", "sentence_end"),
)
"""Columns of mentions here: those of ENTITY_MENTIONS, with entity and kind as numbers."""

PASSAGE_COLUMNS = (
    *("fact", "matcher", "length", "page_id", "subject_start", "object_start"),
    *("subject_end", "object_end", "sentence_start", "sentence_end"),
)
"""Columns of passages: one row per fact, matcher and window that holds the fact, ranked by the first six.

`matcher` is its number in MATCHERS; sentence_start and sentence_end are those of the object's sentence."""

POSITION_BITS = 31
"""No page has so many characters that a position in it, or a length, needs more bits."""

MAX_CANDIDATES = 6
"""Passages of a fact and matcher that may become its evidence: the shortest."""

MATCHER_NUMBERS = {name: number for number, name in enumerate(MATCHERS)}

Columns = dict[str, NDArray[np.int64]]
"""Columns of a table by name, each [rows]."""


@dataclass(frozen=True)
class FactTable:
    """Facts by subject: those about entity e are rows `offsets[e]` to `offsets[e + 1]` of the columns."""

    fact: NDArray[np.int64]
    object: NDArray[np.int64]
    offsets: NDArray[np.int64]

    @classmethod
    def build(cls, subjects: NDArray[np.int64], objects: NDArray[np.int64], entities: int) -> FactTable:
        """From the subject and object (numbers of entities) of fact 0, 1, ..., and the number of entities."""
        order = np.argsort(subjects, kind="stable")
        offsets = np.searchsorted(subjects[order], np.arange(entities + 1))
        return cls(order, objects[order], offsets)

    @property
    def subject(self) -> NDArray[np.int64]:
        """The subject of each row."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))

    def restricted_to(self, entities: NDArray[np.int64]) -> FactTable:
        """The facts whose subjects and objects are both among these entities."""
        size = len(self.offsets) - 1
        present = np.zeros(size, dtype=bool)
        present[entities] = True
        subject = self.subject
        kept = np.flatnonzero(present[subject] & present[self.object])
        offsets = np.append(0, np.cumsum(np.bincount(subject[kept], minlength=size)))
        return FactTable(self.fact[kept], self.object[kept], offsets)


def find_passages(mentions: Columns, facts: FactTable, matchers: Sequence[str]) -> Columns:
    """The windows of whole pages that hold a fact, by each of the matchers, with their shortest passages.

    mentions: MENTION_COLUMNS, rows in any order. Returns PASSAGE_COLUMNS in no particular order. Candidates
    for a window's passage are the first mention of each side in the window, and in each of its sentences that
    mentions both, with disjoint spans (see `overlaps.separate_sides`). A passage reaches from the start of
    the sentence with the earlier mention to the end of the sentence with the later.
    """
    page_id, start = mentions["page_id"], mentions["start"]
    same_page = page_id[1:] == page_id[:-1]
    if not np.all((page_id[1:] > page_id[:-1]) | (same_page & (start[1:] >= start[:-1]))):
        mentions = take_rows(mentions, np.lexsort((start, page_id)))
    # Most facts lack a mention of one side here, and most mentions are on a page without the other side.
    facts = facts.restricted_to(mentions["entity"])
    mentions = take_rows(mentions, has_other_side_on_page(mentions, facts))
    kind = mentions["kind"]
    labels = take_rows(mentions, kind == LABEL)
    by_labels = find_by_family(labels, facts, [MATCHERS[name] for name in SURFACE])
    results = [empty_rows(PASSAGE_COLUMNS)]
    for kinds, family in _families(matchers):
        counted = np.isin(kind, kinds)
        if LABEL in kinds:
            # Where a page has nothing but labels, a family finds what labels alone find.
            pages = np.unique(mentions["page_id"][counted & (kind != LABEL)])
            results.append(_as_found_by_family(by_labels, family, pages))
            counted &= np.isin(mentions["page_id"], pages)
        results.append(find_by_family(take_rows(mentions, counted), facts, family))
    return concatenate_rows(results, PASSAGE_COLUMNS)


def _families(matchers: Sequence[str]) -> list[tuple[tuple[int, ...], list[Matcher]]]:
    """The matchers by the kinds of mentions that count for them."""
    by_kinds = attrgetter("kinds")
    rows = sorted((MATCHERS[name] for name in matchers), key=by_kinds)
    return [(kinds, list(family)) for kinds, family in groupby(rows, by_kinds)]


def _as_found_by_family(by_labels: Columns, family: list[Matcher], pages: NDArray[np.int64]) -> Columns:
    """Passages by the SURFACE matchers on all but these pages, as found by the family in the same windows."""
    number_in_family = np.full(len(MATCHERS), -1, dtype=np.int64)
    for surface, matcher in product(SURFACE, family):
        if matcher.window == MATCHERS[surface].window:
            number_in_family[MATCHER_NUMBERS[surface]] = MATCHER_NUMBERS[matcher.name]
    number = number_in_family[by_labels["matcher"]]
    kept = np.flatnonzero((number >= 0) & ~np.isin(by_labels["page_id"], pages))
    return take_rows(by_labels, kept) | {"matcher": number[kept]}


def empty_rows(names: Sequence[str]) -> Columns:
    """A table without rows."""
    return {name: np.zeros(0, dtype=np.int64) for name in names}


def take_rows(columns: Columns, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
    """Some rows of a table, by a mask or by their numbers."""
    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    return {name: values[rows] for name, values in columns.items()}


def concatenate_rows(tables: Sequence[Columns], names: Sequence[str]) -> Columns:
    """The named columns of several tables, one after the other."""
    return {name: np.concatenate([table[name] for table in tables]) for name in names}


def find_by_family(mentions: Columns, facts: FactTable, family: Sequence[Matcher]) -> Columns:
    """Passages by matchers for which all of the mentions count; these are sorted by page and position."""
    windows = {"sentence", *(matcher.window for matcher in family)}
    sides = (facts.subject, facts.object, facts.fact)
    overlaps = find_overlaps(mentions, sides, len(facts.offsets) - 1)
    candidates = {
        window: separate_sides(
            _find_candidates(mentions, window, facts), mentions, _window_numbers(mentions, window), overlaps
        )
        for window in windows
    }
    in_sentence = candidates["sentence"]
    same_chunk = np.flatnonzero(mentions["chunk"][in_sentence[0]] == mentions["chunk"][in_sentence[1]])
    results = []
    for matcher in family:
        subject, object_, fact = own = candidates[matcher.window]
        if matcher.window != "sentence":
            kept = same_chunk if matcher.window == "chunk" else slice(None)
            both = zip(own, in_sentence, strict=True)
            subject, object_, fact = (np.concatenate([rows, inner[kept]]) for rows, inner in both)
        results.append(_select_shortest(mentions, (subject, object_, fact), matcher))
    return concatenate_rows(results, PASSAGE_COLUMNS)


def select_best(passages: Columns, windows: NDArray[np.int64]) -> tuple[Columns, NDArray[np.int64]]:
    """The best passages of each fact and matcher, and the number of windows in which it was found in all.

    windows: how many windows each row stands for, [rows]; 1 where every window has its own row. In the result
    the first row of a fact and matcher stands for all of its windows and the others for none, so that
    several results can be concatenated and passed in again.
    """
    # By PASSAGE_COLUMNS[:6], as three keys for speed.
    group = passages["fact"] * len(MATCHERS) + passages["matcher"]
    group_and_length = (group << POSITION_BITS) | passages["length"]
    positions = (passages["subject_start"] << POSITION_BITS) | passages["object_start"]
    order = np.lexsort((positions, passages["page_id"], group_and_length))
    passages, windows = take_rows(passages, order), windows[order]
    is_first = _begins_group(group[order])
    first_rows = np.flatnonzero(is_first)
    rank = np.arange(len(order)) - first_rows[np.cumsum(is_first) - 1]
    totals = np.zeros(len(order), dtype=np.int64)
    if len(first_rows):
        totals[first_rows] = np.add.reduceat(windows, first_rows)
    kept = rank < MAX_CANDIDATES
    return take_rows(passages, kept), totals[kept]


def _begins_group(*columns: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether each row differs in any of the columns, [n] each, from the row before it. [n]"""
    begins = np.ones(len(columns[0]), dtype=bool)
    begins[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return begins


def _window_numbers(mentions: Columns, window: str) -> NDArray[np.int64]:
    """The window of each mention, counted over all pages; mentions are sorted by page and position. [n]"""
    names = ("page_id",) if window == "article" else ("page_id", window)
    return np.cumsum(_begins_group(*(mentions[name] for name in names))) - 1


def _find_candidates(mentions: Columns, window: str, facts: FactTable) -> Candidates:
    """The first mention of the subject and of the object of each fact in each window that has both."""
    entities = len(facts.offsets) - 1
    keys = _window_numbers(mentions, window) * entities + mentions["entity"]
    unique_keys, rows = unique_with_first_row(keys)
    entity = unique_keys % entities if entities else unique_keys
    subject, fact_row = rows_of_groups(facts.offsets, entity)
    object_key = unique_keys[subject] - entity[subject] + facts.object[fact_row]
    object_ = np.searchsorted(unique_keys, object_key)
    is_present = object_ < len(unique_keys)
    is_present[is_present] = unique_keys[object_[is_present]] == object_key[is_present]
    return rows[subject[is_present]], rows[object_[is_present]], facts.fact[fact_row[is_present]]


def has_other_side_on_page(mentions: Columns, facts: FactTable) -> NDArray[np.bool_]:
    """Which mentions are of one side of a fact whose other side is mentioned on the page, too. Shape: [n]."""
    subject, object_, _ = _find_candidates(mentions, "article", facts)
    keys = _window_numbers(mentions, "article") * (len(facts.offsets) - 1) + mentions["entity"]
    keys_of_facts = np.unique(keys[np.concatenate([subject, object_])])
    position = np.searchsorted(keys_of_facts, keys)
    has_other_side: NDArray[np.bool_] = np.append(keys_of_facts, -1)[position] == keys
    return has_other_side


def _select_shortest(mentions: Columns, candidates: Candidates, matcher: Matcher) -> Columns:
    """PASSAGE_COLUMNS: of the candidates for a fact and window the shortest, then the earliest."""
    subject, object_, fact = candidates
    window = _window_numbers(mentions, matcher.window)[object_]
    first, last, start = mentions["sentence_start"], mentions["sentence_end"], mentions["start"]
    length = np.maximum(last[subject], last[object_]) - np.minimum(first[subject], first[object_])
    positions = (start[subject] << POSITION_BITS) | start[object_]
    order = np.lexsort((positions, length, fact * len(start) + window))
    kept = order[_begins_group(fact[order], window[order])]
    subject, object_ = subject[kept], object_[kept]
    return {
        "fact": fact[kept],
        "matcher": np.full(len(kept), MATCHER_NUMBERS[matcher.name], dtype=np.int64),
        "length": length[kept],
        "page_id": mentions["page_id"][object_],
        "subject_start": start[subject],
        "object_start": start[object_],
        "subject_end": mentions["end"][subject],
        "object_end": mentions["end"][object_],
        "sentence_start": first[object_],
        "sentence_end": last[object_],
    }
