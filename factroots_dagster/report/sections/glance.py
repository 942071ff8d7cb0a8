"""What the page opens with: the answer in words, and four numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.answer import state_answer
from factroots_dagster.report.sections.model import count_words, percent


@dataclass(frozen=True)
class Glance:
    """The answer of a report.

    Attributes:
        lead: the answer in words.
        numbers: (what it is, the number, its interval or what stands beside it, perhaps empty), four of them.
    """

    lead: str
    numbers: list[tuple[str, str, str]]


def build_glance(inputs: ReportInputs) -> Glance:
    """The answer of a report in sentences and in numbers."""
    total = inputs.counts["*"]
    asked = sum(total.values())
    predicted = asked - total["not_predicted"]
    baseline = mean_baseline(inputs)
    beside = "" if baseline is None else f"commonest answer: {percent(baseline)}"
    first = ("of the questions answered", percent(inputs.p_at_1.get("*")), beside)
    overall = inputs.verdict_shares.get("*")
    known = overall is not None and overall["shared"]["expected"] is not None and predicted
    if overall is None:
        lead = [f"The model answers {predicted:,} of {count_words(asked, 'question')} correctly."]
    else:
        rows = inputs.rows("verdict_shares")
        lead = state_answer(rows, asked, len(inputs.languages), inputs.texts, inputs.checkpoint["corpus"])
    if overall is None or not known:
        languages = len(inputs.languages)
        counts = {"facts known": predicted, "questions": asked, "languages": languages}
        return Glance(" ".join(lead), [first, *((name, f"{count:,}", "") for name, count in counts.items())])
    shares = [
        _number("shared with other languages", overall["shared"], overall["shared"]["expected_untrained"]),
        _number(f"from own {inputs.texts} alone", overall["independent"]),
        _number("from other languages only", overall["transferred"]),
    ]
    return Glance(" ".join(lead), [first, *shares])


def mean_baseline(inputs: ReportInputs) -> float | None:
    """P@1 over all languages of answering with each relation's commonest object; None where unknown."""
    rows = [row for row in inputs.scores_by_language if row["majority"] is not None and row["n"]]
    asked = sum(row["n"] for row in rows)
    return sum(row["majority"] * row["n"] for row in rows) / asked if asked else None


def _number(name: str, row: Mapping[str, Any], untrained: float | None = None) -> tuple[str, str, str]:
    ends = [row["low"], row["high"]]
    beside = "" if None in ends else f"{100 * row['low']:.0f}–{100 * row['high']:.0f}%"
    if untrained is not None:
        beside += f"{'; ' if beside else ''}untrained: {percent(untrained)}"
    return name, percent(row["expected"]), beside
