"""P@1 against the size of the texts that were searched."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures.knowledge import plot_volume
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, decimal, p_value
from factroots_dagster.report.sections.reading import name_corpora
from factroots_dagster.roots.corpora import WIKIPEDIA

MEASURES = {
    "pages": "pages",
    "articles": "articles",
    "wikitext_bytes": "bytes of wikitext",
    "words": "words",
}
"""What sentences call the measures of VOLUME_RELATIONS."""
OTHER_MEASURES = {"articles": "documents", "wikitext_bytes": "bytes of text"}
"""The same where texts other than Wikipedia were searched."""


def build_section(inputs: ReportInputs) -> Section | None:
    relations = inputs.rows("volume_relations")
    if not relations:
        return None
    only_wikipedia = set(inputs.searched) <= {WIKIPEDIA}
    measures = MEASURES | ({} if only_wikipedia else OTHER_MEASURES)
    data = {"volume_relations": inputs.tables["volume_relations"]}
    figures = []
    if points := _points(inputs):
        columns = ["language", "wikitext_bytes", "full_match"]
        data["volume_points"] = pa.table([pa.array(column) for column in zip(*points, strict=True)], columns)
        figure = Figure(
            "volume",
            plot_volume(points, measures["wikitext_bytes"]),
            f"P@1 against the size of {'the Wikipedia' if only_wikipedia else 'the texts'}.",
            "volume_points",
            f"A point per language, {len(points)} in all: P@1 on the vertical axis, "
            f"{measures['wikitext_bytes']} on the horizontal one.",
        )
        figures.append(figure)
    larger = "a larger Wikipedia make" if only_wikipedia else "more text make"
    method = [
        f"Does {larger} a better-informed model? A correlation over few languages may depend "
        "on a single one, so it is repeated with each language left out."
    ]
    if not only_wikipedia:
        method.append(f"Sizes are of all texts that were searched: {name_corpora(inputs.searched)}.")
    text = []
    if inputs.published and inputs.published.correlations:
        correlations = inputs.published.correlations
        text.append(
            f"Published for this model: {correlations['mbert_p1_vs_wikipedia_page_count']:.2f} with the "
            f"number of pages, {correlations['mbert_p1_vs_abstract_size']:.2f} with the size of the "
            "abstracts."
        )
    return Section(
        id="volume",
        title="Size of the Wikipedias" if only_wikipedia else "Size of the texts",
        text=text,
        method=method,
        finding=_find(relations, measures),
        figures=figures,
        tables=[_correlation_table(relations, measures)],
        asset="probing_scores",
        data=data,
    )


def _find(relations: Sequence[Mapping[str, Any]], measures: Mapping[str, str]) -> str:
    first = relations[0]
    if first["pearson"] is None:
        return "There are too few languages to compare P@1 with the size of their texts"
    measure = measures[first["measure"]]
    said = f"The correlation of P@1 with the number of {measure} is {decimal(first['pearson'])}"
    low, high = first["pearson_without_low"], first["pearson_without_high"]
    return said if low is None else f"{said}; with one language left out, {decimal(low)} to {decimal(high)}"


def _points(inputs: ReportInputs) -> list[tuple[str, float, float]]:
    """(language, bytes of wikitext, P@1) of the languages for which both are known."""
    sizes = {row["language"]: row["wikitext_bytes"] for row in inputs.rows("wikipedia_volume")}
    return [
        (language, float(sizes[language]), inputs.p_at_1[language])
        for language in inputs.languages
        if language in sizes and language in inputs.p_at_1
    ]


def _correlation_table(relations: Sequence[Mapping[str, Any]], measures: Mapping[str, str]) -> Table:
    left_out = ["Pearson, one language left out", "most influential"]
    cells = [
        [
            measures[row["measure"]],
            f"{row['languages']}",
            f"{decimal(row['pearson'])} (p {p_value(row['pearson_p'])})",
            f"{decimal(row['spearman'])} (p {p_value(row['spearman_p'])})",
            f"{decimal(row['pearson_without_low'])} to {decimal(row['pearson_without_high'])}",
            row["most_influential"] or "–",
        ]
        for row in relations
    ]
    return Table(["measure", "languages", "Pearson", "Spearman", *left_out], cells)
