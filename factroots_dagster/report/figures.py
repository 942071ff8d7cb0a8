"""The report's figures: each takes plain rows and returns a matplotlib figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from factroots_dagster.report.drawing import (
    ACCENT,
    CONTRAST,
    GRID,
    INK,
    MUTED,
    TYPE_COLOURS,
    TYPE_NAMES,
    bars_height,
    canvas,
    language_rows,
    percent_axis,
)
from factroots_dagster.report.schema import PREDICTED_TYPES
from factroots_dagster.tracing.matchers import WORDPIECE

Row = Mapping[str, Any]


def types_by_language(counts: Mapping[str, Mapping[str, int]], languages: Sequence[str]) -> Figure:
    """Stacked bars: predicted facts of each language by type, as shares, with their number beside."""
    with canvas(8, bars_height(len(languages)) + 0.3) as (figure, axes):
        left = np.zeros(len(languages))
        totals = np.array([sum(counts[lang].get(t, 0) for t in PREDICTED_TYPES) for lang in languages])
        for kind in PREDICTED_TYPES:
            share = np.array([counts[lang].get(kind, 0) for lang in languages]) / np.maximum(totals, 1)
            axes.barh(range(len(languages)), share, left=left, color=TYPE_COLOURS[kind], height=0.72,
                      label=TYPE_NAMES[kind], edgecolor="white", linewidth=0.6)  # fmt: skip
            for row, (width, start) in enumerate(zip(share, left, strict=True)):
                if width >= 0.07:
                    dark = kind in ("shared", "independent")
                    axes.text(start + width / 2, row, f"{100 * width:.0f}", ha="center", va="center",
                              fontsize=7.5, color="white" if dark else INK)  # fmt: skip
            left += share
        for row, total in enumerate(totals):
            axes.text(1.01, row, f"{total:,}", va="center", fontsize=8, color=MUTED)
        axes.text(1.01, -0.85, "facts", fontsize=8, color=MUTED, va="center")
        language_rows(axes, list(languages))
        percent_axis(axes, limit=1)
        axes.set_xlabel("share of the facts that the model predicts correctly")
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
        return figure


def p_at_1_by_language(rows: Sequence[Row], published: Mapping[str, float] | None = None) -> Figure:
    """P@1 with 95% intervals, and the baselines it must be read against.

    rows: language, full_match, full_match_low, full_match_high, majority, prior_typed_p1, typed_p1.
    """
    with canvas(8, bars_height(len(rows)) + 0.3) as (figure, axes):
        at = np.arange(len(rows))
        values = _column(rows, "full_match")
        error = np.abs(
            np.stack([values - _column(rows, "full_match_low"), _column(rows, "full_match_high") - values])
        )
        axes.barh(at, values, color=ACCENT, height=0.62, label="P@1, all of the object's tokens right")
        axes.errorbar(values, at, xerr=error, fmt="none", ecolor=INK, elinewidth=0.8, capsize=1.5)
        _marks(axes, rows, at, "majority", "|", CONTRAST, "always the commonest object")
        _marks(axes, rows, at, "typed_p1", "o", "#56B4E9", "best of the candidates (typed)")
        _marks(axes, rows, at, "prior_typed_p1", "x", MUTED, "typed, subject hidden")
        if published:
            known = [(published[r["language"]], i) for i, r in enumerate(rows) if r["language"] in published]
            axes.plot(
                [x for x, _ in known],
                [i for _, i in known],
                "D",
                color="#E69F00",
                ms=4,
                label="published P@1",
            )
        language_rows(axes, [row["language"] for row in rows])
        percent_axis(axes)
        axes.set_xlim(left=0)
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
        return figure


def volume_scatter(points: Sequence[tuple[str, float, float]], measure: str) -> Figure:
    """P@1 against the size of the language's Wikipedia. points: (language, size, P@1)."""
    with canvas(6.5, 4.2) as (figure, axes):
        axes.scatter([p[1] for p in points], [p[2] for p in points], color=ACCENT, s=26, zorder=3)
        for language, size, value in points:
            axes.annotate(language, (size, value), xytext=(4, 3), textcoords="offset points", fontsize=8)
        if points and min(p[1] for p in points) > 0:
            axes.set_xscale("log")
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.grid(color=GRID)
        axes.tick_params(length=0)
        axes.set_xlabel(f"{measure} (logarithmic)")
        axes.set_ylabel("P@1")
        return figure


