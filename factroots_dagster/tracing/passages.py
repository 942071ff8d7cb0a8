"""Windows that hold both sides of a fact, joined page by page on arrays of numbers.

Nothing is made for each mention: a block of pages is sorted, its windows numbered, and subjects looked up
beside objects by one composite key.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

MATCHERS = ("sentence", "chunk", "article")

BLOCK_ROWS = 1_000_000
"""Mentions that are joined at a time, whole pages; it bounds the memory of a worker."""

PLACED = ("page_id", "entity", "start", "sentence", "chunk", "sentence_start", "sentence_end")

PASSAGES = pa.schema(
    [
        (name, pa.int64())
        for name in (
            "fact",
            "matcher",
            "page_id",
            "length",
            "subject_start",
            "object_start",
            "sentence_start",
            "sentence_end",
        )
    ]
)
"""One row per fact, matcher (its number) and window that holds the fact, with the window's passage;
sentence_start and sentence_end are those of the sentence with the object."""

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


def passages_in_batches(batches: Iterable[pa.RecordBatch], facts: FactTable) -> Iterator[pa.RecordBatch]:
    """Mentions (columns PLACED), each page's in one piece, to PASSAGES."""
    kept: list[Columns] = []
    rows = 0
    for batch in batches:
        kept.append({name: batch[name].to_numpy() for name in PLACED})
        rows += batch.num_rows
        if rows < BLOCK_ROWS:
            continue
        block = joined(kept)
        pages = block["page_id"]
        # The last page may go on in the next batch.
        whole = int(np.searchsorted(pages, pages[-1]))
        yield from arrow(passages({name: values[:whole] for name, values in block.items()}, facts))
        kept = [{name: values[whole:] for name, values in block.items()}]
        rows -= whole
    if kept:
        yield from arrow(passages(joined(kept), facts))


def joined(pieces: list[Columns]) -> Columns:
    return {name: np.concatenate([piece[name] for piece in pieces]) for name in PLACED}


def arrow(columns: Columns) -> Iterator[pa.RecordBatch]:
    if len(columns["fact"]):
        yield pa.RecordBatch.from_arrays(
            [pa.array(columns[name]) for name in PASSAGES.names], schema=PASSAGES
        )


def passages(mentions: Columns, facts: FactTable) -> Columns:
    """The windows of whole pages that hold a fact, each with its shortest passage (columns of PASSAGES).

    A window's passage is looked for among its sentences that hold both sides and among the first mention
    of each side in it. It reaches from the beginning of the sentence with the earlier mention to the end
    of the sentence with the later.
    """
    order = np.lexsort((mentions["start"], mentions["page_id"]))
    mentions = {name: values[order] for name, values in mentions.items()}
    subject, object_, fact = {}, {}, {}
    for matcher in MATCHERS:
        subject[matcher], object_[matcher], fact[matcher] = pairs(mentions, matcher, facts)
    within = (subject["sentence"], object_["sentence"], fact["sentence"])
    same_chunk = mentions["chunk"][within[0]] == mentions["chunk"][within[1]]
    results = []
    for number, matcher in enumerate(MATCHERS):
        s, o, f = subject[matcher], object_[matcher], fact[matcher]
        if matcher != "sentence":
            kept = same_chunk if matcher == "chunk" else slice(None)
            s, o, f = (
                np.concatenate([own, inner[kept]]) for own, inner in zip((s, o, f), within, strict=True)
            )
        results.append(shortest(mentions, s, o, f, matcher, number))
    return {name: np.concatenate([result[name] for result in results]) for name in PASSAGES.names}


def window_numbers(mentions: Columns, matcher: str) -> NDArray[np.int64]:
    """The window of each mention, counted over all pages; mentions stand by page and place. [n]"""
    pages = mentions["page_id"]
    changes = pages[1:] != pages[:-1]
    if matcher != "article":
        changes |= mentions[matcher][1:] != mentions[matcher][:-1]
    return np.concatenate([[0], np.cumsum(changes)])[: len(pages)]


def pairs(
    mentions: Columns, matcher: str, facts: FactTable
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """For each window and fact in it: the rows of the first subject and object mention, and the fact."""
    entities = len(facts.first) - 1
    keys = window_numbers(mentions, matcher) * entities + mentions["entity"]
    unique, rows = np.unique(keys, return_index=True)
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


def shortest(
    mentions: Columns,
    subject: NDArray[np.int64],
    object_: NDArray[np.int64],
    fact: NDArray[np.int64],
    matcher: str,
    number: int,
) -> Columns:
    """Of the candidates (rows of mentions) for a fact and window: the shortest, then the earliest."""
    window = window_numbers(mentions, matcher)[object_]
    first, last = mentions["sentence_start"], mentions["sentence_end"]
    length = np.maximum(last[subject], last[object_]) - np.minimum(first[subject], first[object_])
    starts = mentions["start"]
    order = np.lexsort((starts[object_], starts[subject], length, window, fact))
    fact, window = fact[order], window[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (fact[1:] != fact[:-1]) | (window[1:] != window[:-1])
    kept = order[new]
    subject, object_ = subject[kept], object_[kept]
    return {
        "fact": fact[new],
        "matcher": np.full(len(kept), number, dtype=np.int64),
        "page_id": mentions["page_id"][object_],
        "length": length[kept],
        "subject_start": starts[subject],
        "object_start": starts[object_],
        "sentence_start": first[object_],
        "sentence_end": last[object_],
    }
