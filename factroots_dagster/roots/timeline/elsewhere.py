"""What the other languages of a run have of each fact, and when they knew it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.roots.timeline.answers import NEVER, LanguageAnswers, Steps


@dataclass(frozen=True)
class Elsewhere:
    """The other languages of one language, in the order of `languages`, [others, facts] or [facts].

    first_known: first step at which a language that has a source knew the fact, else NEVER. after: the step
    of the checkpoint before, 0 without one. windows: in the other languages together.
    """

    languages: list[str]
    first_known: Steps
    after: Steps
    windows: NDArray[np.int64]

    @property
    def first(self) -> Steps:
        """First step at which any of them knew the fact, or NEVER, [facts]."""
        first: Steps = self.first_known.min(axis=0, initial=NEVER)
        return first


@dataclass(frozen=True)
class Behind:
    """Who had a fact before a language, in the order of `Elsewhere`.

    came_first: whether the other language has a source and knew it first, at a checkpoint that did not know
    it here yet, [others, facts]. lag: from then until it was learnt here, NEVER where there was none or it
    was not learnt, [facts].
    """

    came_first: NDArray[np.bool_]
    lag: Steps


def look_behind(answers: LanguageAnswers, others: Elsewhere) -> Behind:
    """Who had the facts of a language before it, and how far it lags behind."""
    came_first = (others.first_known == others.first) & (others.first <= answers.learnt_after)
    came_first &= others.first < NEVER
    behind = came_first.any(axis=0) & answers.learnt
    lag = np.where(behind, answers.first_known - np.where(behind, others.first, 0), NEVER)
    return Behind(came_first, lag)


def look_elsewhere(languages: Sequence[LanguageAnswers]) -> Iterator[Elsewhere]:
    """For each language the other ones, its facts in its order."""
    uuids, row_of = np.unique(
        np.concatenate([np.array(each.uuids, object) for each in languages]), return_inverse=True
    )
    rows = np.split(row_of, np.cumsum([len(each.uuids) for each in languages])[:-1])
    shape = (len(languages), len(uuids))
    first_known, after, windows = np.full(shape, NEVER), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    for number, (each, own) in enumerate(zip(languages, rows, strict=True)):
        first_known[number, own] = np.where(each.windows > 0, each.first_known, NEVER)
        after[number, own] = each.learnt_after
        windows[number, own] = each.windows
    for number, own in enumerate(rows):
        others = [other for other in range(len(languages)) if other != number]
        places = np.ix_(np.array(others, np.intp), own)
        yield Elsewhere(
            [languages[other].language for other in others],
            first_known[places],
            after[places],
            windows[places].sum(axis=0),
        )