def mask_counts(rows: Sequence[Row]) -> Figure:
    """P@1 by how many tokens the object has: each language thin, all together thick with interval.

    rows: language ("*" for all), object_tokens, full_match, low, high.
    """
    with canvas(6.5, 3.8) as (figure, axes):
        for language in sorted({row["language"] for row in rows} - {"*"}):
            mine = sorted((r for r in rows if r["language"] == language), key=lambda r: r["object_tokens"])
            axes.plot(_column(mine, "object_tokens"), _column(mine, "full_match"), color="#B9C4CE", lw=0.9)
        total = sorted((r for r in rows if r["language"] == "*"), key=lambda r: r["object_tokens"])
        if total:
            x, y = _column(total, "object_tokens"), _column(total, "full_match")
            axes.fill_between(x, _column(total, "low"), _column(total, "high"), color=ACCENT, alpha=0.2)
            axes.plot(x, y, color=ACCENT, lw=2.2, marker="o", ms=4, label="all languages")
            axes.legend(frameon=False)
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=GRID)
        axes.tick_params(length=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("tokens of the object")
        axes.set_ylabel("P@1")
        return figure


def heat_map(matrix: np.ndarray, languages: Sequence[str], label: str) -> Figure:
    """Symmetric language-by-language values; NaN stays blank."""
    size = max(3.6, 1.6 + 0.22 * len(languages))
    with canvas(size + 0.8, size) as (figure, axes):
        image = axes.imshow(matrix, cmap="cividis", interpolation="nearest")
        axes.set_xticks(range(len(languages)), languages, rotation=90)
        axes.set_yticks(range(len(languages)), languages)
        axes.tick_params(
            length=0, labelsize=9 if len(languages) <= 20 else 14
        )  # large ones are shown smaller
        axes.spines[:].set_visible(False)
        if len(languages) <= 14:
            middle = np.nanmean(matrix) if not np.isnan(matrix).all() else 0.0
            for (i, j), value in np.ndenumerate(matrix):
                if not np.isnan(value):
                    colour = "black" if value > middle else "white"
                    axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
        bar = figure.colorbar(image, ax=axes, shrink=0.8)
        bar.set_label(label, size=9 if len(languages) <= 20 else 14)
        return figure


def absence_by_language(
    rows: Sequence[Row], languages: Sequence[str], published: Mapping[str, float]
) -> Figure:
    """Share of predicted facts without a source, one mark per matcher: the band is the uncertainty.

    rows: language, matcher, rate. The band spans all matchers; marks show the three windows, and the chunk by
    the other forms of names.
    """
    # Rings, dots and bars stay visible when matchers agree and lie upon each other.
    styles = {
        "article": ("o", "#0072B2", 8),
        "chunk": ("o", "#E69F00", 4.5),
        "sentence": ("x", INK, 5),
        "chunk_with_aliases": ("|", "#009E73", 12),
        "chunk_with_suffixes": ("_", "#D55E00", 10),
        WORDPIECE: ("s", "#CC79A7", 4),
    }
    present = {r["matcher"] for r in rows}
    matchers = {matcher: style for matcher, style in styles.items() if matcher in present}
    with canvas(8, bars_height(len(languages)) + 0.2) as (figure, axes):
        at = {language: i for i, language in enumerate(languages)}
        for language in languages:
            rates = [r["rate"] for r in rows if r["language"] == language and r["rate"] is not None]
            if rates:
                axes.plot(
                    [min(rates), max(rates)],
                    [at[language]] * 2,
                    color="#B9C4CE",
                    lw=4,
                    solid_capstyle="round",
                )
        for matcher, (mark, colour, size) in matchers.items():
            known = [
                r for r in rows if r["matcher"] == matcher and r["rate"] is not None and r["language"] in at
            ]
            at_rows = [at[r["language"]] for r in known]
            fill = "none" if size == 8 else colour
            axes.plot(
                _column(known, "rate"), at_rows, mark, ms=size, mec=colour, mfc=fill, mew=1.6, label=matcher
            )
        if shown := [language for language in languages if language in published]:
            axes.plot(
                [published[x] for x in shown],
                [at[x] for x in shown],
                "D",
                ms=4,
                color=INK,
                label="published (chunk)",
            )
        language_rows(axes, list(languages))
        percent_axis(axes)
        axes.set_xlim(left=0)
        axes.set_xlabel("share of correctly predicted facts without a source")
        figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8.5)
        return figure


