"""When a run learns its facts, and what frequency leaves unexplained."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter

from factroots_dagster.report.figures import style
from factroots_dagster.report.figures.colours import ACCENT, INK, MUTED, PALE
from factroots_dagster.report.figures.style import Row, column


def plot_learning(rows: Sequence[Row]) -> Figure:
    """The share of facts that are learnt by each step: a thin line per language, a thick one for all.

    rows: language ("*" for all), step, share, low, high, in the order of the steps.
    """
    with style.canvas(6.5, 3.8) as (figure, axes):
        for language in sorted({row["language"] for row in rows} - {"*"}):
            own = [row for row in rows if row["language"] == language]
            axes.plot(column(own, "step"), column(own, "share"), color=PALE, lw=0.9)
        total = [row for row in rows if row["language"] == "*"]
        steps, shares = column(total, "step"), column(total, "share")
        axes.fill_between(steps, column(total, "low"), column(total, "high"), color=ACCENT, alpha=0.2, lw=0)
        axes.plot(steps, shares, color=ACCENT, lw=2.2, marker="o", ms=4, label="all languages")
        axes.legend(loc="lower right")
        style.share_by_number_axes(axes, "training step", "facts learnt so far")
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.set_xlim(left=0)
        return figure


def plot_transfer(rows: Sequence[Row], label: Callable[[str], str] = str) -> Figure:
    """Facts learnt beyond what frequency explains, with 95% intervals, above the range of the placebo.

    rows: of TIMELINE_LANGUAGES, those with a transfer, in the order in which they are drawn.
    """
    with style.canvas(8, style.bars_height(len(rows)) + 0.2) as (figure, axes):
        y = np.arange(len(rows))
        value, low, high, placebo_low, placebo_high = (
            column(rows, f"transfer{end}") for end in ("", "_low", "_high", "_shuffled_low", "_shuffled_high")
        )
        axes.barh(
            y, placebo_high - placebo_low, left=placebo_low, height=0.62, color=PALE,
            label="languages shuffled",
        )  # fmt: skip
        error = np.stack([value - low, high - value])
        axes.errorbar(
            value, y, xerr=error, fmt="o", color=ACCENT, ecolor=INK, ms=5, elinewidth=0.9, capsize=2,
            label="as trained",
        )  # fmt: skip
        axes.axvline(0, color=MUTED, lw=0.8)
        style.label_rows(axes, [row["language"] for row in rows], label)
        axes.grid(visible=True, axis="x")
        axes.set_xlabel("facts learnt beyond the frequency of their own sources")
        figure.legend(loc="outside upper center", ncols=2, fontsize=8.5)
        return figure
