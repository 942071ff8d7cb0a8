"""Checkpoints side by side: P@1, types, and facts that changed type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from factroots_dagster.report.figures.roots import Bands
from factroots_dagster.report.figures.style import (
    ACCENT,
    GRID,
    INK,
    PALE,
    TYPE_COLOURS,
    TYPE_NAMES,
    bars_height,
    canvas,
    language_rows,
    panels,
    percent_axis,
)
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES

Row = Mapping[str, Any]


def checkpoints_overall(rows: Sequence[Row], bands: Mapping[str, Bands] | None = None) -> Figure:
    """P@1 of all languages, and the share of their rows of each predicted type, over the checkpoints.

    rows: CHECKPOINT_COMPARISON. Thin lines are single languages. bands: by checkpoint, the least and the
    most facts of (language, type) over all settings, drawn as areas.
    """
    order = _order(rows)
    at = {checkpoint: place for place, checkpoint in enumerate(order)}
    with panels(10.5, 4.2, 2) as (figure, (left, right)):
        p1: dict[str, dict[int, float]] = {}
        for row in rows:
            if row["full_match"] is not None:
                p1.setdefault(row["language"], {})[at[row["checkpoint"]]] = row["full_match"]
        for language in sorted(p1, key=lambda x: x == "*"):
            line = p1[language]
            whole = language == "*"
            style: dict[str, Any] = (
                {"color": ACCENT, "lw": 2.4, "marker": "o"} if whole else {"color": PALE, "lw": 0.9}
            )
            left.plot(list(line), list(line.values()), label="all languages" if whole else None, **style)
        if "*" in p1:
            left.legend(frameon=False, loc="lower right")
        left.set_title("P@1", fontsize=9.5, loc="left")
        for kind, mark in zip(PREDICTED_TYPES, "os^vD", strict=True):
            mine = [row for row in rows if row["language"] == "*" and row["type"] == kind]
            _area(right, mine, at, bands or {}, TYPE_COLOURS[kind])
            right.plot(
                [at[row["checkpoint"]] for row in mine],
                [row["share"] for row in mine],
                marker=mark,
                color=TYPE_COLOURS[kind],
                lw=2,
                label=TYPE_NAMES[kind],
            )
        right.set_title("share of all rows, by type", fontsize=9.5, loc="left")
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
        for axes in (left, right):
            axes.set_xticks(range(len(order)), order, rotation=30 if len(order) > 3 else 0, ha="center")
            axes.tick_params(length=0, labelleft=True)
            axes.grid(axis="y", color=GRID)
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
            axes.margins(x=0.12)
            axes.set_ylim(0, 1)
        return figure


def _area(
    axes: Axes, rows: Sequence[Row], at: Mapping[str, int], bands: Mapping[str, Bands], colour: str
) -> None:
    """The band of one type; shares are of all rows, which facts and share tell together."""
    known = [
        (at[row["checkpoint"]], *band, row["share"] / row["facts"])
        for row in rows
        if row["facts"] and (band := bands.get(row["checkpoint"], {}).get((row["language"], row["type"])))
    ]
    if known:
        x, low, high, one = (np.array(values) for values in zip(*known, strict=True))
        axes.fill_between(x, low * one, high * one, color=colour, alpha=0.15, lw=0)


def changes(moves: Mapping[tuple[str, str], int], title: str) -> Figure:
    """How many facts went from which type (rows) to which (columns)."""
    counts = np.array([[moves.get((a, b), 0) for b in TYPES] for a in TYPES], dtype=float)
    names = [TYPE_NAMES[t].replace(": ", ":\n") for t in TYPES]
    with canvas(7.6, 4.4) as (figure, axes):
        axes.imshow(np.sqrt(counts), cmap="Blues", aspect="auto", vmax=1.2 * max(np.sqrt(counts.max()), 1))
        for (i, j), value in np.ndenumerate(counts):
            ink = "white" if value > 0.5 * counts.max() else INK
            axes.text(j, i, f"{value:,.0f}" if i != j else "–", ha="center", va="center", color=ink)
        axes.set_xticks(range(len(TYPES)), names)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(TYPES)), names)
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        axes.set_title(title, fontsize=10, loc="left", parse_math=False)
        return figure


def by_language(rows: Sequence[Row], languages: Sequence[str], name: Callable[[str], str] = str) -> Figure:
    """P@1 of each language at every checkpoint, the first faint and the last strong."""
    order = _order(rows)
    value = {(row["checkpoint"], row["language"]): row["full_match"] for row in rows}
    with canvas(8, bars_height(len(languages)) + 0.2) as (figure, axes):
        for place, checkpoint in enumerate(order):
            strength = 0.3 + 0.7 * (place + 1) / len(order)
            known = [(value.get((checkpoint, x)), at) for at, x in enumerate(languages)]
            points = [(v, at) for v, at in known if v is not None]
            axes.plot(
                [v for v, _ in points],
                [at for _, at in points],
                "os^vDP*X"[place % 8],
                color=ACCENT,
                alpha=strength,
                ms=6,
                label=checkpoint,
            )
        language_rows(axes, languages, name)
        percent_axis(axes)
        axes.set_xlim(left=0)
        axes.set_xlabel("P@1")
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
        return figure


def _order(rows: Sequence[Row]) -> list[str]:
    return [key for _, key in sorted({(row["order"], row["checkpoint"]) for row in rows})]
