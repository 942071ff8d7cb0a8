"""Figures about neurons: similarity and its baselines, stability, layers, interventions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from factroots_dagster.report.figures import style
from factroots_dagster.report.figures.colours import ACCENT, CONTRAST, INK, MUTED, PALE
from factroots_dagster.report.figures.style import Row, column


def plot_similarity(means: Mapping[str, Mapping[str, float]]) -> Figure:
    """Mean similarity of the same fact in two languages beside its baselines.

    means: label of a statistic (a panel with its own scale) to label of a baseline (the same fact first) to
    mean.
    """
    labels = list(dict.fromkeys(label for values in means.values() for label in values))
    with style.panels(10.5, 1.2 + 0.34 * len(labels), max(len(means), 1)) as (figure, every):
        for axes, (statistic, values) in zip(every, means.items(), strict=False):
            numbers = [values.get(label, np.nan) for label in labels]
            colours = [ACCENT, *[PALE] * (len(labels) - 1)]
            axes.barh(range(len(labels)), numbers, color=colours, edgecolor=MUTED, lw=0.8, height=0.62)
            for row, value in enumerate(numbers):
                if not np.isnan(value):
                    axes.text(max(value, 0), row, f" {value:.2f}", va="center", fontsize=8.5)
            axes.set_title(statistic)
            axes.grid(axis="x")
            axes.margins(x=0.3)
            axes.axvline(0, color=MUTED, lw=0.8)
            axes.xaxis.set_major_locator(MaxNLocator(3))
        style.label_rows(every[0], labels)
        return figure


def plot_stability(rows: Sequence[Row], labels: Mapping[str, str]) -> Figure:
    """Overlap of the top neurons from two halves of the facts, over k.

    rows: statistic, k, overlap, random_overlap. labels: of the statistics.
    """
    statistics = dict.fromkeys(row["statistic"] for row in rows)
    colours = [ACCENT, CONTRAST, "#009E73", "#CC79A7", "#A87400"]
    rows = sorted(rows, key=lambda row: row["k"])
    with style.canvas(6.5, 3.6) as (figure, axes):
        for statistic, mark, colour in zip(statistics, "os^vD", colours, strict=False):
            mine = [row for row in rows if row["statistic"] == statistic]
            x, y = column(mine, "k"), column(mine, "overlap")
            axes.plot(x, y, mark + "-", color=colour, ms=5, lw=1.8, label=labels[statistic])
        chance = {row["k"]: row["random_overlap"] for row in rows}
        axes.plot(list(chance), list(chance.values()), "--", color=MUTED, label="random neurons")
        axes.grid()
        axes.set(ylim=(0, 1), xlabel="neurons of a set (k)", ylabel="overlap of the two halves (Jaccard)")
        axes.legend(fontsize=8.5)
        return figure


def plot_layer_profile(rows: Sequence[Row], untrained: Mapping[int, float] | None = None) -> Figure:
    """Share of active neurons by layer, a line per language.

    rows: language, layer (from 0), share. untrained: the mean share of the untrained twins, by layer.
    """
    layers = sorted({row["layer"] for row in rows})
    share_of = {(row["language"], row["layer"]): row["share"] for row in rows}
    languages = dict.fromkeys(row["language"] for row in rows)
    values = np.array([[share_of.get((language, layer), 0.0) for language in languages] for layer in layers])
    with style.canvas(6.5, 3.6) as (figure, axes):
        if layers:
            x, mean = [layer + 1 for layer in layers], values.mean(axis=1)
            axes.plot(x, values, color=PALE, lw=0.9)
            axes.plot(x, mean, color=ACCENT, lw=2.2, marker="o", ms=4, label="mean of the languages")
            if untrained:
                x = [layer + 1 for layer in untrained]
                axes.plot(
                    x,
                    [*untrained.values()],
                    "--",
                    color=CONTRAST,
                    lw=1.8,
                    label="mean of the untrained twins",
                )
            axes.legend()
        style.share_by_number_axes(axes, "layer", "share of active neurons")
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
    names = [f"{row['intervention']}: {NEURON_SET_LABELS[row['neuron_set']]}" for row in known]
    titles = {"logprob_change": "mean change of the object's log-probability", "flip_rate": "answers lost"}
    with style.panels(9.5, 1.1 + 0.3 * len(known), 2) as (figure, every):
        at = np.arange(len(known))
        colours = [ACCENT if row["neuron_set"] == "own" else PALE for row in known]
        for axes, (name, title) in zip(every, titles.items(), strict=True):
            values, low, high = (column(known, name + end) for end in ("", "_low", "_high"))
            error = np.nan_to_num(np.abs(np.stack([values - low, high - values])))
            axes.barh(at, values, color=colours, height=0.62)
            axes.errorbar(values, at, xerr=error, fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
            axes.set_title(title)
            axes.axvline(0, color=MUTED, lw=0.8)
            axes.grid(axis="x")
            axes.xaxis.set_major_locator(MaxNLocator(4))
        every[1].xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        style.label_rows(every[0], names)
        return figure


def plot_differences(rows: Sequence[Row]) -> Figure:
    """Trained minus untrained with its 95% interval, a line per measure. rows: of UNTRAINED_TWINS."""
    at = np.arange(len(rows))
    with style.canvas(7.5, style.bars_height(len(rows))) as (figure, axes):
        values, low, high = (column(rows, f"difference{end}") for end in ("", "_low", "_high"))
        error = np.nan_to_num(np.abs(np.stack([values - low, high - values])))
        axes.errorbar(values, at, xerr=error, fmt="o", color=ACCENT, ecolor=INK, ms=4, elinewidth=0.9)
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.grid(axis="x")
        axes.set_xlabel("trained minus untrained")
        style.label_rows(axes, [f"{row['figure']}: {row['measure'].replace('_', ' ')}" for row in rows])
        return figure
