"""Answers of a run's checkpoints as words: `.xx` is a fact that the second and the third checkpoint know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from assets_tests.roots.tables import prediction_row, rows, source_row, split_row
from factroots_dagster.facts.schema import MLAMA_SPLIT
from factroots_dagster.probing.schema import PREDICTIONS
from factroots_dagster.roots.timeline.answers import LanguageAnswers
from factroots_dagster.tracing.schema import FACT_SOURCES

STEPS = (100, 200, 300, 400)


def language_answers(
    language: str,
    facts: Mapping[str, str],
    windows: Mapping[str, int] | None = None,
    steps: Sequence[int] = STEPS,
) -> LanguageAnswers:
    """The answers of a language to facts: uuid to word. windows: of the facts that have a source."""
    known = [[letter == "x" for letter in word] for word in facts.values()]
    return LanguageAnswers(
        language=language,
        steps=np.array(steps, np.int64),
        uuids=list(facts),
        relations=["P36"] * len(facts),
        known=np.array(known, bool).reshape(len(facts), len(steps)),
        windows=np.array([(windows or {}).get(uuid, 0) for uuid in facts], np.int64),
        same_object=np.zeros(len(facts), np.int64),
    )


def stored_tables(
    language: str, facts: Mapping[str, str], windows: Mapping[str, int], steps: Sequence[int] = STEPS
) -> tuple[pa.Table, dict[int, pa.Table], pa.Table]:
    """MLAMA_SPLIT, PREDICTIONS by step and FACT_SOURCES of the same; `?` is a fact that was not asked."""
    split = rows(MLAMA_SPLIT, [split_row(uuid, language) for uuid in facts])
    right = {"x": True, ".": False, "?": None}
    predictions = {
        step: rows(
            PREDICTIONS,
            [prediction_row(uuid, language, full_match=right[word[number]]) for uuid, word in facts.items()],
        )
        for number, step in enumerate(steps)
    }
    sources = rows(FACT_SOURCES, [source_row(uuid, language, windows.get(uuid, 0)) for uuid in facts])
    return split, predictions, sources
