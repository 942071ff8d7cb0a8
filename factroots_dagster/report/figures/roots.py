"""Where facts come from: types with ranges, absent sources, sensitivity, agreement with planted truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from factroots_dagster.report.figures.style import (
    ACCENT,
    INK,
    MUTED,
    PALE,
    TYPE_COLOURS,
    TYPE_NAMES,
    bars_height,
    canvas,
    column,
    label_rows,
    panels,
    percent_axis,
)
from factroots_dagster.roots.counts import CountRanges
from factroots_dagster.roots.schema import PREDICTED_TYPES
from factroots_dagster.tracing.matchers import WORDPIECE_CHUNK

Row = Mapping[str, Any]

AXIS_NAMES = {"easy_rule": "naming cues"}
"""Names of SENSITIVITY's axes, where they differ from the table's."""


def plot_types_by_language(
    counts: Mapping[str, Mapping[str, int]],
    languages: Sequence[str],
    ranges: CountRanges | None = None,
    label: Callable[[str], str] = str,
) -> Figure:
    """Predicted facts of each language by type: a panel per type, with shares as bars.

    Args:
        counts: language to type to number of facts.
        languages: those to draw, in this order.
        ranges: (language, type) to the smallest and the largest count over all settings, drawn as whiskers.
        label: turns a language code into the text beside its row.
    """
    totals = {
        language: sum(counts[language].get(type_, 0) for type_ in PREDICTED_TYPES) for language in languages
    }
    shares = {
        type_: np.array([counts[language].get(type_, 0) / max(totals[language], 1) for language in languages])
        for type_ in PREDICTED_TYPES
    }
    share_ranges = {
        type_: [
            _divide((ranges or {}).get((language, type_)), max(totals[language], 1)) for language in languages
        ]
        for type_ in PREDICTED_TYPES
    }
    labels = [f"{label(language)}  ({totals[language]:,})" for language in languages]
    return _plot_type_panels(labels, shares, share_ranges)


def plot_sensitivity(rows: Sequence[Row]) -> Figure:
    """How the types of all languages change when one setting is changed.

    rows: axis, setting, is_default, type, share; settings are drawn in the order of the rows.
    """
    settings = list(dict.fromkeys((row["axis"], row["setting"], row["is_default"]) for row in rows))
    share_of = {(row["axis"], row["setting"], row["type"]): row["share"] or 0.0 for row in rows}
    shares = {
        type_: np.array([share_of.get((axis, setting, type_), 0.0) for axis, setting, _ in settings])
        for type_ in PREDICTED_TYPES
    }
    labels = [
        f"{AXIS_NAMES.get(axis, axis)}: {setting}{'  (in use)' if in_use else ''}"
        for axis, setting, in_use in settings
    ]
    faint = [not in_use for _, _, in_use in settings]
    return _plot_type_panels(labels, shares, {}, faint)


def _plot_type_panels(
    labels: Sequence[str],
    shares: Mapping[str, np.ndarray],
    ranges: Mapping[str, Sequence[tuple[float, float] | None]],
    faint: Sequence[bool] = (),
) -> Figure:
    """A panel per type with a bar per row; ranges are drawn as whiskers."""
    with panels(10.5, bars_height(len(labels)) + 0.2, len(PREDICTED_TYPES)) as (figure, all_axes):
        for axes, type_ in zip(all_axes, PREDICTED_TYPES, strict=True):
            values, whiskers = shares[type_], ranges.get(type_, [None] * len(labels))
            bars = axes.barh(range(len(labels)), values, color=TYPE_COLOURS[type_], height=0.66)
            for bar, light in zip(bars, faint, strict=False):
                bar.set_alpha(0.45 if light else 1.0)
            ends = [
                max(value, whisker[1]) if whisker else value
                for value, whisker in zip(values, whiskers, strict=True)
            ]
            for row, (value, whisker) in enumerate(zip(values, whiskers, strict=True)):
                if whisker:
                    axes.plot(whisker, [row, row], color=INK, lw=1, marker="|", ms=5, zorder=3)
                axes.text(ends[row] + 0.02, row, f"{100 * value:.0f}", va="center", fontsize=8, color=MUTED)
            axes.set_title(TYPE_NAMES[type_].replace(": ", ":\n"), fontsize=9.5, loc="left")
            percent_axis(axes, limit=max(1.0, *ends, 0) + 0.17 if ends else 1.17)
            axes.set_xticks([0, 0.5, 1])
        label_rows(all_axes[0], labels)
        figure.supxlabel("share of the predicted facts, in percent", fontsize=9)
        return figure


def _divide(counts: tuple[int, int] | None, total: int) -> tuple[float, float] | None:
    return None if counts is None else (counts[0] / total, counts[1] / total)


def plot_absence_by_language(
    rows: Sequence[Row],
    languages: Sequence[str],
    published: Mapping[str, float],
    label: Callable[[str], str] = str,
) -> Figure:
    """Share of predicted facts without a source: a mark per matcher, and a band that spans all matchers.

    Args:
        rows: language, matcher, rate. Marks show the three windows, and the chunk with other forms of names.
        languages: those to draw, in this order.
        published: language to the published rate.
        label: turns a language code into the text beside its row.
    """
    # Rings, dots and bars stay visible when matchers agree and lie on top of each other.
    styles = {
        "article": ("o", "#0072B2", 8),
        "chunk": ("o", "#E69F00", 4.5),
        "sentence": ("x", INK, 5),
        "chunk_with_aliases": ("|", "#009E73", 12),
        "chunk_with_suffixes": ("_", "#D55E00", 10),
        WORDPIECE_CHUNK: ("s", "#CC79A7", 4),
    }
    y = {language: position for position, language in enumerate(languages)}
    drawn = [row for row in rows if row["rate"] is not None and row["language"] in y]
    present = {row["matcher"] for row in rows}
    with canvas(8, bars_height(len(languages)) + 0.2) as (figure, axes):
        for language, position in y.items():
            if rates := [row["rate"] for row in drawn if row["language"] == language]:
                span = [min(rates), max(rates)]
                axes.plot(span, [position] * 2, color=PALE, lw=4, solid_capstyle="round")
        for matcher, (mark, colour, size) in styles.items():
            if matcher in present:
                own = [row for row in drawn if row["matcher"] == matcher]
                axes.plot(
                    column(own, "rate"),
                    [y[row["language"]] for row in own],
                    mark,
                    ms=size,
                    mec=colour,
                    mfc="none" if matcher == "article" else colour,
                    mew=1.6,
                    label=matcher,
                )
        if beside := [language for language in languages if language in published]:
            axes.plot(
                [published[language] for language in beside],
                [y[language] for language in beside],
                "D",
                ms=4,
                color=INK,
                label="published (chunk)",
            )
        label_rows(axes, languages, label)
        percent_axis(axes)
        axes.set_xlim(left=0)
        axes.set_xlabel("share of correctly predicted facts without a source")
        figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8.5)
        return figure


def plot_confusion(confusion: Mapping[str, Mapping[str, int]], title: str = "") -> Figure:
    """Predicted facts by planted kind (rows) and type (columns).

    confusion: planted kind to type to number of facts.
    """
    kinds = list(confusion)
    counts = np.array(
        [[confusion[kind].get(type_, 0) for type_ in PREDICTED_TYPES] for kind in kinds], dtype=float
    ).reshape(len(kinds), len(PREDICTED_TYPES))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas(7, 1.6 + 0.42 * len(kinds)) as (figure, axes):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
        for (i, j), value in np.ndenumerate(counts):
            ink = "white" if shares[i, j] > 0.6 else INK
            axes.text(j, i, f"{value:,.0f}", ha="center", va="center", color=ink)
        names = [TYPE_NAMES[type_].replace(": ", ":\n") for type_ in PREDICTED_TYPES]
        axes.set_xticks(range(len(PREDICTED_TYPES)), names)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(kinds)), [f"planted: {kind}" for kind in kinds])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        if title:
            axes.set_title(title, fontsize=10, loc="left")
        return figure


def plot_agreement(rows: Sequence[Row]) -> Figure:
    """Agreement with planted truth by method. rows: label, value, low, high, ours."""
    with canvas(7, 0.9 + 0.36 * len(rows)) as (figure, axes):
        y = np.arange(len(rows))
        values = column(rows, "value")
        error = np.nan_to_num(np.stack([values - column(rows, "low"), column(rows, "high") - values]))
        colours = [ACCENT if row["ours"] else PALE for row in rows]
        axes.barh(y, values, color=colours, height=0.62)
        axes.errorbar(values, y, xerr=np.abs(error), fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
        for position, row in enumerate(rows):
            ink = "white" if row["ours"] else INK
            text = f"{100 * values[position]:.1f}%"
            axes.text(0.01, position, text, va="center", fontsize=8.5, color=ink)
        axes.set_yticks(y, [row["label"] for row in rows])
        axes.invert_yaxis()
        percent_axis(axes, limit=1)
        axes.set_xlabel("mean recall of shared, independent and transferred")
        return figure
