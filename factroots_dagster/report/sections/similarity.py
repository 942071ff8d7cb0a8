"""Do languages use the same neurons for a fact? Every statistic of similarity beside its baselines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.neurons import statistics
from factroots_dagster.neurons.statistics import BY_PAIR, OBSERVED, SAME_OBJECT, pair_means
from factroots_dagster.report.figures.knowledge import plot_heat_map
from factroots_dagster.report.figures.neurons import plot_similarity
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, decimal, join_words, percent
from factroots_dagster.report.sections.untrained import NAMES_LABELS, compare_with_twins
from factroots_dagster.stats.pair_matrix import pair_matrix

BASELINE_LABELS = {
    OBSERVED: "same fact, two languages",
    SAME_OBJECT: "other fact, same object",
    statistics.MISMATCHED: "other fact, other object",
    statistics.RANDOM: "random neurons",
}
"""In the order in which they are shown."""
PAPER_STATISTIC = "jaccard"


def build_section(inputs: ReportInputs) -> Section | None:
    means = _means(inputs.rows("similarity_pairs"))
    if PAPER_STATISTIC not in means:
        return None
    labels = {statistic.name: statistic.label for statistic in BY_PAIR}
    shown = {
        labels[name]: {BASELINE_LABELS[baseline]: value for baseline, value in values.items()}
        for name, values in means.items()
    }
    paper = labels[PAPER_STATISTIC]
    values = join_words([f"{baseline} {value:.2f}" for baseline, value in shown[paper].items()])
    pairs = pair_means(inputs.tables["similarity_pairs"], PAPER_STATISTIC)
    compared = {*pairs["language_a"].to_pylist(), *pairs["language_b"].to_pylist()}
    order = [language for language in inputs.languages if language in compared]
    text, tables, data = compare_with_twins(inputs, "similarity", _twin_rows(labels), _TWIN_SENTENCES)
    columns = ["statistic", *BASELINE_LABELS.values()]
    cells = [[name, *(decimal(values.get(label)) for label in columns[1:])] for name, values in shown.items()]
    said = _text(inputs, means[PAPER_STATISTIC])
    return Section(
        id="neurons",
        title="Do languages use the same neurons?",
        finding=_find(means[PAPER_STATISTIC]),
        method=said[:2],
        text=[*said[2:], *text],
        figures=[
            Figure(
                "similarity_nulls",
                plot_similarity(shown),
                "Mean similarity of the neurons of the same fact in two languages, and its baselines.",
                "similarity_pairs",
                f"{paper}: {values}.",
            ),
            Figure(
                "similarity",
                plot_heat_map(pair_matrix(pairs, "value", order), order, "mean Jaccard"),
                "Mean overlap of active neurons over the facts that two languages predict.",
                "similarity_pairs",
                f"A square per pair of {len(order)} languages, brighter for more overlap.",
            ),
            *(_plot_beyond_twins(table, order) for table in data.values()),
        ],
        tables=[
            Table(columns, cells, "Means over all pairs of languages, weighted by their facts."),
            *tables,
        ],
        asset="neuron_similarity",
        data={"similarity_pairs": inputs.tables["similarity_pairs"], **data},
    )


_TWIN_SENTENCES = {
    (PAPER_STATISTIC, "all"): "The overlap of a fact’s top neurons in two languages",
    (
        f"{PAPER_STATISTIC}_beyond_same_object",
        "all",
    ): "Its excess over that of other facts with the same object",
}


def _twin_rows(labels: Mapping[str, str]) -> dict[tuple[str, str], str]:
    """What is shown of the untrained twins, with labels. labels: of the statistics."""
    paper = labels[PAPER_STATISTIC]
    by_names = {(PAPER_STATISTIC, names): f"{paper}, {label}" for names, label in NAMES_LABELS.items()}
    alone = {(name, "all"): label for name, label in labels.items()}
    beyond = {
        (f"{name}_beyond_same_object", "all"): f"{label}, beyond same object"
        for name, label in labels.items()
    }
    return alone | by_names | beyond


def _plot_beyond_twins(table: pa.Table, order: Sequence[str]) -> Figure:
    """The overlap of pairs of languages less that of the untrained twins. table: of UNTRAINED_TWINS."""
    of_pairs = pc.and_(pc.equal(table["measure"], PAPER_STATISTIC), pc.not_equal(table["language_a"], "*"))
    pairs = table.filter(of_pairs)
    return Figure(
        "similarity_beyond_untrained",
        plot_heat_map(pair_matrix(pairs, "difference", order), order, "trained minus untrained"),
        "Mean overlap of active neurons less that of the untrained twins, on a sample of facts.",
        "untrained_similarity",
        f"A square per pair of {len(order)} languages, brighter where training made more of the overlap.",
    )


def _text(inputs: ReportInputs, paper: Mapping[str, float]) -> list[str]:
    first, *others = BY_PAIR
    beside = "; ".join(f"“{statistic.label}”: {statistic.computed_from}" for statistic in others)
    text = [
        "For a fact that two languages predict, how many of its most active neurons are the same? The "
        "number means little alone: the neurons of two different facts with the same object overlap too, "
        "and any two facts overlap more than random neurons do. Only what exceeds "
        f"“{BASELINE_LABELS[SAME_OBJECT]}” can show that the fact itself is shared, and only what an "
        "untrained model does not reach.",
        f"The paper compares {first.computed_from}, by their Jaccard index. Beside it, the table has "
        f"{beside}.",
    ]
    observed, null = paper.get(OBSERVED), paper.get(SAME_OBJECT)
    if observed and null is not None:
        text.append(
            f"Here different facts with the same object reach {percent(null / observed)} of the overlap of "
            "the same fact."
        )
    if observed is not None and inputs.published and inputs.published.neuron_similarity:
        text.append(
            f"Published mean for this model: {inputs.published.neuron_similarity:.3f} (as printed, with the "
            f"zeros of the diagonal); here, without a diagonal: {observed:.3f}."
        )
    return text


def _find(paper: Mapping[str, float]) -> str:
    said = f"A fact’s top neurons overlap by {paper[OBSERVED]:.2f} in two languages"
    null = paper.get(SAME_OBJECT)
    return said if null is None else f"{said}; those of other facts with the same object by {null:.2f}"


def _means(pairs: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Statistic to baseline to the mean over pairs of languages, weighted by their facts.

    pairs: rows of SIMILARITY_PAIRS. Baselines without any value are left out, and statistics without an
    observed one.
    """
    weighted: dict[tuple[str, str], list[tuple[float, int]]] = {}
    for row in pairs:
        if row["facts"] and row["value"] is not None and isfinite(row["value"]):
            weighted.setdefault((row["statistic"], row["baseline"]), []).append((row["value"], row["facts"]))
    means: dict[str, dict[str, float]] = {}
    for statistic in BY_PAIR:
        for baseline in BASELINE_LABELS:
            values = weighted.get((statistic.name, baseline))
            if values and (baseline == OBSERVED or statistic.name in means):
                mean = sum(value * facts for value, facts in values) / sum(facts for _, facts in values)
                means.setdefault(statistic.name, {})[baseline] = mean
    return means
