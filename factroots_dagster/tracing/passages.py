"""Windows that hold both sides of a fact, joined page by page on arrays of numbers.

Nothing is made for each mention: a block of pages is sorted, its windows numbered, and subjects looked up
beside objects by one composite key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.tracing.matchers import (
    MATCHERS,
    SURFACE,
    WINDOWS,
    WITH_ALIASES,
    WITH_SUFFIXES,
    WORDPIECE,
)

MENTION = (
    *("page_id", "entity", "kind", "start", "end", "sentence", "chunk", "sentence_start", "sentence_end"),
)
"""Columns of mentions here: those of ENTITY_MENTIONS, with the entity and the kind as numbers."""

PASSAGE = (
    *("fact", "matcher", "length", "page_id", "subject_start", "object_start"),
    *("subject_end", "object_end", "sentence_start", "sentence_end"),
)
"""Columns of passages, in the order of their worth: one row per fact, matcher (its number in MATCHERS) and
window that holds the fact; sentence_start and sentence_end are those of the sentence with the object."""

PLACE_BITS = 31
"""No page has so many characters that a place in it, or a length, needs more bits."""

EVIDENCES = 3
"""Passages that are kept for a fact and matcher."""

LABEL, ALIAS, SUFFIX, PIECES = range(4)
"""Kinds of mentions, numbered as in `wikipedia.labels`."""

Columns = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class FactTable:
    """Facts by subject: those of entity e are rows first[e] to first[e + 1] of `fact` and `object`."""

    fact: NDArray[np.int64]
    object: NDArray[np.int64]
    first: NDArray[np.int64]

    @classmethod
    def of(cls, subjects: NDArray[np.int64], objects: NDArray[np.int64], entities: int) -> FactTable:
        """From the subject and object (entity numbers) of fact 0, 1, ..."""
        order = np.argsort(subjects, kind="stable")
        first = np.searchsorted(subjects[order], np.arange(entities + 1))
        return cls(order, objects[order], first)

    def among(self, entities: NDArray[np.int64]) -> FactTable:
        """The facts whose subjects and objects are both among these entities."""
        size = len(self.first) - 1
        present = np.zeros(size, dtype=bool)
        present[entities] = True
        subject = np.repeat(np.arange(size), np.diff(self.first))
        kept = np.flatnonzero(present[subject] & present[self.object])
        first = np.append(0, np.cumsum(np.bincount(subject[kept], minlength=size)))
        return FactTable(self.fact[kept], self.object[kept], first)


def passages(mentions: Columns, facts: FactTable, asked: Sequence[str]) -> Columns:
    """The windows of whole pages that hold a fact, by the matchers `asked`, each with its shortest passage.

    `mentions` has the columns MENTION, the result PASSAGE. A window's passage is looked for among its
    sentences that hold both sides and among the first mention of each side in it. It reaches from the
    beginning of the sentence with the earlier mention to the end of the sentence with the later.
    """
    page_id, start = mentions["page_id"], mentions["start"]
    same_page = page_id[1:] == page_id[:-1]
    if not np.all((page_id[1:] > page_id[:-1]) | (same_page & (start[1:] >= start[:-1]))):
        mentions = rows_of(mentions, np.lexsort((start, page_id)))
    # Most facts have a side that is nowhere here, and most mentions stand on a page without the other side.
    facts = facts.among(mentions["entity"])
    mentions = rows_of(mentions, of_facts_on_page(mentions, facts))
    kind = mentions["kind"]
    labels = rows_of(mentions, kind == LABEL)
    plain = passages_by(labels, facts, WINDOWS, SURFACE)
    found = [plain]
    if WORDPIECE in asked:
        found.append(passages_by(rows_of(mentions, kind == PIECES), facts, ("chunk",), (WORDPIECE,)))
    for more, matchers in ((ALIAS, WITH_ALIASES), (SUFFIX, WITH_SUFFIXES)):
        if matchers[0] not in asked:
            continue
        # Where a page holds no other form, nothing else is found than by labels.
        pages = np.unique(mentions["page_id"][kind == more])
        wider = ((kind == LABEL) | (kind == more)) & np.isin(mentions["page_id"], pages)
        same = rows_of(plain, ~np.isin(plain["page_id"], pages))
        same["matcher"] = same["matcher"] + MATCHERS.index(matchers[0])
        found += [same, passages_by(rows_of(mentions, wider), facts, WINDOWS, matchers)]
    return joined(found, PASSAGE)


def rows_of(columns: Columns, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Columns:
    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    return {name: values[rows] for name, values in columns.items()}


def joined(pieces: list[Columns], names: tuple[str, ...]) -> Columns:
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in names}


def passages_by(
    mentions: Columns, facts: FactTable, windows: tuple[str, ...], matchers: tuple[str, ...]
) -> Columns:
    """Passages of the `windows`, which are the `matchers` in order; mentions stand by page and place."""
    subject, object_, fact = {}, {}, {}
    for window in {"sentence", *windows}:
        subject[window], object_[window], fact[window] = pairs(mentions, window, facts)
    within = (subject["sentence"], object_["sentence"], fact["sentence"])
    same_chunk = mentions["chunk"][within[0]] == mentions["chunk"][within[1]]
    results = []
    for window, matcher in zip(windows, matchers, strict=True):
        s, o, f = subject[window], object_[window], fact[window]
        if window != "sentence":
            kept = same_chunk if window == "chunk" else slice(None)
            s, o, f = (
                np.concatenate([own, inner[kept]]) for own, inner in zip((s, o, f), within, strict=True)
            )
        results.append(shortest(mentions, s, o, f, window, MATCHERS.index(matcher)))
    return joined(results, PASSAGE)


def best(passages: Columns, windows: NDArray[np.int64]) -> tuple[Columns, NDArray[np.int64]]:
    """The best passages of each fact and matcher, and in how many windows it was found in all.

    `windows` tells of each row how many windows it stands for: 1 where every window has its row. The
    result's first row of a fact and matcher stands for all of its windows, the others for none, so that
    results can be put together and asked again.
    """
    # By PASSAGE[:6], as three keys for speed.
    asked = passages["fact"] * len(MATCHERS) + passages["matcher"]
    worth = (asked << PLACE_BITS) | passages["length"]
    places = (passages["subject_start"] << PLACE_BITS) | passages["object_start"]
    order = np.lexsort((places, passages["page_id"], worth))
    passages, windows = rows_of(passages, order), windows[order]
    fact, matcher = passages["fact"], passages["matcher"]
    new = np.ones(len(fact), dtype=bool)
    new[1:] = (fact[1:] != fact[:-1]) | (matcher[1:] != matcher[:-1])
    firsts = np.flatnonzero(new)
    group = np.cumsum(new) - 1
    rank = np.arange(len(fact)) - firsts[group]
    totals = np.zeros(len(fact), dtype=np.int64)
    if len(firsts):
        totals[firsts] = np.add.reduceat(windows, firsts)
    kept = rank < EVIDENCES
    return rows_of(passages, kept), totals[kept]


def window_numbers(mentions: Columns, window: str) -> NDArray[np.int64]:
    """The window of each mention, counted over all pages; mentions stand by page and place. [n]"""
    pages = mentions["page_id"]
    changes = pages[1:] != pages[:-1]
    if window != "article":
        changes |= mentions[window][1:] != mentions[window][:-1]
    return np.concatenate([[0], np.cumsum(changes)])[: len(pages)]


def first_rows(keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The distinct keys (none negative), ascending, and the first row of each: np.unique, but much faster."""
    bits = len(keys).bit_length()
    if not len(keys) or int(keys.max()).bit_length() + bits > 63:
        return np.unique(keys, return_index=True)
    # Key and row in one number: numbers are sorted several times as fast as rows by a key.
    both = np.sort((keys << bits) | np.arange(len(keys)))
    sorted_keys = both >> bits
    new = np.append(True, sorted_keys[1:] != sorted_keys[:-1])
    return sorted_keys[new], both[new] & ((1 << bits) - 1)