def similarity_against_nulls(means: Mapping[str, float]) -> Figure:
    """Mean neuron overlap of shared facts beside what other comparisons score. means: label to value."""
    with canvas(6.5, 0.9 + 0.34 * len(means)) as (figure, axes):
        labels = list(means)
        colours = [ACCENT, *["#B9C4CE"] * (len(labels) - 1)]
        axes.barh(range(len(labels)), list(means.values()), color=colours, height=0.62)
        for row, value in enumerate(means.values()):
            axes.text(value, row, f" {value:.3f}", va="center", fontsize=8.5)
        axes.set_yticks(range(len(labels)), labels)
        axes.invert_yaxis()
        axes.grid(axis="x", color=GRID)
        axes.tick_params(length=0)
        axes.margins(x=0.12)
        axes.set_xlabel("mean Jaccard of the top neurons")
        return figure


def layer_profile(rows: Sequence[Row]) -> Figure:
    """Where the active neurons lie. rows: language, layer (from 0), share."""
    with canvas(6.5, 3.6) as (figure, axes):
        layers = sorted({row["layer"] for row in rows})
        by_language: dict[str, dict[int, float]] = {row["language"]: {} for row in rows}
        for row in rows:
            by_language[row["language"]][row["layer"]] = row["share"]
        values = np.array([[shares.get(layer, 0.0) for layer in layers] for shares in by_language.values()])
        for line in values:
            axes.plot([layer + 1 for layer in layers], line, color="#B9C4CE", lw=0.9)
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
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(color=GRID)
        axes.tick_params(length=0)
        axes.set_ylim(bottom=0)
        axes.set_xlabel("layer")
        axes.set_ylabel("share of active neurons")
        return figure


def intervention_effects(rows: Sequence[Row]) -> Figure:
    """Mean change of the object's log-probability. rows: intervention, neuron_set, mean, low, high."""
    names = {
        "own": "the fact's own",
        "other_fact": "another fact's",
        "same_layer": "random, same layers",
        "random": "random",
    }
    order = [(i, s) for i in ("ablate", "boost") for s in names]
    known = [row for key in order for row in rows if (row["intervention"], row["neuron_set"]) == key]
    with canvas(6.5, 0.9 + 0.3 * len(known)) as (figure, axes):
        at = np.arange(len(known))
        values = _column(known, "mean")
        error = np.abs(np.stack([values - _column(known, "low"), _column(known, "high") - values]))
        axes.barh(
            at, values, color=[ACCENT if r["neuron_set"] == "own" else "#B9C4CE" for r in known], height=0.62
        )
        axes.errorbar(values, at, xerr=error, fmt="none", ecolor=INK, elinewidth=0.8, capsize=1.5)
        axes.set_yticks(at, [f"{r['intervention']}: {names[r['neuron_set']]}" for r in known])
        axes.invert_yaxis()
        axes.axvline(0, color=MUTED, lw=0.8)
        axes.grid(axis="x", color=GRID)
        axes.tick_params(length=0)
        axes.set_xlabel("mean change of the object's log-probability")
        return figure


def confusion(matrix: Mapping[str, Mapping[str, int]]) -> Figure:
    """Planted kind (rows) against the type given (columns), predicted facts only."""
    kinds = list(matrix)
    counts = np.array([[matrix[kind].get(t, 0) for t in PREDICTED_TYPES] for kind in kinds], dtype=float)
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas(7, 1.6 + 0.42 * len(kinds)) as (figure, axes):
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
        for (i, j), value in np.ndenumerate(counts):
            axes.text(
                j, i, f"{value:,.0f}", ha="center", va="center", color="white" if share[i, j] > 0.6 else INK
            )
        axes.set_xticks(
            range(len(PREDICTED_TYPES)), [TYPE_NAMES[t].replace(": ", ":\n") for t in PREDICTED_TYPES]
        )
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(kinds)), [f"planted: {kind}" for kind in kinds])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return figure


def _column(rows: Sequence[Row], name: str) -> np.ndarray:
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)


def _marks(
    axes: Any, rows: Sequence[Row], at: np.ndarray, column: str, mark: str, colour: str, label: str
) -> None:
    values = _column(rows, column) if rows and column in rows[0] else np.full(len(rows), np.nan)
    if not np.isnan(values).all():
        size = {"|": 11, "o": 4, "x": 5}[mark]
        axes.plot(
            values, at, mark, color=colour, ms=size, mew=1.8 if mark != "o" else 0, label=label, zorder=4
        )
