"""The placebo of a timeline: the same with languages shuffled, each with its sources and another's answers.

What is as large there does not come from who states a fact: some facts are learnt early in all languages.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from factroots_dagster.roots.timeline.answers import LanguageAnswers

SHUFFLES, SEED = 5, 0
"""Times that languages are shuffled: each takes as long as the timeline itself."""
MEASURES = ("behind", "median_lag", "transfer")
"""Columns of TIMELINE_LANGUAGES that are measured again."""

Row = dict[str, Any]


def exchange_answers(languages: Sequence[LanguageAnswers], numbers: Sequence[int]) -> list[LanguageAnswers]:
    """Each language with its sources and the answers of the one that `numbers` names.

    Facts that the other one was not asked are left out.
    """
    exchanged = []
    for answers, number in zip(languages, numbers, strict=True):
        other = languages[number]
        row_of = {uuid: row for row, uuid in enumerate(other.uuids)}
        kept = [row for row, uuid in enumerate(answers.uuids) if uuid in row_of]
        exchanged.append(
            replace(
                answers,
                steps=other.steps,
                uuids=[answers.uuids[row] for row in kept],
                relations=[answers.relations[row] for row in kept],
                known=other.known[[row_of[answers.uuids[row]] for row in kept]],
                windows=answers.windows[kept],
                same_object=answers.same_object[kept],
            )
        )
    return exchanged


def add_placebo(
    rows: Sequence[Row],
    languages: Sequence[LanguageAnswers],
    summarize: Callable[[Sequence[LanguageAnswers]], Sequence[Row]],
) -> list[Row]:
    """Rows of TIMELINE_LANGUAGES with the means of MEASURES over shuffled languages; null with one language.

    No language keeps its own answers. summarize: makes such rows, in the same order.
    """
    random = np.random.default_rng(SEED)
    shuffled = [
        summarize(exchange_answers(languages, _exchange_all(len(languages), random)))
        for _ in range(SHUFFLES if len(languages) > 1 else 0)
    ]
    return [row | _average([each[number] for each in shuffled]) for number, row in enumerate(rows)]


def _exchange_all(count: int, random: np.random.Generator) -> list[int]:
    """A random order of numbers in which none is in its place: each has that of the next in another order."""
    order = random.permutation(count)
    numbers = np.empty(count, np.int64)
    numbers[order] = np.roll(order, 1)
    return [int(number) for number in numbers]


def _average(rows: Sequence[Row]) -> Row:
    known = {name: [row[name] for row in rows if row[name] is not None] for name in MEASURES}
    means = {f"{name}_shuffled": float(np.mean(found)) if found else None for name, found in known.items()}
    transfer = known["transfer"] or [None]
    return means | {"transfer_shuffled_low": min(transfer), "transfer_shuffled_high": max(transfer)}
