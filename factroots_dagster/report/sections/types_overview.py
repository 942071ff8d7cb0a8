"""Types by language, by the rules of the first release."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from factroots_dagster.report.figures.colours import TYPE_NAMES
from factroots_dagster.report.figures.roots import plot_types_by_language
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import (
    Figure,
    Section,
    Table,
    interval,
    join_words,
    percent,
)
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES


def build_section(inputs: ReportInputs) -> Section:
    total = inputs.counts["*"]
    predicted = sum(total[type_] for type_ in PREDICTED_TYPES)
    shown = [*(language for language in inputs.languages if language in inputs.counts), "*"]
    names = {type_: TYPE_NAMES[type_] for type_ in PREDICTED_TYPES}
    shares = [f"{names[type_].lower()} {percent(total[type_] / predicted)}" for type_ in names if predicted]
    ranges = (
        " Whiskers, and the brackets in the table, show the smallest and the largest count over all settings "
        "tried below."
        if inputs.count_ranges
        else ""
    )
    figure = Figure(
        "types_by_language",
        plot_types_by_language(inputs.counts, shown, inputs.count_ranges, inputs.language_label),
        "Correctly predicted facts of each language by type, the language with the highest P@1 first; the "
        "number in parentheses is 100%." + ranges,
        "types_by_language",
        f"Bars for {len(shown) - 1} languages in panels, one per type. All languages together: "
        f"{join_words(shares) or 'no fact is predicted'}.",
    )
    columns = ["language", *names.values(), "Predicted", TYPE_NAMES["not_predicted"], "Asked"]
    cells = [_counts_row(inputs, language) for language in shown]
    if inputs.name_coverage:
        # What inflection hides would count as transferred.
        columns.append("Name forms seen")
        cells = [
            [*row, percent(inputs.forms_seen(language))] for row, language in zip(cells, shown, strict=True)
        ]
    text = _text(inputs)
    return Section(
        id="types",
        title="By fixed rules",
        finding=_find(total, predicted),
        text=text[2:],
        method=text[:2],
        figures=[figure],
        tables=[Table(columns, cells, "Every predicted fact has exactly one type; rows and columns add up.")],
        asset="fact_types",
        data={"types_by_language": _counts_table(inputs)},
    )


def _find(total: Mapping[str, int], predicted: int) -> str:
    if not predicted:
        return "Fixed rules have nothing to sort"
    shares = [f"{percent(total[type_] / predicted)} {type_}" for type_ in PREDICTED_TYPES[:3]]
    return f"Fixed rules call {join_words(shares)}, and tell the first two apart no better than names do"


def _text(inputs: ReportInputs) -> list[str]:
    text = [
        f"Shared: the language’s own {inputs.texts} names subject and object together, and the activations "
        "at the answer are more alike between languages than those of other facts with the same object. "
        "Independent: they are named together, but the activations are not so alike, or could not be "
        f"compared. Transferred: this language’s {inputs.texts} does not name them together and nothing "
        "gives the answer away, so it came from another language or was guessed. Easy: they are not named "
        "together either, but the subject’s name gives the answer away.",
        "These are counts by fixed rules. Checked against models that were trained again without a fact’s "
        "sentences, the rules tell shared from independent facts no better than names written alike do.",
    ]
    if inputs.verdict_shares:
        luck = inputs.verdict_shares["*"]["luck"]
        share = interval(luck["expected"], luck["low"], luck["high"])
        text.append(
            "Probabilities that do not rest on these rules stand in the section before. By them "
            f"{share} of the predicted facts are luck, most of which these rules call transferred."
        )
    return text


def _counts_row(inputs: ReportInputs, language: str) -> list[str]:
    counts = inputs.counts[language]
    predicted = sum(counts[type_] for type_ in PREDICTED_TYPES)
    by_type = []
    for type_ in PREDICTED_TYPES:
        low, high = inputs.count_ranges.get((language, type_), (counts[type_], counts[type_]))
        by_type.append(f"{counts[type_]:,}" + (f" [{low:,}–{high:,}]" if inputs.count_ranges else ""))
    totals = (predicted, counts["not_predicted"], predicted + counts["not_predicted"])
    return [inputs.language_label(language), *by_type, *(f"{count:,}" for count in totals)]


def _counts_table(inputs: ReportInputs) -> pa.Table:
    """Counts by language and type, with the range of each predicted type where it is known."""
    rows = []
    for language, counts in inputs.counts.items():
        row: dict[str, int | str] = {"language": language} | {type_: counts[type_] for type_ in TYPES}
        for type_ in PREDICTED_TYPES if inputs.count_ranges else ():
            row[f"{type_}_least"], row[f"{type_}_most"] = inputs.count_ranges[language, type_]
        rows.append(row)
    return pa.Table.from_pylist(rows)
