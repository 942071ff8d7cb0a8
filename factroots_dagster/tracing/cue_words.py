"""Words that tell which windows state a fact: cue words of a relation, and the words of its cloze template.

Cue words stand around facts of a relation more often than around its mismatched pairs. A word's weight is
the logarithm of how much more often, among pairs that meet closely: what is far apart says little about the
words. Words that are rare in a relation are drawn towards their weight in all relations, and that towards 0.
They are learned without the subjects in the same part of the data, so that no window teaches its own score.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.tracing.contexts import hash_words

PARTS = 5
"""Parts of the data; each is scored with weights learned from the others."""

PRIOR_COUNT = 5.0
"""Occurrences of a word that its weight in all relations counts in one relation, and 0 in all relations."""

Numbers = NDArray[np.int64]


class Words(NamedTuple):
    """The distinct words of windows, as parallel arrays of window and word; numbers of windows and words."""

    window: Numbers
    word: Numbers
    windows: int
    words: int


def read_words(texts: Sequence[str]) -> Words:
    """The words of each text."""
    window, hashes = hash_words(texts)
    distinct, word = np.unique(hashes, return_inverse=True)
    return Words(window, word, len(texts), len(distinct))


def score_cue_words(
    read: Words,
    relation: Numbers,
    pair: Numbers,
    subject: Numbers,
    is_fact: NDArray[np.bool_],
    close: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """The largest weight among each window's words, at least 0. [windows]

    read: see `score_templates`. relation, pair, subject, is_fact: of each window; mismatched pairs are no
    facts. close: the windows whose words are learned from.
    """
    windows = len(relation)
    in_window = read.window < windows
    window, word = read.window[in_window], read.word[in_window]
    cells, cell = np.unique(relation[window] * read.words + word, return_inverse=True)
    scores = np.zeros(windows)
    part = subject % PARTS
    for number in range(PARTS):
        learned = close & (part != number)
        rows = np.flatnonzero(learned[window])
        # A pair counts once for a word, however often a page repeats it.
        keys = cell[rows] * (int(pair.max(initial=0)) + 1) + pair[window[rows]]
        rows = rows[np.unique(keys, return_index=True)[1]]
        chosen = np.flatnonzero(learned)
        chosen = chosen[np.unique(pair[chosen], return_index=True)[1]]
        counts, totals = [], []
        for kind in (is_fact, ~is_fact):
            counts.append(np.bincount(cell[rows[kind[window[rows]]]], minlength=len(cells)))
            of_kind = relation[chosen[kind[chosen]]]
            totals.append(np.bincount(of_kind, minlength=int(relation.max(initial=0)) + 1))
        weights = _weigh(cells % max(1, read.words), cells // max(1, read.words), counts, totals)
        scored = np.flatnonzero(part[window] == number)
        np.maximum.at(scores, window[scored], weights[cell[scored]])
    return scores


def _weigh(
    word: Numbers, relation: Numbers, counts: Sequence[Numbers], totals: Sequence[Numbers]
) -> NDArray[np.float64]:
    """The weight of every cell, which is a word in a relation. [cells]

    counts: pairs around which the word stands, of facts and of mismatched pairs, [cells] each. totals: pairs
    of each relation, likewise.
    """
    overall = [np.bincount(word, count)[word] if len(word) else count.astype(np.float64) for count in counts]
    # One occurrence more, so that a word that is around none of these pairs has the weight 0.
    mean = (overall[0] + overall[1] + 1) / (totals[0].sum() + totals[1].sum() + 1)
    logs = []
    for count, total, in_all in zip(counts, totals, overall, strict=True):
        pooled = (in_all + PRIOR_COUNT) / (total.sum() + PRIOR_COUNT / mean)
        logs.append(np.log((count + PRIOR_COUNT) / (total[relation] + PRIOR_COUNT / pooled)))
    weights: NDArray[np.float64] = logs[0] - logs[1]
    return weights


def score_templates(read: Words, relation: Numbers) -> NDArray[np.float64]:
    """Which share of its relation's template each window has, common words counting little. [windows]

    read: the words of the windows, and of the templates of all relations after them. relation: of each
    window. A word counts as the logarithm of how rare it is in the windows.
    """
    windows = len(relation)
    in_window = read.window < windows
    window, word = read.window[in_window], read.word[in_window]
    rarity = np.log((windows + 1) / (np.bincount(word, minlength=read.words) + 1))
    template, of_template = read.window[~in_window] - windows, read.word[~in_window]
    whole = np.bincount(template, rarity[of_template], minlength=read.windows - windows)
    found = np.isin(relation[window] * read.words + word, template * read.words + of_template)
    part = np.bincount(window[found], rarity[word[found]], minlength=windows)
    share: NDArray[np.float64] = part / np.maximum(whole[relation], 1e-9)
    return share
