"""Checkpoints side by side: P@1, types, and facts that changed type."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from factroots_dagster.report.figures import style
from factroots_dagster.report.figures.colours import ACCENT, INK, PALE, TYPE_COLOURS, TYPE_NAMES
from factroots_dagster.report.figures.style import Row
from factroots_dagster.roots.counts import CountRanges
from factroots_dagster.roots.schema import KNOWN_FROM, PREDICTED_TYPES, TYPES


def plot_checkpoints(
    rows: Sequence[Row],
    ranges: Mapping[str, CountRanges],
    intervals: Mapping[str, tuple[float, float]] | None = None,
    steps: Mapping[str, int] | None = None,
) -> Figure:
    """P@1 of all languages, and the share of their rows of each predicted type, over the checkpoints.

    rows: of CHECKPOINT_COMPARISON; thin lines are single languages. ranges: checkpoint to (language, type) to
    the smallest and the largest count over all settings, drawn as areas. intervals: checkpoint to the
    interval of P@1 of all languages. steps: checkpoint to its training step where all are of one run; else
    checkpoints stand side by side.
    """
    x = dict(steps) if steps else {name: position for position, name in enumerate(in_order(rows))}
    with style.panels(10.5, 4.2, 2) as (figure, (left, right)):
        _plot_p_at_1(left, rows, x, intervals or {})
        for type_, mark in zip(PREDICTED_TYPES, "os^vD", strict=True):
            own = [row for row in rows if row["language"] == "*" and row["type"] == type_]
            colour = TYPE_COLOURS[type_]
            _fill_ranges(right, own, x, ranges, colour)
            positions = [x[row["checkpoint"]] for row in own]
            shares = style.column(own, "share")
            right.plot(positions, shares, marker=mark, color=colour, lw=2, label=TYPE_NAMES[type_])
        left.set_title("P@1")
        right.set_title("share of all rows, by type")
        figure.legend(*right.get_legend_handles_labels(), loc="outside lower center", ncols=5)
        for axes in (left, right):
            axes.tick_params(labelleft=True)
            _format_axes(axes, x, by_step=bool(steps))
        return figure


def plot_shares_by_checkpoint(
    shares: Mapping[str, Mapping[str, Row]],
    checkpoints: Sequence[str],
    steps: Mapping[str, int] | None = None,
) -> Figure:
    """Expected shares of what facts are known from over the checkpoints, with intervals as areas.

    shares: checkpoint to verdict to row of VERDICT_SHARES of all languages. checkpoints: all, in their order.
    steps: as in `plot_checkpoints`.
    """
    x = dict(steps) if steps else {name: position for position, name in enumerate(checkpoints)}
    with style.canvas(8, 4.2) as (figure, axes):
        positions = [x[name] for name in shares]
        for verdict, mark in zip(KNOWN_FROM, "os^vD", strict=True):
            rows = [of_checkpoint[verdict] for of_checkpoint in shares.values()]
            colour = TYPE_COLOURS[verdict]
            low, expected, high = (style.column(rows, end) for end in ("low", "expected", "high"))
            axes.fill_between(positions, low, high, color=colour, alpha=0.15, lw=0)
            axes.plot(positions, expected, marker=mark, color=colour, lw=2, label=TYPE_NAMES[verdict])
            for name, row in zip(shares, rows, strict=True):
                said = f"{name}, {TYPE_NAMES[verdict]}: {100 * row['expected']:.1f}%"
                if row["low"] is not None:
                    said += f" ({100 * row['low']:.1f} to {100 * row['high']:.1f}%)"
                style.note(axes, (x[name], x[name]), (row["expected"], row["expected"]), said)
        axes.set_ylabel("share of the predicted facts")
        _format_axes(axes, x, by_step=bool(steps))
        figure.legend(loc="outside lower center", ncols=5)
        return figure


def _format_axes(axes: Axes, x: Mapping[str, int], *, by_step: bool) -> None:
    """Formats axes with shares over checkpoints. x: checkpoint to its place, its step or rank."""
    if by_step:
        axes.set_xlabel("training step")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    else:
        axes.set_xticks(range(len(x)), list(x), rotation=30 if len(x) > 3 else 0, ha="center")
    axes.grid(axis="y")
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.margins(x=0.12)
    axes.set_ylim(0, 1)


def _plot_p_at_1(
    axes: Axes, rows: Sequence[Row], x: Mapping[str, int], intervals: Mapping[str, tuple[float, float]]
) -> None:
    """A thin line per language, and a thick one for all with its interval."""
    lines: dict[str, dict[int, float]] = {}
    for row in rows:
        if row["full_match"] is not None:
            lines.setdefault(row["language"], {})[x[row["checkpoint"]]] = row["full_match"]
    total = lines.pop("*", None)
    for _, line in sorted(lines.items()):
        axes.plot(list(line), list(line.values()), color=PALE, lw=0.9)
    if total:
        known = [(x[name], *ends) for name, ends in intervals.items()]
        if known:
            positions, low, high = np.array(known).T
            axes.fill_between(positions, low, high, color=ACCENT, alpha=0.2, lw=0)
        axes.plot(list(total), list(total.values()), color=ACCENT, lw=2.4, marker="o", label="all languages")
        axes.legend(loc="lower right")


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
        positions, low, high, per_fact = np.array(known).T
        axes.fill_between(positions, low * per_fact, high * per_fact, color=colour, alpha=0.15, lw=0)


def plot_changes(changes: Mapping[tuple[str, str], int], title: str) -> Figure:
    """Number of facts by their type before (rows) and after (columns).

    changes: (type before, type after) to number of facts.
    """
    counts = np.array([[changes.get((before, after), 0) for after in TYPES] for before in TYPES], dtype=float)
    names = [TYPE_NAMES[type_].replace(": ", ":\n") for type_ in TYPES]
    with style.canvas(7.6, 4.4) as (figure, axes):
        axes.imshow(np.sqrt(counts), cmap="Blues", aspect="auto", vmax=1.2 * max(np.sqrt(counts.max()), 1))
        for (i, j), value in np.ndenumerate(counts):
            ink = "white" if value > 0.5 * counts.max() else INK
            axes.text(j, i, f"{value:,.0f}" if i != j else "–", ha="center", va="center", color=ink)
        axes.set_xticks(range(len(TYPES)), names)
        axes.xaxis.tick_top()
        axes.set_yticks(range(len(TYPES)), names)
        axes.spines[:].set_visible(False)
        axes.set_title(title, fontsize=10, parse_math=False)
        return figure


def plot_p_at_1_by_checkpoint(
    rows: Sequence[Row], languages: Sequence[str], label: Callable[[str], str] = str
) -> Figure:
    """P@1 of each language at every checkpoint, the first one faint and the last one strong.

    rows: of CHECKPOINT_COMPARISON. languages: those to draw, in this order.
    """
    checkpoints = in_order(rows)
    p_at_1 = {(row["checkpoint"], row["language"]): row["full_match"] for row in rows}
    with style.canvas(8, style.bars_height(len(languages)) + 0.2) as (figure, axes):
        for number, checkpoint in enumerate(checkpoints):
            values = np.array([p_at_1.get((checkpoint, language)) for language in languages], dtype=float)
            mark, alpha = "os^vDP*X"[number % 8], 0.3 + 0.7 * (number + 1) / len(checkpoints)
            axes.plot(values, range(len(languages)), mark, color=ACCENT, alpha=alpha, ms=6, label=checkpoint)
            for row, value in enumerate(values.tolist()):
                said = f"{label(languages[row])}, {checkpoint}: {100 * value:.1f}%"
                style.note(axes, (value, value), (row - 0.3, row + 0.3), said)
        style.label_rows(axes, languages, label)
        style.percent_axis(axes)
        axes.set_xlabel("P@1")
        figure.legend(loc="outside upper center", ncols=3, fontsize=8.5)
        return figure


def in_order(rows: Sequence[Row]) -> list[str]:
    """The checkpoints in their order."""
    return [checkpoint for _, checkpoint in sorted({(row["order"], row["checkpoint"]) for row in rows})]
