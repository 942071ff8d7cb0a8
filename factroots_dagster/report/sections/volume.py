"""P@1 against the size of the Wikipedia."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures.knowledge import plot_volume
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, decimal, p_value


def build_section(inputs: ReportInputs) -> Section | None:
    relations = inputs.rows("volume_relations")
    if not relations:
        return None
    data = {"volume_relations": inputs.tables["volume_relations"]}
    figures = []
    if points := _points(inputs):
        columns = ["language", "wikitext_bytes", "full_match"]
        data["volume_points"] = pa.table([pa.array(column) for column in zip(*points, strict=True)], columns)
        figure = Figure(
            "volume",
            plot_volume(points, "bytes of wikitext"),
            "P@1 against the size of the Wikipedia.",
            "volume_points",
            f"A point per language, {len(points)} in all: P@1 on the vertical axis, bytes of wikitext on "
            "the horizontal one.",
        )
        figures.append(figure)
    method = [
        "Does a larger Wikipedia make a better-informed model? A correlation over few languages may depend "
        "on a single one, so it is repeated with each language left out."
    ]
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
        title="Size of the Wikipedias",
        text=text,
        method=method,
        finding=_find(relations),
        figures=figures,
        tables=[_correlation_table(relations)],
        asset="probing_scores",
        data=data,
    )


def _find(relations: Sequence[Mapping[str, Any]]) -> str:
    first = relations[0]
    if first["pearson"] is None:
        return "There are too few languages to compare P@1 with the size of their texts"
    said = f"The correlation of P@1 with the number of {first['measure']} is {decimal(first['pearson'])}"
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


def _correlation_table(relations: Sequence[Mapping[str, Any]]) -> Table:
    left_out = ["Pearson, one language left out", "most influential"]
    cells = [
        [
            row["measure"],
            f"{row['languages']}",
            f"{decimal(row['pearson'])} (p {p_value(row['pearson_p'])})",
            f"{decimal(row['spearman'])} (p {p_value(row['spearman_p'])})",
            f"{decimal(row['pearson_without_low'])} to {decimal(row['pearson_without_high'])}",
            row["most_influential"] or "–",
        ]
        for row in relations
    ]
    return Table(["measure", "languages", "Pearson", "Spearman", *left_out], cells)
