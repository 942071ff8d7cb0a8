"""Figures about neurons: similarity and its baselines, stability, layers, interventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from factroots_dagster.report.figures.style import (
    ACCENT,
    CONTRAST,
    GRID,
    INK,
    MUTED,
    PALE,
    canvas,
    column,
    label_rows,
    panels,
    share_by_number_axes,
)

Row = Mapping[str, Any]


def plot_similarity(means: Mapping[str, Mapping[str, float]]) -> Figure:
    """Mean similarity of the same fact in two languages beside its baselines.

    means: label of a statistic to label of a baseline to mean; the first baseline is the same fact. A panel
    per statistic, each with its own scale.
    """
    labels = list(dict.fromkeys(label for values in means.values() for label in values))
    with panels(10.5, 1.2 + 0.34 * len(labels), max(len(means), 1)) as (figure, every):
        for axes, (statistic, values) in zip(every, means.items(), strict=False):
            numbers = [values.get(label, np.nan) for label in labels]
            axes.barh(range(len(labels)), numbers, color=[ACCENT, *[PALE] * (len(labels) - 1)], height=0.62)
            for row, value in enumerate(numbers):
                if not np.isnan(value):
                    axes.text(max(value, 0), row, f" {value:.2f}", va="center", fontsize=8.5)
            axes.set_title(statistic, fontsize=9.5, loc="left")
            axes.grid(axis="x", color=GRID)
            axes.tick_params(length=0)
            axes.margins(x=0.3)
            axes.axvline(0, color=MUTED, lw=0.8)
            axes.xaxis.set_major_locator(MaxNLocator(3))
        label_rows(every[0], labels)
        return figure


def plot_stability(rows: Sequence[Row], labels: Mapping[str, str]) -> Figure:
    """Overlap of the top neurons from two halves of the facts, over k.

    rows: statistic, k, overlap, random_overlap. labels: of the statistics.
    """
    marks = dict(zip(dict.fromkeys(row["statistic"] for row in rows), "os^vD", strict=False))
    colours = [ACCENT, CONTRAST, "#009E73", "#CC79A7", "#E69F00"]
    with canvas(6.5, 3.6) as (figure, axes):
        for (statistic, mark), colour in zip(marks.items(), colours, strict=False):
            mine = sorted((r for r in rows if r["statistic"] == statistic), key=lambda r: r["k"])
            x, y = column(mine, "k"), column(mine, "overlap")
            axes.plot(x, y, mark + "-", color=colour, ms=5, lw=1.8, label=labels[statistic])
        chance = {row["k"]: row["random_overlap"] for row in rows}
        axes.plot(
            sorted(chance), [chance[k] for k in sorted(chance)], "--", color=MUTED, label="random neurons"
        )
        axes.set_ylim(0, 1)
        axes.grid(color=GRID)
        axes.tick_params(length=0)
        axes.set_xlabel("neurons of a set (k)")
        axes.set_ylabel("overlap of the two halves (Jaccard)")
        axes.legend(frameon=False, fontsize=8.5)
        return figure


def plot_layer_profile(rows: Sequence[Row]) -> Figure:
    """Share of active neurons by layer, a line per language. rows: language, layer (from 0), share."""
    with canvas(6.5, 3.6) as (figure, axes):
        layers = sorted({row["layer"] for row in rows})
        by_language: dict[str, dict[int, float]] = {row["language"]: {} for row in rows}
        for row in rows:
            by_language[row["language"]][row["layer"]] = row["share"]
        values = np.array([[shares.get(layer, 0.0) for layer in layers] for shares in by_language.values()])
        for line in values:
            axes.plot([layer + 1 for layer in layers], line, color=PALE, lw=0.9)
        if len(values):
            axes.plot(
                [n + 1 for n in layers],
                values.mean(axis=0),
                color=ACCENT,
                lw=2.2,
                marker="o",
                ms=4,
                label="mean of the languages",
            )
            axes.legend(frameon=False)
        share_by_number_axes(axes, "layer", "share of active neurons")
        return figure


NEURON_SET_LABELS = {
    "own": "the fact's own",
    "other_fact": "another fact's",
    "same_layer": "random, same layers",
    "random": "random",
}


def plot_intervention_effects(rows: Sequence[Row]) -> Figure:
    """Change of the object's log-probability, and share of right answers lost, with 95% intervals.

    rows: INTERVENTION_SUMMARY of all directions together.
    """
    order = [(i, s) for i in ("ablate", "boost") for s in NEURON_SET_LABELS]
    known = [row for key in order for row in rows if (row["intervention"], row["neuron_set"]) == key]
    titles = {"logprob_change": "mean change of the object's log-probability", "flip_rate": "answers lost"}
    with panels(9.5, 1.1 + 0.3 * len(known), 2) as (figure, every):
        at = np.arange(len(known))
        colours = [ACCENT if row["neuron_set"] == "own" else PALE for row in known]
        for axes, (name, title) in zip(every, titles.items(), strict=True):
            values, low, high = (column(known, name + end) for end in ("", "_low", "_high"))
            error = np.nan_to_num(np.abs(np.stack([values - low, high - values])))
            axes.barh(at, values, color=colours, height=0.62)
            axes.errorbar(values, at, xerr=error, fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
            axes.set_title(title, fontsize=9.5, loc="left")
            axes.axvline(0, color=MUTED, lw=0.8)
            axes.grid(axis="x", color=GRID)
            axes.tick_params(length=0)
            axes.xaxis.set_major_locator(MaxNLocator(4))
        every[1].xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        label_rows(every[0], [f"{r['intervention']}: {NEURON_SET_LABELS[r['neuron_set']]}" for r in known])
        return figure
