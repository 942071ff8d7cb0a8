"""Generated worlds only: every method against the causal truth of worlds on which nothing was tuned."""

from __future__ import annotations

from typing import Any

from factroots_dagster.report.figures.roots import plot_agreement
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, interval, join_words
from factroots_dagster.yardstick.table import pool_seeds

METHODS = {
    "ours": "ours",
    "random_weights": "ours, on random weights",
    "fitted_strings": "ours, on strings",
    "evidence": "evidence of neurons",
    "evidence_random_weights": "evidence, on random weights",
    "strings": "equal strings",
    "object_strings": "equal strings of objects",
    "string_pairs": "equal strings of both",
    "string_similarity": "similar strings",
    "partners": "number of languages",
    "logprob": "log-probability",
    "paper": "the paper’s Jaccard",
    "attribution": "TracIn",
}
"""Methods and how they are called; ours comes first, then its placebos and the rivals."""
METRICS = {
    "auc_within_linked": "AUC, names alike",
    "balanced_accuracy_shared_independent": "shared or independent",
    "balanced_accuracy": "all types",
    "survival_shared": "survival of shared",
    "survival_independent": "survival of independent",
    "called_shared_unknown": "unknown called shared",
}
"""Metrics and their headings."""
SHOWN = "auc_within_linked"
WHAT_IT_MEASURES = (
    "In generated worlds the model can be trained again without the sentences that state a fact in one "
    "language, or in any. A fact that is still known without its own language’s statements was shared; one "
    "that is lost was independent. This is a truth about causes, and it does not read names."
)
HOW_TO_READ_IT = (
    "Every method is scored beside its placebos: the same method on a model whose weights were drawn anew, a "
    "comparison of strings, and numbers that need no neurons. A score that a placebo also reaches says "
    "nothing. “AUC, names alike” is the probability that a shared fact scores higher than an independent "
    "one, among facts whose names are written alike in another language that knows them; 50% is chance. "
    "Survival is the share of facts called so that the model still knows without its own statements. Methods "
    "without a threshold of their own get the one that is best in hindsight."
)
ENDS = ("value", "low", "high")
Rows = list[dict[str, Any]]


def build_section(inputs: ReportInputs) -> Section | None:
    if inputs.yardstick is None:
        return None
    pooled = pool_seeds(inputs.yardstick)
    presets = list(dict.fromkeys(row["preset"] for row in pooled))
    return Section(
        id="yardstick",
        title="What the types are worth",
        text=[],
        method=[
            WHAT_IT_MEASURES,
            HOW_TO_READ_IT,
            "These scores were measured beforehand with factroots dev yardstick and ship with the program; "
            "intervals are 95% over facts and seeds.",
        ],
        figures=[_figure(preset, pooled) for preset in presets],
        tables=[_table(preset, pooled) for preset in presets],
        asset="fact_types",
        data={"yardstick": inputs.yardstick},
    )


def _rows(preset: str, metric: str, pooled: Rows) -> dict[str, dict[str, Any]]:
    """Method to its pooled score."""
    rows = {row["method"]: row for row in pooled if (row["preset"], row["metric"]) == (preset, metric)}
    return {method: rows[method] for method in METHODS if method in rows}


def _figure(preset: str, pooled: Rows) -> Figure:
    rows = _rows(preset, SHOWN, pooled)
    bars: Rows = [
        {"label": METHODS[method], "ours": method == "ours"}
        | {end: row[end] for end in ("value", "low", "high")}
        for method, row in rows.items()
    ]
    described = join_words([f"{bar['label']} {interval(bar['value'], None, None)}" for bar in bars])
    return Figure(
        f"yardstick_{preset}",
        plot_agreement(bars, "AUC of shared against independent, names alike"),
        f"Worlds of the preset {preset}: how well each method tells shared from independent facts whose "
        "names are written alike.",
        "yardstick",
        f"{described}.",
    )


def _table(preset: str, pooled: Rows) -> Table:
    by_metric = {metric: _rows(preset, metric, pooled) for metric in METRICS}
    cells = [
        [label, *(_shown(by_metric[metric].get(method)) for metric in METRICS)]
        for method, label in METHODS.items()
    ]
    seeds = max((len(row["seeds"]) for row in pooled if row["preset"] == preset), default=0)
    return Table(["method", *METRICS.values()], cells, f"Worlds of the preset {preset}, {seeds} seeds.")


def _shown(row: dict[str, Any] | None) -> str:
    return interval(*(row[end] if row else None for end in ENDS))
