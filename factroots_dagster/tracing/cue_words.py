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
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.tables import number_values, unique_with_first_row

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


def number_words(window: Numbers, hashes: Numbers, windows: int) -> Words:
    """The words of windows. window, hashes: parallel arrays of window and word, see `contexts.hash_words`."""
    distinct, word = number_values(pa.array(hashes))
    return Words(window, word, windows, len(distinct))


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
    facts, and windows of one pair differ in none of these. close: the windows whose words are learned from.
    """
    windows = len(relation)
    in_window = read.window < windows
    window, word = read.window[in_window], read.word[in_window]
    distinct, cell = number_values(pa.array(relation[window] * read.words + word))
    cells = distinct.to_numpy()
    scores = np.zeros(windows)
    part = subject % PARTS
    # A pair counts once for a word, however often a page repeats it.
    rows = np.flatnonzero(close[window])
    _, first = unique_with_first_row(cell[rows] * (int(pair.max(initial=0)) + 1) + pair[window[rows]])
    learned_cell, learned_window = cell[rows[first]], window[rows[first]]
    learned_pair = np.flatnonzero(close)
    learned_pair = learned_pair[np.unique(pair[learned_pair], return_index=True)[1]]
    for number in range(PARTS):
        counts, totals = [], []
        for kind in (is_fact, ~is_fact):
            learned = kind & (part != number)
            counts.append(np.bincount(learned_cell[learned[learned_window]], minlength=len(cells)))
            of_kind = relation[learned_pair[learned[learned_pair]]]
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
