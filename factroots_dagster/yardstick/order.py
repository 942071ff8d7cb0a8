"""Whether a run's checkpoints give back the order in which a timed world was read, and its placebos.

With the dial `learned_after` languages enter the training late. The planted truth says after which step a
fact's statements are read, here and elsewhere, and in which languages first.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.roots.timeline.answers import NEVER, LanguageAnswers
from factroots_dagster.roots.timeline.placebo import exchange_answers
from factroots_dagster.tables import zip_columns

Cell = tuple[str, str]
"""A fact in a language: uuid and language code."""
_Planted = tuple[NDArray[np.float64], NDArray[np.float64]]
"""What is planted and what is found, [cells]."""


class RecoveredOrder(NamedTuple):
    """How well a value per fact and language gives back the planted order; None where nothing is timed.

    own: Spearman's rank correlation with the step after which the language's own statements are read, over
    the facts that it states. own_concordance: the share of pairs of these, read after different steps, that
    the value orders alike, ties by half (Harrell's C). source_concordance: the same share of the pairs of
    languages that state one fact. Chance is 0, .5 and .5.
    """

    own: float | None
    own_concordance: float | None
    source_concordance: float | None


class FirstLanguages(NamedTuple):
    """How often the languages that are said to have had a fact first are those that were read first.

    cells: those whose stating languages are not all read first. precision: the mean share of right ones among
    the languages said; chance: among all that state the fact.
    """

    cells: int
    precision: float | None
    chance: float | None


def recover_order(values: Mapping[Cell, float], truth: pa.Table) -> RecoveredOrder:
    """The order by a value of each cell, such as the first step at which it is known (`first_steps`).

    truth: PLANTED_TRUTH; cells that are not among `values` are left out.
    """
    from scipy.stats import spearmanr

    read: dict[str, list[tuple[int, float]]] = {}
    for uuid, language, step in zip_columns(truth, "uuid", "language", "read_after"):
        if step is not None and (uuid, language) in values:
            read.setdefault(uuid, []).append((step, values[uuid, language]))
    within = [_columns(pairs) for pairs in read.values()]
    planted, found = _columns([pair for pairs in read.values() for pair in pairs])
    varied = len(set(planted.tolist())) > 1 and len(set(found.tolist())) > 1
    return RecoveredOrder(
        float(spearmanr(planted, found).statistic) if varied else None,
        _concordance([(planted, found)]),
        _concordance(within),
    )


def recover_first_languages(said: Mapping[Cell, Collection[str]], truth: pa.Table) -> FirstLanguages:
    """How right the languages are that are said to have had a cell's fact first; empty ones say nothing.

    truth: PLANTED_TRUTH.
    """
    stating: dict[str, set[str]] = {}
    for uuid, language, stated in zip_columns(truth, "uuid", "language", "stated"):
        if stated:
            stating.setdefault(uuid, set()).add(language)
    shares = []
    for uuid, language, first in zip_columns(truth, "uuid", "language", "first_read_in"):
        others, chosen = stating.get(uuid, set()) - {language}, set(said.get((uuid, language), ()))
        if chosen and first and set(first) != others:
            shares.append((len(chosen & set(first)) / len(chosen), len(first) / len(others)))
    means = np.mean(shares, axis=0).tolist() if shares else (None, None)
    return FirstLanguages(len(shares), *means)


def first_steps(languages: Sequence[LanguageAnswers]) -> dict[Cell, float]:
    """The first step at which each fact is known in each language, infinite for never."""
    return {
        (uuid, answers.language): float("inf") if step == NEVER else float(step)
        for answers in languages
        for uuid, step in zip(answers.uuids, answers.first_known.tolist(), strict=True)
    }


def shuffle_languages(
    languages: Sequence[LanguageAnswers], random: np.random.Generator
) -> list[LanguageAnswers]:
    """The placebo of the languages' labels: each keeps its sources and gets the answers of one of them.

    Facts that the other one was not asked are left out.
    """
    return exchange_answers(languages, random.permutation(len(languages)).tolist())


def shuffle_checkpoints(
    languages: Sequence[LanguageAnswers], random: np.random.Generator
) -> list[LanguageAnswers]:
    """The placebo of the checkpoints' order; all languages have the same checkpoints.

    It does not take away all order: what is known at more checkpoints comes first in any of them.
    """
    order = random.permutation(len(languages[0].steps))
    return [replace(answers, known=answers.known[:, order]) for answers in languages]


def _columns(pairs: Sequence[tuple[int, float]]) -> _Planted:
    planted, found = np.array(pairs, np.float64).reshape(-1, 2).T
    return planted, found


def _concordance(groups: Sequence[_Planted]) -> float | None:
    """Over all pairs of each group whose planted values differ; None without any."""
    alike, pairs = 0.0, 0
    for planted, found in groups:
        first, second = np.nonzero(planted[:, None] < planted[None, :])
        alike += float((found[first] < found[second]).sum() + 0.5 * (found[first] == found[second]).sum())
        pairs += len(first)
    return alike / pairs if pairs else None
