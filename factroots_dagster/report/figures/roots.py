"""Where a fact stems from: types with bands, absent sources, sensitivity, agreement with planted truth."""

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
    language_rows,
    panels,
    percent_axis,
)
from factroots_dagster.roots.schema import PREDICTED_TYPES
from factroots_dagster.tracing.matchers import WORDPIECE_CHUNK

Row = Mapping[str, Any]
Bands = Mapping[tuple[str, str], tuple[int, int]]
AXES = {"easy_rule": "easy rule"}
"""How the axes of the sensitivity table are written, where not as they stand."""


def types_by_language(
    counts: Mapping[str, Mapping[str, int]],
    languages: Sequence[str],
    bands: Bands | None = None,
    name: Callable[[str], str] = str,
) -> Figure:
    """Predicted facts of each language by type: a panel per type, shares as bars, their number beside.

    bands: (language, type) to the least and the most facts over all settings that were tried.
    """
    totals = {x: sum(counts[x].get(t, 0) for t in PREDICTED_TYPES) for x in languages}
    shares = {
        kind: np.array([counts[x].get(kind, 0) / max(totals[x], 1) for x in languages])
        for kind in PREDICTED_TYPES
    }
    ranges = {
        kind: [
            None if (band := (bands or {}).get((x, kind))) is None else _scaled(band, totals[x])
            for x in languages
        ]
        for kind in PREDICTED_TYPES
    }
    labels = [f"{name(x)}  ({totals[x]:,})" for x in languages]
    return _type_panels(labels, shares, ranges)


def sensitivity(rows: Sequence[Row]) -> Figure:
    """How the types of all languages move when one setting is changed.

    rows: axis, setting, is_default, type, share; in the order in which they are drawn.
    """
    settings = list(dict.fromkeys((row["axis"], row["setting"], row["is_default"]) for row in rows))
    value = {(row["axis"], row["setting"], row["type"]): row["share"] or 0.0 for row in rows}
    shares = {t: np.array([value.get((a, s, t), 0.0) for a, s, _ in settings]) for t in PREDICTED_TYPES}
    labels = [f"{AXES.get(a, a)}: {s}{'  (used)' if used else ''}" for a, s, used in settings]
    faint = [not used for _, _, used in settings]
    return _type_panels(labels, shares, {}, faint)


def _type_panels(
    labels: Sequence[str],
    shares: Mapping[str, np.ndarray],
    ranges: Mapping[str, Sequence[tuple[float, float] | None]],
    faint: Sequence[bool] = (),
) -> Figure:
    """A panel per type with a bar per row; ranges are drawn as whiskers."""
    with panels(10.5, bars_height(len(labels)) + 0.2, len(PREDICTED_TYPES)) as (figure, every):
        for axes, kind in zip(every, PREDICTED_TYPES, strict=True):
            values, band = shares[kind], ranges.get(kind, [None] * len(labels))
            bars = axes.barh(range(len(labels)), values, color=TYPE_COLOURS[kind], height=0.66)
            for bar, light in zip(bars, faint, strict=False):
                bar.set_alpha(0.45 if light else 1.0)
            ends = [max(v, b[1]) if b else v for v, b in zip(values, band, strict=True)]
            for row, (value, between) in enumerate(zip(values, band, strict=True)):
                if between:
                    axes.plot(between, [row, row], color=INK, lw=1, marker="|", ms=5, zorder=3)
                axes.text(ends[row] + 0.02, row, f"{100 * value:.0f}", va="center", fontsize=8, color=MUTED)
            axes.set_title(TYPE_NAMES[kind].replace(": ", ":\n"), fontsize=9.5, loc="left")
            percent_axis(axes, limit=max(1.0, *ends, 0) + 0.17 if ends else 1.17)
            axes.set_xticks([0, 0.5, 1])
        language_rows(every[0], list(labels))
        figure.supxlabel("share of the facts that are predicted, in percent", fontsize=9)
        return figure


def _scaled(band: tuple[int, int], total: int) -> tuple[float, float]:
    return band[0] / max(total, 1), band[1] / max(total, 1)


def absence_by_language(
    rows: Sequence[Row],
    languages: Sequence[str],
    published: Mapping[str, float],
    name: Callable[[str], str] = str,
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
        WORDPIECE_CHUNK: ("s", "#CC79A7", 4),
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
                    color=PALE,
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
                column(known, "rate"), at_rows, mark, ms=size, mec=colour, mfc=fill, mew=1.6, label=matcher
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
        language_rows(axes, languages, name)
        percent_axis(axes)
        axes.set_xlim(left=0)
        axes.set_xlabel("share of correctly predicted facts without a source")
        figure.legend(loc="outside upper center", ncols=4, frameon=False, fontsize=8.5)
        return figure


def confusion(matrix: Mapping[str, Mapping[str, int]], title: str = "") -> Figure:
    """Planted kind (rows) against the type given (columns), predicted facts only."""
    kinds = list(matrix)
    counts = np.array([[matrix[kind].get(t, 0) for t in PREDICTED_TYPES] for kind in kinds], dtype=float)
    counts = counts.reshape(len(kinds), len(PREDICTED_TYPES))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    with canvas(7, 1.6 + 0.42 * len(kinds)) as (figure, axes):
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1.15, aspect="auto")
        for (i, j), value in np.ndenumerate(counts):
            ink = "white" if share[i, j] > 0.6 else INK
            axes.text(j, i, f"{value:,.0f}", ha="center", va="center", color=ink)
        names = [TYPE_NAMES[t].replace(": ", ":\n") for t in PREDICTED_TYPES]
        axes.set_xticks(range(len(PREDICTED_TYPES)), names)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(kinds)), [f"planted: {kind}" for kind in kinds])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        if title:
            axes.set_title(title, fontsize=10, loc="left")
        return figure


def agreement(rows: Sequence[Row]) -> Figure:
    """Agreement with planted truth by world and method. rows: label, value, low, high, ours."""
    with canvas(7, 0.9 + 0.36 * len(rows)) as (figure, axes):
        at = np.arange(len(rows))
        values = column(rows, "value")
        error = np.nan_to_num(np.stack([values - column(rows, "low"), column(rows, "high") - values]))
        axes.barh(at, values, color=[ACCENT if r["ours"] else PALE for r in rows], height=0.62)
        axes.errorbar(values, at, xerr=np.abs(error), fmt="none", ecolor=INK, elinewidth=0.9, capsize=2)
        for row, value in enumerate(values):
            axes.text(0.01, row, f"{100 * value:.1f}%", va="center", fontsize=8.5, color="white"
                      if rows[row]["ours"] else INK)  # fmt: skip
        axes.set_yticks(at, [r["label"] for r in rows])
        axes.invert_yaxis()
        percent_axis(axes, limit=1)
        axes.set_xlabel("mean recall of shared, independent and transferred")
        return figure
