"""Where facts come from: types with ranges, absent sources, sensitivity, agreement with planted truth."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from factroots_dagster.report.figures import style
from factroots_dagster.report.figures.colours import ACCENT, INK, MUTED, PALE, TYPE_COLOURS, TYPE_NAMES
from factroots_dagster.report.figures.style import Row, column
from factroots_dagster.roots.counts import CountRanges
from factroots_dagster.roots.schema import KNOWN_FROM, PREDICTED_TYPES
from factroots_dagster.tracing.matchers import WORDPIECE_CHUNK

AXIS_NAMES = {"easy_rule": "naming cues"}
"""Names of SENSITIVITY's axes, where they differ from the table's."""


def plot_types_by_language(
    counts: Mapping[str, Mapping[str, int]],
    languages: Sequence[str],
    ranges: CountRanges,
    label: Callable[[str], str] = str,
) -> Figure:
    """Predicted facts of each language by type: a panel per type, with shares as bars.

    counts: language to type to number of facts. languages: those to draw, in this order. ranges: (language,
    type) to the smallest and the largest count over all settings, drawn as whiskers.
    """
    totals = {code: sum(counts[code].get(type_, 0) for type_ in PREDICTED_TYPES) for code in languages}
    shares = {
        type_: [counts[code].get(type_, 0) / max(totals[code], 1) for code in languages]
        for type_ in PREDICTED_TYPES
    }
    share_ranges = {
        type_: [
            [count / max(totals[code], 1) for count in ranges.get((code, type_), ())] for code in languages
        ]
        for type_ in PREDICTED_TYPES
    }
    labels = [f"{label(code)}  ({totals[code]:,})" for code in languages]
    return _plot_type_panels(labels, shares, share_ranges)


def plot_expected_shares(
    rows: Mapping[str, Mapping[str, Row]], languages: Sequence[str], label: Callable[[str], str] = str
) -> Figure:
    """Expected shares of what facts are known from: a panel per verdict, with intervals as whiskers.

    rows: language to verdict to row of VERDICT_SHARES. languages: those to draw, in this order.
    """
    totals = {code: sum(row["facts"] for row in rows[code].values()) for code in languages}
    drawn = {name: [rows[code][name] for code in languages] for name in KNOWN_FROM}
    shares = {name: [row["expected"] or 0.0 for row in of_name] for name, of_name in drawn.items()}
    intervals = {
        name: [[row[end] for end in ("low", "high") if row[end] is not None] for row in of_name]
        for name, of_name in drawn.items()
    }
    return _plot_type_panels([f"{label(code)}  ({totals[code]:,})" for code in languages], shares, intervals)


def plot_sensitivity(rows: Sequence[Row]) -> Figure:
    """How the types of all languages change when one setting is changed.

    rows: axis, setting, is_default, type, share; settings are drawn in the order of the rows.
    """
    settings = list(dict.fromkeys((row["axis"], row["setting"], row["is_default"]) for row in rows))
    share_of = {(row["axis"], row["setting"], row["type"]): row["share"] or 0.0 for row in rows}
    shares = {
        type_: [share_of.get((axis, setting, type_), 0.0) for axis, setting, _ in settings]
        for type_ in PREDICTED_TYPES
    }
    labels = [
        f"{AXIS_NAMES.get(axis, axis)}: {setting}{'  (in use)' if in_use else ''}"
        for axis, setting, in_use in settings
    ]
    return _plot_type_panels(labels, shares, {}, [not in_use for _, _, in_use in settings])


def _plot_type_panels(
    labels: Sequence[str],
    shares: Mapping[str, Sequence[float]],
    ranges: Mapping[str, Sequence[Sequence[float]]],
    faint: Sequence[bool] = (),
) -> Figure:
    """A panel per type of `shares` with a bar per row; ranges, empty where there is none, are whiskers.

    A type that is nowhere above 0 has no panel, unless none is.
    """
    above = {
        type_: values
        for type_, values in shares.items()
        if any(values) or any(end for whisker in ranges.get(type_, ()) for end in whisker)
    }
    shares = above or shares
    with style.panels(10.5, style.bars_height(len(labels)) + 0.2, len(shares)) as (figure, all_axes):
        for axes, type_ in zip(all_axes, shares, strict=True):
            values, whiskers = shares[type_], ranges.get(type_, [()] * len(labels))
            bars = axes.barh(range(len(labels)), values, color=TYPE_COLOURS[type_], height=0.66)
            for bar, light in zip(bars, faint, strict=False):
                bar.set_alpha(0.45 if light else 1.0)
            ends = [max([value, *whisker]) for value, whisker in zip(values, whiskers, strict=True)]
            for row, (value, whisker, end) in enumerate(zip(values, whiskers, ends, strict=True)):
                if whisker:
                    axes.plot(whisker, [row, row], color=INK, lw=1, marker="|", ms=5, zorder=3)
                axes.text(end + 0.02, row, f"{100 * value:.0f}", va="center", fontsize=8, color=MUTED)
                said = f"{labels[row]}, {TYPE_NAMES[type_]}: {100 * value:.1f}%"
                between = f" ({100 * min(whisker):.1f} to {100 * max(whisker):.1f}%)" if whisker else ""
                style.note(axes, (0, end), (row - 0.45, row + 0.45), said + between)
            axes.set_title(TYPE_NAMES[type_].replace(": ", ":\n"))
            style.percent_axis(axes, limit=max([1.0, *ends]) + 0.17)
            axes.set_xticks([0, 0.5, 1])
        style.label_rows(all_axes[0], labels)
        figure.supxlabel("share of the predicted facts, in percent", fontsize=9)
        return figure


def plot_absence_by_language(
    rows: Sequence[Row],
    languages: Sequence[str],
    published: Mapping[str, float],
    label: Callable[[str], str] = str,
) -> Figure:
    """Share of predicted facts without a source: a mark per matcher, and a band that spans all matchers.

    rows: language, matcher, rate; marks show the three windows, and the chunk with other forms of names.
    languages: those to draw, in this order. published: language to the published rate.
    """
    # Rings, dots and bars stay visible when matchers agree and lie on top of each other.
    styles = {
        "article": ("o", "#0072B2", 8),
        "chunk": ("o", "#E69F00", 4.5),
        "sentence": ("x", INK, 5),
        "chunk_with_aliases": ("|", "#009E73", 12),
        "chunk_with_suffixes": ("_", "#D55E00", 10),
        "chunk_with_forms": ("+", "#56B4E9", 8),
        WORDPIECE_CHUNK: ("s", "#CC79A7", 4),
    }
    y = {language: position for position, language in enumerate(languages)}
    drawn = [row for row in rows if row["rate"] is not None and row["language"] in y]
    present = {row["matcher"] for row in rows}
    with style.canvas(8, style.bars_height(len(languages)) + 0.2) as (figure, axes):
        for language, position in y.items():
            if rates := [row["rate"] for row in drawn if row["language"] == language]:
                span = [min(rates), max(rates)]
                axes.plot(span, [position] * 2, color=PALE, lw=4, solid_capstyle="round")
        for row in drawn:
            at, place = row["rate"], y[row["language"]]
            said = f"{label(row['language'])}, {row['matcher']}: {100 * at:.1f}%"
            style.note(axes, (at, at), (place - 0.3, place + 0.3), said)
        for matcher, (mark, colour, size) in styles.items():
            if matcher in present:
                own = [row for row in drawn if row["matcher"] == matcher]
                x, positions = column(own, "rate"), [y[row["language"]] for row in own]
                inside = "none" if matcher == "article" else colour
                axes.plot(x, positions, mark, ms=size, mec=colour, mfc=inside, mew=1.6, label=matcher)
        if y.keys() & published.keys():
            rates = [published.get(language, np.nan) for language in languages]
            axes.plot(rates, list(y.values()), "D", ms=4, color=INK, label="published (chunk)")
        style.label_rows(axes, languages, label)
        style.percent_axis(axes)
        axes.set_xlabel("share of correctly predicted facts without a source")
        figure.legend(loc="outside upper center", ncols=4, fontsize=8.5)
        return figure


def plot_confusion(confusion: Mapping[str, Mapping[str, int]], title: str = "") -> Figure:
    """Predicted facts by planted kind (rows) and type (columns).

    confusion: planted kind to type to number of facts.
    """
    counts = np.array([[row.get(type_, 0) for type_ in PREDICTED_TYPES] for row in confusion.values()], float)
    counts = counts.reshape(-1, len(PREDICTED_TYPES))  # also without any kind
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with style.canvas(7, 1.6 + 0.42 * len(confusion)) as (figure, axes):
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
        for (i, j), value in np.ndenumerate(counts):
            ink = "white" if shares[i, j] > 0.6 else INK
            axes.text(j, i, f"{value:,.0f}", ha="center", va="center", color=ink)
        names = [TYPE_NAMES[type_].replace(": ", ":\n") for type_ in PREDICTED_TYPES]
        axes.set_xticks(range(len(PREDICTED_TYPES)), names)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(confusion)), [f"planted: {kind}" for kind in confusion])
        axes.spines[:].set_visible(False)
        axes.set_title(title, fontsize=10)
        return figure


def plot_agreement(rows: Sequence[Row], axis: str) -> Figure:
    """Scores by method, shares from 0 to 1. rows: label, value, low, high, ours. axis: what is scored."""
    with style.canvas(7, 0.9 + 0.36 * len(rows)) as (figure, axes):
        y = np.arange(len(rows))
        values, low, high = (column(rows, name) for name in ("value", "low", "high"))
        error = np.nan_to_num(np.stack([values - low, high - values]))
        colours = [ACCENT if row["ours"] else PALE for row in rows]
        axes.barh(y, values, color=colours, height=0.62)
        axes.errorbar(values, y, xerr=np.abs(error), fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
        for position, row in enumerate(rows):
            ink, text = "white" if row["ours"] else INK, f"{100 * values[position]:.1f}%"
            axes.text(0.01, position, text, va="center", fontsize=8.5, color=ink)
        axes.set_yticks(y, [row["label"] for row in rows])
        axes.invert_yaxis()
        style.percent_axis(axes, limit=1)
        axes.set_xlabel(axis)
        return figure
