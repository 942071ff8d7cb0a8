"""The timeline of one run: when a fact is learnt, in which language first, and how far before its time."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from factroots_dagster.roots.timeline.answers import NEVER, LanguageAnswers
from factroots_dagster.roots.timeline.elsewhere import Behind, Elsewhere
from factroots_dagster.roots.timeline.frequency import FrequencyFit
from factroots_dagster.roots.timeline.placebo import add_placebo
from factroots_dagster.roots.timeline.schema import KNOWLEDGE_TIMELINE, LANGUAGE_LAGS, TIMELINE_LANGUAGES
from factroots_dagster.roots.timeline.summary import summarize_languages, view_languages


class Timeline(NamedTuple):
    """KNOWLEDGE_TIMELINE, LANGUAGE_LAGS and TIMELINE_LANGUAGES."""

    facts: pa.Table
    lags: pa.Table
    languages: pa.Table


def trace_knowledge(run: str, languages: Sequence[LanguageAnswers]) -> Timeline:
    """The timeline of a run, its languages and their facts in the given order.

    run: its name. An order of two languages is told only where a checkpoint lies between them: what both
    learnt from one checkpoint to the next has none. Languages may have been asked at different checkpoints.
    """
    views = view_languages(languages)
    rows = summarize_languages(run, views)
    summary = add_placebo(
        rows, languages, lambda shuffled: summarize_languages(run, view_languages(shuffled))
    )
    return Timeline(
        _join([_tabulate_facts(run, *view) for view in views], KNOWLEDGE_TIMELINE),
        _join([_tabulate_lags(run, view.answers, view.others) for view in views], LANGUAGE_LAGS),
        pa.Table.from_pylist(summary, schema=TIMELINE_LANGUAGES),
    )


def join_timelines(timelines: Iterable[Timeline]) -> Timeline:
    """The timelines of several runs in one."""
    empty = Timeline(
        *(schema.empty_table() for schema in (KNOWLEDGE_TIMELINE, LANGUAGE_LAGS, TIMELINE_LANGUAGES))
    )
    return Timeline(*(pa.concat_tables(tables) for tables in zip(empty, *timelines, strict=True)))


def _join(columns: Sequence[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.concat_tables([schema.empty_table(), *(pa.table(each, schema=schema) for each in columns)])


def _tabulate_facts(
    run: str, answers: LanguageAnswers, others: Elsewhere, behind: Behind, fit: FrequencyFit | None
) -> dict[str, Any]:
    facts = len(answers.uuids)
    never_fitted = np.full(facts, np.nan)
    came_first, lag = behind.came_first, behind.lag
    at_first = answers.first == 0
    return {
        "run": pa.repeat(run, facts),
        "uuid": answers.uuids,
        "language": pa.repeat(answers.language, facts),
        "relation": answers.relations,
        "checkpoints": np.full(facts, len(answers.steps)),
        "known_checkpoints": answers.known.sum(axis=1),
        "learnt_after": pa.array(answers.learnt_after, mask=at_first),
        "first_known": _steps(answers.first_known),
        "last_known": _steps(answers.last_known),
        "known_since": _steps(answers.known_since),
        "known_at_last": answers.known[:, -1],
        "forgettings": answers.forgettings,
        "windows": answers.windows,
        "windows_elsewhere": others.windows,
        "first_languages": [
            [others.languages[row] for row in np.flatnonzero(column)] for column in came_first.T
        ],
        "lag": _steps(lag),
        "expected": pa.array(never_fitted if fit is None else fit.expected, from_pandas=True),
        "residual": pa.array(never_fitted if fit is None else fit.residual, from_pandas=True),
    }


def _tabulate_lags(run: str, answers: LanguageAnswers, others: Elsewhere) -> dict[str, Any]:
    """By fact, then by language."""
    fact, other = np.nonzero(others.first_known.T < NEVER)
    here, there = answers.first_known[fact], others.first_known[other, fact]
    learnt = here < NEVER
    ends = np.where(learnt, here, 0)
    return {
        "run": pa.repeat(run, len(fact)),
        "uuid": pa.array(answers.uuids, pa.string()).take(pa.array(fact)),
        "language": pa.repeat(answers.language, len(fact)),
        "source_language": pa.array(others.languages, pa.string()).take(pa.array(other)),
        "first_known": _steps(here),
        "source_first_known": there,
        "lag": pa.array(ends - there, mask=~learnt),
        "lag_low": answers.learnt_after[fact] - there,
        "lag_high": pa.array(ends - others.after[other, fact], mask=~learnt),
    }


def _steps(values: NDArray[np.int64]) -> pa.Array:
    """Steps, with null for what never happened."""
    return pa.array(values, mask=values == NEVER)
