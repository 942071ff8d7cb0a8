"""Checkpoints side by side: P@1, types, and facts that changed type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from factroots_dagster.report.figures.style import (
    ACCENT,
    GRID,
    INK,
    PALE,
    TYPE_COLOURS,
    TYPE_NAMES,
    bars_height,
    canvas,
    label_rows,
    panels,
    percent_axis,
)
from factroots_dagster.roots.counts import CountRanges
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES

Row = Mapping[str, Any]


def plot_checkpoints(rows: Sequence[Row], ranges: Mapping[str, CountRanges] | None = None) -> Figure:
    """P@1 of all languages, and the share of their rows of each predicted type, over the checkpoints.

    Args:
        rows: of CHECKPOINT_COMPARISON; thin lines are single languages.
        ranges: checkpoint to (language, type) to the smallest and the largest count over all settings, drawn
            as areas.
    """
    checkpoints = _in_order(rows)
    x = {checkpoint: position for position, checkpoint in enumerate(checkpoints)}
    with panels(10.5, 4.2, 2) as (figure, (left, right)):
        _plot_p_at_1(left, rows, x)
        for type_, mark in zip(PREDICTED_TYPES, "os^vD", strict=True):
            own = [row for row in rows if row["language"] == "*" and row["type"] == type_]
            _fill_ranges(right, own, x, ranges or {}, TYPE_COLOURS[type_])
            right.plot(
                [x[row["checkpoint"]] for row in own],
                [row["share"] for row in own],
                marker=mark,
                color=TYPE_COLOURS[type_],
                lw=2,
                label=TYPE_NAMES[type_],
            )
        left.set_title("P@1", fontsize=9.5, loc="left")
        right.set_title("share of all rows, by type", fontsize=9.5, loc="left")
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=5, frameon=False)
        for axes in (left, right):
            rotation = 30 if len(checkpoints) > 3 else 0
            axes.set_xticks(range(len(checkpoints)), checkpoints, rotation=rotation, ha="center")
            axes.tick_params(length=0, labelleft=True)
            axes.grid(axis="y", color=GRID)
            axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
            axes.margins(x=0.12)
            axes.set_ylim(0, 1)
        return figure


def _plot_p_at_1(axes: Axes, rows: Sequence[Row], x: Mapping[str, int]) -> None:
    """A thin line per language, and a thick one for all."""
    lines: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["full_match"] is not None:
            lines.setdefault(row["language"], {})[x[row["checkpoint"]]] = row["full_match"]
    total = lines.pop("*", None)
    for _, line in sorted(lines.items()):
        axes.plot(list(line), list(line.values()), color=PALE, lw=0.9)
    if total:
        axes.plot(list(total), list(total.values()), color=ACCENT, lw=2.4, marker="o", label="all languages")
        axes.legend(frameon=False, loc="lower right")


def _fill_ranges(
    axes: Axes, rows: Sequence[Row], x: Mapping[str, int], ranges: Mapping[str, CountRanges], colour: str
) -> None:
    """The ranges of one type as an area; a row's share and count give the share of a single fact."""
    known = [
        (x[row["checkpoint"]], *counts, row["share"] / row["facts"])
        for row in rows
        if row["facts"] and (counts := ranges.get(row["checkpoint"], {}).get((row["language"], row["type"])))
    ]
    if known:
        positions, low, high, per_fact = (np.array(values) for values in zip(*known, strict=True))
        axes.fill_between(positions, low * per_fact, high * per_fact, color=colour, alpha=0.15, lw=0)


def plot_changes(changes: Mapping[tuple[str, str], int], title: str) -> Figure:
    """Number of facts by their type before (rows) and after (columns).

    changes: (type before, type after) to number of facts.
    """
    counts = np.array([[changes.get((before, after), 0) for after in TYPES] for before in TYPES], dtype=float)
    names = [TYPE_NAMES[type_].replace(": ", ":\n") for type_ in TYPES]
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


def plot_p_at_1_by_checkpoint(
    rows: Sequence[Row], languages: Sequence[str], label: Callable[[str], str] = str
) -> Figure:
    """P@1 of each language at every checkpoint, the first one faint and the last one strong.

    rows: of CHECKPOINT_COMPARISON. languages: those to draw, in this order. label: turns a language code into
    the text beside its row.
    """
    checkpoints = _in_order(rows)
    p_at_1 = {(row["checkpoint"], row["language"]): row["full_match"] for row in rows}
    with canvas(8, bars_height(len(languages)) + 0.2) as (figure, axes):
        for number, checkpoint in enumerate(checkpoints):
            values = [p_at_1.get((checkpoint, language)) for language in languages]
            points = [(value, y) for y, value in enumerate(values) if value is not None]
            axes.plot(
                [value for value, _ in points],
                [y for _, y in points],
                "os^vDP*X"[number % 8],
                color=ACCENT,
                alpha=0.3 + 0.7 * (number + 1) / len(checkpoints),
                ms=6,
                label=checkpoint,
            )
        label_rows(axes, languages, label)
        percent_axis(axes)
        axes.set_xlim(left=0)
        axes.set_xlabel("P@1")
        figure.legend(loc="outside upper center", ncols=3, frameon=False, fontsize=8.5)
        return figure


def _in_order(rows: Sequence[Row]) -> list[str]:
    """The checkpoints in their order."""
    return [checkpoint for _, checkpoint in sorted({(row["order"], row["checkpoint"]) for row in rows})]
