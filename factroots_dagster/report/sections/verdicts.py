"""What facts are known from, with probabilities, beside what an untrained model gives."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factroots_dagster.report.figures.roots import plot_expected_shares
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, interval, join_words, percent
from factroots_dagster.report.sections.reading import may_have_read_elsewhere
from factroots_dagster.roots.schema import KNOWN_FROM
from factroots_dagster.roots.verdicts import UNDETERMINED

WHAT_IT_IS = (
    "A fact is shared if it is stated in the language’s own text and the model would know it in this "
    "language without that text, too. No model shows this directly. But every corpus leaves out facts that "
    "others state: which of them the model knows, and how well the names of one language bring them up in "
    "the questions of another, tells how probable it is for the facts that are stated. Facts that are not "
    "stated and would not be known in another training either were guessed."
)
HOW_TO_READ_IT = (
    "Expected shares add up the probabilities of all predicted facts, so that doubtful facts, and sources "
    "that may state nothing, count in part. Intervals are 95%, over facts, trainings, and what is uncertain "
    "of the estimate and of sources: they reach from few missed statements to as many as the model’s "
    "knowledge leaves possible. A model of the same configuration that was never trained gives the last "
    "column: a share of shared facts that it also reaches is not read from the model. Undetermined facts are "
    "those for which no type reaches one half, or which could not be tested."
)
FOUND = {
    "shared": "Most of what it knows is shared with other languages",
    "independent": "Most of what it knows comes from the language’s own text alone",
    "transferred": "Most of what it knows comes from other languages only",
    "easy": "Most of what it knows is given away by names",
    "luck": "Most of what it knows was guessed",
}
"""What is said of the largest share."""
GUESSED_OR_READ = "Most of what it knows was guessed, or read in what was not searched"
"""What is said of luck where the model may have read more."""

HEADINGS = ("language", "facts", *KNOWN_FROM, "undetermined", "shared, untrained")


def build_section(inputs: ReportInputs) -> Section | None:
    by_language = inputs.verdict_shares
    if not by_language:
        return None
    order = [*(language for language in inputs.languages if language in by_language), "*"]
    cells = [
        [
            "all languages" if language == "*" else inputs.language_label(language),
            f"{sum(row['facts'] for row in by_language[language].values()):,}",
            *(_whole_percents(by_language[language][name]) for name in KNOWN_FROM),
            f"{by_language[language][UNDETERMINED]['facts']:,}",
            percent(by_language[language]["shared"]["expected_untrained"]),
        ]
        for language in order
    ]
    overall = [f"{name} {_interval(by_language['*'][name])}" for name in KNOWN_FROM]
    figure = Figure(
        "expected_shares",
        plot_expected_shares(by_language, [*order[-1:], *order[:-1]], inputs.language_label),
        "Expected shares of what the correctly predicted facts are known from: all languages, "
        "and each, the one with the highest P@1 first; the number in parentheses is 100%, whiskers are 95% "
        "intervals.",
        "verdict_shares",
        f"Bars for {len(order) - 1} languages in panels, one per type. All languages together: "
        f"{join_words(overall)}.",
    )
    return Section(
        id="answer",
        title="What the model knows from where",
        text=[],
        finding=_find(by_language["*"], may_have_read_elsewhere(inputs)),
        method=[WHAT_IT_IS, HOW_TO_READ_IT],
        figures=[figure] if _is_known(by_language["*"]) else [],
        tables=[Table(list(HEADINGS), cells)],
        asset="fact_verdicts",
        data={"verdict_shares": inputs.tables["verdict_shares"]},
    )


def _is_known(overall: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether there are shares: without them bars of no length would be read as zeros."""
    return any(row["facts"] for row in overall.values()) and overall["shared"]["expected"] is not None


def _find(overall: Mapping[str, Mapping[str, Any]], read_elsewhere: bool) -> str:
    """What most is known from, and whether an untrained model reaches what is shared."""
    shared = overall["shared"]
    if not sum(row["facts"] for row in overall.values()):
        return "No question is answered, so nothing is known from anywhere"
    if shared["expected"] is None:
        return "There are too few facts without a source to tell what is known from where"
    name = max(KNOWN_FROM, key=lambda one: overall[one]["expected"] or 0.0)
    found = GUESSED_OR_READ if name == "luck" and read_elsewhere else FOUND[name]
    said = f"{found}: {_interval(overall[name])}"
    if (overall[name]["expected"] or 0.0) <= 0.5:
        said = said.replace("Most", "The largest part")
    untrained = shared["expected_untrained"]
    if name != "shared" or untrained is None:
        return said
    if shared["low"] is not None and shared["low"] <= untrained:
        return f"{said}, which a model that was never trained reaches, too ({percent(untrained)})"
    return f"{said}; a model that was never trained: {percent(untrained)}"


def _whole_percents(row: Mapping[str, Any]) -> str:
    """A share and its interval, short enough for a table of five; a dash without a share."""
    if row["expected"] is None:
        return "–"
    share = f"{100 * row['expected']:.0f}%"
    return share if row["low"] is None else f"{share} [{100 * row['low']:.0f}, {100 * row['high']:.0f}]"


def _interval(row: Mapping[str, Any]) -> str:
    return interval(row["expected"], row["low"], row["high"])