def pairs(
    mentions: Columns, window: str, facts: FactTable
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each window and fact in it: the rows of the first subject and object mention, and the fact."""
    entities = len(facts.first) - 1
    keys = window_numbers(mentions, window) * entities + mentions["entity"]
    unique, rows = first_rows(keys)
    entity = unique % entities if entities else unique
    counts = facts.first[entity + 1] - facts.first[entity]
    subject = np.repeat(np.arange(len(unique)), counts)
    ends = np.cumsum(counts)
    place = (
        np.arange(len(subject)) - np.repeat(ends - counts, counts) + np.repeat(facts.first[entity], counts)
    )
    wanted = unique[subject] - entity[subject] + facts.object[place]
    found = np.searchsorted(unique, wanted)
    present = found < len(unique)
    present[present] = unique[found[present]] == wanted[present]
    return rows[subject[present]], rows[found[present]], facts.fact[place[present]]


def of_facts_on_page(mentions: Columns, facts: FactTable) -> NDArray[np.bool_]:
    """Which mentions are of a side of a fact whose other side, too, stands on the page. Shape: [n]."""
    subject, object_, _ = pairs(mentions, "article", facts)
    keys = window_numbers(mentions, "article") * (len(facts.first) - 1) + mentions["entity"]
    wanted = np.unique(keys[np.concatenate([subject, object_])])
    place = np.searchsorted(wanted, keys)
    found: NDArray[np.bool_] = np.append(wanted, -1)[place] == keys
    return found


def shortest(
    mentions: Columns,
    subject: NDArray[np.int64],
    object_: NDArray[np.int64],
    fact: NDArray[np.int64],
    window: str,
    matcher: int,
) -> Columns:
    """Of the candidates (rows of mentions) for a fact and window: the shortest, then the earliest."""
    windows = window_numbers(mentions, window)[object_]
    first, last = mentions["sentence_start"], mentions["sentence_end"]
    length = np.maximum(last[subject], last[object_]) - np.minimum(first[subject], first[object_])
    starts = mentions["start"]
    places = (starts[subject] << PLACE_BITS) | starts[object_]
    order = np.lexsort((places, length, fact * len(starts) + windows))
    fact, windows = fact[order], windows[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (fact[1:] != fact[:-1]) | (windows[1:] != windows[:-1])
    kept = order[new]
    subject, object_ = subject[kept], object_[kept]
    return {
        "fact": fact[new],
        "matcher": np.full(len(kept), matcher, dtype=np.int64),
        "length": length[kept],
        "page_id": mentions["page_id"][object_],
        "subject_start": starts[subject],
        "object_start": starts[object_],
        "subject_end": mentions["end"][subject],
        "object_end": mentions["end"][object_],
        "sentence_start": first[object_],
        "sentence_end": last[object_],
    }
