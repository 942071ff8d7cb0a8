"""How many predicted facts no article of the language states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from factroots_dagster.report.figures.roots import plot_absence_by_language
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, join_words, percent
from factroots_dagster.report.sections.reading import describe_reading
from factroots_dagster.roots.counts import overall_absence
from factroots_dagster.roots.markup import BY_PAGE
from factroots_dagster.roots.schema import PREDICTED_TYPES
from factroots_dagster.tracing.schema import MIN_COVERAGE


def build_section(inputs: ReportInputs) -> Section | None:
    rows = inputs.absence.to_pylist()
    if not rows:
        return None
    published = inputs.published.absence if inputs.published else {}
    traced = {row["language"] for row in rows}
    shown = [language for language in inputs.languages if language in traced]
    matchers = sorted({row["matcher"] for row in rows})
    overall = overall_absence(inputs.absence)
    shares = join_words([f"{matcher} {percent(overall[matcher])}" for matcher in matchers])
    figure = Figure(
        "absence",
        plot_absence_by_language(rows, shown, published, inputs.language_label),
        "Predicted facts without a source, by the window in which subject and object must occur together.",
        "source_absence",
        f"A row per language, {len(shown)} in all, with a mark per matcher. Without a source: {shares}.",
    )
    measured = any(inputs.forms_seen(language) is not None for language in shown)
    columns = ["language", "predicted", *matchers, "sources that state nothing"]
    if measured:
        columns += ["transferred", "name forms seen"]
    if published:
        columns.append("published (512-wordpiece chunk)")
    by_key = {(row["language"], row["matcher"]): row for row in rows}
    cells = []
    for language in shown:
        by_matcher = [by_key.get((language, matcher)) for matcher in matchers]
        predicted = next((f"{row['predicted']:,}" for row in by_matcher if row), "–")
        rates = (percent(row["rate"]) if row else "–" for row in by_matcher)
        beside = [percent(published.get(language))] if published else []
        seen = [_transferred(inputs, language), percent(inputs.forms_seen(language))] if measured else []
        false = percent(_false_source_rate(inputs, by_key, language))
        cells.append([inputs.language_label(language), predicted, *rates, false, *seen, *beside])
    return Section(
        id="absence",
        title="Facts that no article states",
        finding=_find(overall),
        text=_coverage_text(inputs, shown),
        method=[*_text(inputs), *_markup_text(inputs)],
        figures=[figure],
        tables=[Table(columns, cells, collapsed=True), *_markup_tables(inputs, shown)],
        asset="fact_sources",
        data={"source_absence": inputs.absence, "markup_sources": inputs.markup}
        | ({"name_coverage": inputs.tables["name_coverage"]} if measured else {}),
    )


def _find(overall: Mapping[str, float | None]) -> str:
    rates = [rate for matcher, rate in overall.items() if rate is not None and matcher not in BY_PAGE]
    if not rates:
        return "No fact is predicted, so none lacks a source"
    low, high = percent(min(rates)), percent(max(rates))
    between = low if low == high else f"{low} to {high}"
    return f"No source was found for {between} of the predicted facts, depending on the window"


def _markup_text(inputs: ReportInputs) -> list[str]:
    """What stands outside running text, and whether it counts."""
    if not inputs.markup.num_rows:
        return []
    if inputs.counts_markup:
        decision = "They count as sources here, as this model was trained on web pages."
    else:
        decision = "They do not count as sources here: they count for models that were trained on web pages."
    return [
        "Some facts stand in an infobox, a table, a list item, a heading or a block quotation: both names in "
        f"one of these, or the object on the subject’s own page. {decision} By title means that a sentence "
        "of the lead names the object and leaves out the subject that the article is about; it never counts."
    ]


def _markup_tables(inputs: ReportInputs, languages: Sequence[str]) -> list[Table]:
    """The shares of facts outside running text, a row per language."""
    by_key = {(row["language"], row["matcher"]): row for row in inputs.markup.to_pylist()}
    matchers = [name for name in BY_PAGE if any(matcher == name for _, matcher in by_key)]
    if not matchers:
        return []

    def cell(language: str, matcher: str) -> str:
        row = by_key.get((language, matcher))
        return f"{percent(row['share'])} ({percent(row['only_here_share'])})" if row else "–"

    rows = [
        [inputs.language_label(language), *(cell(language, matcher) for matcher in matchers)]
        for language in languages
    ]
    caption = "Predicted facts outside running text (in brackets: in no window of the text)"
    columns = ["language", *(name.replace("_", " ") for name in matchers)]
    return [Table(columns, rows, caption=caption, collapsed=True)]


def _false_source_rate(
    inputs: ReportInputs, rows: Mapping[tuple[str, str], Mapping[str, Any]], language: str
) -> float | None:
    """The share of the sources by the types' matcher that are expected to state nothing."""
    row = next((rows[language, name] for name in inputs.matchers if (language, name) in rows), None)
    return row["false_source_rate"] if row else None


def _transferred(inputs: ReportInputs, language: str) -> str:
    """The share of the predicted facts that are transferred."""
    counts = inputs.counts.get(language, {})
    predicted = sum(counts.get(type_, 0) for type_ in PREDICTED_TYPES)
    return percent(counts["transferred"] / predicted) if predicted else "–"


def _coverage_text(inputs: ReportInputs, languages: Sequence[str]) -> list[str]:
    """What inflection hides, where it was measured."""
    seen = {language: inputs.forms_seen(language) for language in languages}
    measured = {language: share for language, share in seen.items() if share is not None}
    if not measured:
        return []
    text = (
        "A name that is inflected where it stands hides a source unless its forms are known. Name forms seen "
        "is the share of the links to an entity’s article that show its label or a form of it in which this "
        "matcher finds the entity, measured on pages that no form was learned from."
    )
    low = [language for language, share in measured.items() if share < MIN_COVERAGE]
    if low:
        names = join_words([f"{inputs.language_label(each)} ({percent(measured[each])})" for each in low])
        text += f" Below {percent(MIN_COVERAGE)} transferred is overstated: {names}."
    return [text]


def _text(inputs: ReportInputs) -> list[str]:
    text = [
        "A fact has a source when its subject and object occur together in one window of that language’s "
        f"{inputs.texts}. A wider window finds more sources, some of them by accident, so absence is a range "
        "and not a single number."
    ]
    if reading := describe_reading(inputs):
        text.append(reading)
    text.append(
        "A source need not state its fact. Sources that state nothing is the share of sources for which that "
        "is expected: one minus the mean probability that a window states the fact, which follows from how "
        "much more often the relation’s facts meet than mismatched pairs of its subjects and objects, from "
        "the words around them, and from passages that were read."
    )
    return [*text, f"The types above are decided with the matcher {join_words(inputs.matchers)}."]
