"""When facts are known and in which language first, counted by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets_tests.roots.tables import rows, source_row
from assets_tests.roots.timeline.answers import STEPS, language_answers, stored_tables
from factroots_dagster.errors import InputError
from factroots_dagster.roots.timeline.answers import LanguageAnswers, collect_answers
from factroots_dagster.roots.timeline.schema import KNOWLEDGE_TIMELINE, LANGUAGE_LAGS, TIMELINE_LANGUAGES
from factroots_dagster.roots.timeline.timeline import Timeline, join_timelines, trace_knowledge
from factroots_dagster.tracing.schema import FACT_SOURCES

WORDS = st.text("x.", min_size=len(STEPS), max_size=len(STEPS))


def facts_of(timeline: Timeline, language: str) -> dict[str, dict[str, Any]]:
    return {row["uuid"]: row for row in timeline.facts.to_pylist() if row["language"] == language}


def lags_of(timeline: Timeline, uuid: str, language: str) -> dict[str, tuple[int | None, int, int | None]]:
    """By other language: lag_low, lag and lag_high."""
    return {
        row["source_language"]: (row["lag_low"], row["lag"], row["lag_high"])
        for row in timeline.lags.to_pylist()
        if (row["uuid"], row["language"]) == (uuid, language)
    }


def test_the_steps_of_every_fact() -> None:
    words = {"start": "xxxx", "late": "..xx", "lost": ".x.x", "gone": "x...", "never": "...."}
    timeline = trace_knowledge("run", [language_answers("qaa", words, {"late": 3})])
    assert timeline.facts.schema.equals(KNOWLEDGE_TIMELINE)
    columns = ("known_checkpoints", "learnt_after", "first_known", "last_known", "known_since", "forgettings")
    found = {uuid: tuple(row[name] for name in columns) for uuid, row in facts_of(timeline, "qaa").items()}
    assert found == {
        "start": (4, None, 100, 400, 100, 0),
        "late": (2, 200, 300, 400, 300, 0),
        "lost": (2, 100, 200, 400, 400, 1),
        "gone": (1, None, 100, 100, None, 1),
        "never": (0, 400, None, None, None, 0),
    }
    at_last = [uuid for uuid, row in facts_of(timeline, "qaa").items() if row["known_at_last"]]
    assert at_last == ["start", "late", "lost"]
    (summary, total) = timeline.languages.to_pylist()
    assert timeline.languages.schema.equals(TIMELINE_LANGUAGES)
    counts = ("facts", "learnt", "known_at_last", "forgotten", "forgettings", "nowhere", "nowhere_learnt")
    assert [summary[name] for name in counts] == [5, 4, 3, 1, 2, 4, 3]
    assert summary["median_step"] == 150  # of 100, 300, 200 and 100
    # known k times of 4: k (4 - k) / 4, of 4, 2, 2, 1 and 0
    assert summary["forgettings_shuffled"] == 0 + 1 + 1 + 0.75 + 0
    assert {**total, "language": "qaa"} == {**summary, "frequency_effect": None} | dict.fromkeys(
        ("frequency_low", "frequency_high")
    )


def test_who_knew_a_fact_first_and_the_lag_behind_each_language_that_states_it() -> None:
    timeline = trace_knowledge(
        "run",
        [
            language_answers("qaa", {"f": "...x", "g": "...."}),
            language_answers("qab", {"f": ".xxx", "g": "..xx"}, {"f": 2, "g": 1}),
            language_answers("qac", {"f": ".x..", "g": "...."}, {"f": 1, "g": 1}),
            language_answers("qad", {"f": "xxxx"}),  # states nothing
            language_answers("qae", {"f": "..xx"}, {"f": 5}),
        ],
    )
    assert timeline.lags.schema.equals(LANGUAGE_LAGS)
    here = facts_of(timeline, "qaa")
    assert (here["f"]["first_languages"], here["f"]["lag"]) == (["qab", "qac"], 200)
    assert (here["f"]["windows"], here["f"]["windows_elsewhere"]) == (0, 8)
    # censored: the lag is unknown, and more than 100 steps
    assert (here["g"]["first_languages"], here["g"]["lag"]) == (["qab"], None)
    assert lags_of(timeline, "g", "qaa") == {"qab": (100, None, None)}
    assert lags_of(timeline, "f", "qaa") == {
        "qab": (100, 200, 300),
        "qac": (100, 200, 300),
        "qae": (0, 100, 200),
    }
    assert lags_of(timeline, "f", "qae") == {"qab": (0, 100, 200), "qac": (0, 100, 200)}
    # both were learnt between the first two checkpoints: a tie, and nobody was first
    assert lags_of(timeline, "f", "qab") == {"qac": (-100, 0, 100), "qae": (-200, -100, 0)}
    assert facts_of(timeline, "qab")["f"]["first_languages"] == []
    # known at the first checkpoint: learnt somewhere after step 0
    assert lags_of(timeline, "f", "qad")["qab"] == (-200, -100, 0)


def test_languages_asked_at_different_checkpoints_are_ordered_only_where_one_lies_between() -> None:
    one = language_answers("qaa", {"f": ".x", "g": ".x"}, {"f": 1, "g": 1}, steps=(100, 400))
    other = language_answers("qab", {"f": ".x.", "g": "..x"}, {"f": 1, "g": 1}, steps=(200, 300, 500))
    timeline = trace_knowledge("run", [one, other])
    assert facts_of(timeline, "qaa")["f"]["first_languages"] == []  # in (100, 400] and in (200, 300]
    assert lags_of(timeline, "f", "qaa") == {"qab": (-200, 100, 200)}
    assert facts_of(timeline, "qab")["g"]["first_languages"] == []  # in (300, 500]: before 400 or after
    assert timeline.languages["checkpoints"].to_pylist() == [2, 3, 3]


def test_one_checkpoint_gives_no_order_and_no_run_gives_empty_tables() -> None:
    languages = [
        language_answers("qaa", {"f": "x", "g": "."}, {"f": 1}, steps=(100,)),
        language_answers("qab", {"f": "x", "g": "x"}, {"g": 1}, steps=(100,)),
    ]
    timeline = trace_knowledge("run", languages)
    assert timeline.facts["learnt_after"].to_pylist() == [None, 100, None, None]
    assert timeline.facts["first_languages"].to_pylist() == [[], ["qab"], [], []]
    assert timeline.languages["forgettings_shuffled"].to_pylist() == [0, 0, 0]
    assert timeline.languages["elsewhere_effect"].to_pylist() == [None, None, None]
    empty = join_timelines([])
    assert [table.num_rows for table in empty] == [0, 0, 0]
    assert [table.schema for table in empty] == [table.schema for table in timeline]
    assert join_timelines([timeline, timeline]).facts.num_rows == 8


def test_answers_are_read_with_their_sources_and_objects() -> None:
    words = {"a": ".x", "b": "x?", "c": ".."}
    split, predictions, sources = stored_tables("qaa", words, {"a": 2}, steps=(300, 100))
    answers = collect_answers("qaa", split, predictions, sources)
    assert answers.uuids == ["a", "c"]  # of b one checkpoint says nothing
    assert answers.steps.tolist() == [100, 300]
    assert answers.known.tolist() == [[True, False], [False, False]]
    assert answers.windows.tolist() == [2, 0] and answers.same_object.tolist() == [2, 2]
    other = rows(
        FACT_SOURCES, [source_row("a", "qaa", 4, corpus="web"), source_row("c", "qaa", 1, corpus="web")]
    )
    both = pa.concat_tables([sources, other])
    assert collect_answers("qaa", split, predictions, both).windows.tolist() == [6, 1]
    assert collect_answers("qaa", split, predictions, both, corpora=["web"]).windows.tolist() == [4, 1]
    with pytest.raises(InputError, match="fact a is predicted but has no row in mlama_split"):
        collect_answers("qaa", split.slice(1), predictions, sources)
    with pytest.raises(InputError, match="fact a is predicted but has no row in mlama_split or fact_sources"):
        collect_answers("qaa", split, predictions, sources.slice(1))


def recount(word: str) -> tuple[int | None, int | None, int | None, int]:
    """First and last known step, the step since when, and forgettings, by reading a word letter by letter."""
    known = [step for step, letter in zip(STEPS, word, strict=True) if letter == "x"]
    since = next((STEPS[i] for i in range(len(word)) if set(word[i:]) == {"x"}), None)
    return (known or [None])[0], (known or [None])[-1], since, word.count("x.")


@given(st.lists(WORDS, min_size=1, max_size=6), st.lists(WORDS, min_size=1, max_size=6))
def test_any_answers_are_counted_as_by_reading_them(here: list[str], there: list[str]) -> None:
    one = language_answers("qaa", {str(i): word for i, word in enumerate(here)}, {"0": 1})
    other = language_answers("qab", {str(i): word for i, word in enumerate(there)}, {"0": 2, "1": 1})
    timeline = trace_knowledge("run", [one, other])
    columns = ("first_known", "last_known", "known_since", "forgettings")
    for row in timeline.facts.to_pylist():
        word = (here if row["language"] == "qaa" else there)[int(row["uuid"])]
        assert tuple(row[name] for name in columns) == recount(word)
    for row in timeline.lags.to_pylist():
        words = (here, there) if row["language"] == "qaa" else (there, here)
        ours, theirs = (each[int(row["uuid"])] for each in words)
        assert (row["lag"] is None) == ("x" not in ours)
        strict = "x" in theirs and "x" not in ours[: theirs.index("x") + 1]
        assert (row["lag_low"] >= 0) == strict
    total = timeline.languages.to_pylist()[-1]
    assert total["learnt"] == sum("x" in word for word in (*here, *there))


@given(st.lists(WORDS, min_size=1, max_size=5), st.integers(0, 2**32))
def test_forgettings_of_a_random_order_have_the_stated_mean(words: list[str], seed: int) -> None:
    from itertools import permutations

    answers = language_answers("qaa", {str(i): word for i, word in enumerate(words)})
    orders = list(permutations(range(len(STEPS))))
    mean = np.mean([_reordered(answers, order).forgettings.sum() for order in orders])
    (row, _) = trace_knowledge("run", [answers]).languages.to_pylist()
    assert row["forgettings_shuffled"] == pytest.approx(float(mean))


def _reordered(answers: LanguageAnswers, order: tuple[int, ...]) -> LanguageAnswers:
    from dataclasses import replace

    return replace(answers, known=answers.known[:, list(order)])
