"""Would other facts, or another k, have given the same neurons?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from factroots_dagster.neurons.statistics import BY_PAIR, OF_SETS
from factroots_dagster.report.figures.neurons import plot_stability
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, decimal
from factroots_dagster.report.sections.untrained import compare_with_twins

ASPECTS = {
    "facts_halved": "neurons of a fact, from either half of the relation’s facts",
    "pairs_halved": "similarity of a pair of languages, from either half of its facts",
    "over_k": "order of the pairs, at this k against the k in use",
}


def build_section(inputs: ReportInputs) -> Section | None:
    rows = [row for row in inputs.rows("neuron_stability") if row["language"] == "*"]
    halved = [
        row for row in rows if row["aspect"] == "facts_halved" and None not in (row["k"], row["overlap"])
    ]
    if not halved:
        return None
    labels = {statistic.name: statistic.label for statistic in BY_PAIR}
    best = max(halved, key=lambda row: row["overlap"])
    name = "The overlap of a fact’s neurons from two halves of the facts"
    shown = {(statistic.name, "all"): statistic.label for statistic in OF_SETS}
    text, tables, data = compare_with_twins(inputs, "stability", shown, {("jaccard", "all"): name})
    return Section(
        id="stability",
        title="Would other facts have given the same neurons?",
        finding=f"A fact’s neurons from two halves of the facts overlap by {best['overlap']:.2f} at best, "
        f"random ones by {best['random_overlap']:.2f}",
        text=text,
        method=[
            "Probeless identifies a fact’s neurons by comparing it with the other facts of its relation. "
            "Here that is done twice, each time with a random half of the facts: what the halves agree on "
            "belongs to the fact, the rest is noise. The reliability is that of all facts together "
            "(Spearman-Brown).",
        ],
        figures=[
            Figure(
                "stability",
                plot_stability(halved, labels),
                "Overlap of a fact’s top neurons from two halves of the facts, by the number of neurons.",
                "neuron_stability",
                f"Lines over k; the highest overlap is {best['overlap']:.2f} at k = {best['k']} "
                f"({labels[best['statistic']]}), where random neurons reach {best['random_overlap']:.2f}.",
            )
        ],
        tables=[*tables, _table(rows, labels)],
        asset="neuron_similarity",
        data={"neuron_stability": inputs.tables["neuron_stability"], **data},
    )


def _table(rows: Sequence[Mapping[str, Any]], labels: Mapping[str, str]) -> Table:
    """Rows of NEURON_STABILITY; labels: of the statistics."""
    columns = ["what is repeated", "statistic", "k", "n", "overlap", "random", "correlation", "reliability"]
    cells = [
        [
            ASPECTS[row["aspect"]],
            labels[row["statistic"]],
            "–" if row["k"] is None else str(row["k"]),
            f"{row['n']:,}",
            *(decimal(row[name]) for name in ("overlap", "random_overlap", "correlation", "spearman_brown")),
        ]
        for row in rows
        if row["aspect"] in ASPECTS
    ]
    return Table(columns, cells, collapsed=True)
