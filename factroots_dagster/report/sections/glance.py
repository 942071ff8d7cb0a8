"""What the page opens with: one sentence that answers, and four numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import count_words, interval, percent
from factroots_dagster.roots.verdicts import UNDETERMINED


@dataclass(frozen=True)
class Glance:
    """The answer of a report.

    Attributes:
        lead: a sentence or two.
        numbers: (what it is, the number, its interval or what stands beside it, perhaps empty), four of them.
    """

    lead: str
    numbers: list[tuple[str, str, str]]


def build_glance(inputs: ReportInputs) -> Glance:
    """The answer of a report in a sentence and in numbers."""
    total = inputs.counts["*"]
    asked = sum(total.values())
    predicted = asked - total["not_predicted"]
    shares = inputs.verdict_shares.get("*")
    baseline = mean_baseline(inputs)
    beside = "" if baseline is None else f"commonest answer: {percent(baseline)}"
    first = ("of the questions answered", percent(predicted / asked if asked else None), beside)
    languages = count_words(len(inputs.languages), "language")
    counts = [
        ("facts known", f"{predicted:,}", ""),
        ("questions", f"{asked:,}", ""),
        ("languages" if len(inputs.languages) != 1 else "language", f"{len(inputs.languages)}", ""),
    ]
    if not predicted:
        return Glance(
            f"The model answers none of {count_words(asked, 'question')} in {languages} correctly, so there "
            "is nothing to find the roots of.",
            [first, *counts],
        )
    known = f"The model answers {predicted:,} of {count_words(asked, 'question')} in {languages} correctly"
    if shares is None or shares["shared"]["expected"] is None:
        return Glance(
            f"{known}; there are too few facts without a source to tell what it knows them from.",
            [first, *counts],
        )
    untrained = shares["shared"]["expected_untrained"]
    undetermined = shares[UNDETERMINED]["facts"]
    lead = (
        f"{known}. Of these it is expected to share {_interval(shares['shared'])} with other languages, to "
        f"know {_interval(shares['independent'])} from the language’s own {inputs.texts} alone and "
        f"{_interval(shares['transferred'])} from other languages only; the rest is easy or luck, and "
        f"{count_words(undetermined, 'single fact') if undetermined else 'no single fact'} "
        f"{'remain' if undetermined > 1 else 'remains'} undetermined."
    )
    return Glance(
        lead,
        [
            first,
            _number("shared with other languages", shares["shared"], untrained),
            _number(f"from own {inputs.texts} alone", shares["independent"]),
            _number("from other languages only", shares["transferred"]),
        ],
    )


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


def _interval(row: Mapping[str, Any]) -> str:
    return interval(row["expected"], row["low"], row["high"])
