"""What the model knows: P@1 by language, size of the Wikipedia, object length, pairs of languages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

from factroots_dagster.report.figures import style
from factroots_dagster.report.figures.colours import ACCENT, INK, PALE
from factroots_dagster.report.figures.style import Row, column

BAR = "#B5D3E8"
BASELINES = {"majority": "#9C3900", "typed_p1": "#00507D", "prior_typed_p1": "#3F4851"}
"""Colours of the marks on bars: their contrast to the bars and to the page is at least 3:1."""
BASELINE_NAMES = {
    "majority": "commonest object", "typed_p1": "best of the candidates", "prior_typed_p1": "subject hidden"
}  # fmt: skip


def plot_p_at_1_by_language(
    rows: Sequence[Row], published: Mapping[str, float] | None = None, label: Callable[[str], str] = str
) -> Figure:
    """P@1 with 95% intervals and baselines.

    rows: language, full_match, full_match_low, full_match_high, majority, prior_typed_p1, typed_p1, and the
    intervals clustered by subject and by object (by_subject_low and so on), drawn to their wider ends.
    published: language to published P@1.
    """
    with style.canvas(8, style.bars_height(len(rows)) + 0.3) as (figure, axes):
        y = np.arange(len(rows))
        values, low, high = (column(rows, f"full_match{end}") for end in ("", "_low", "_high"))
        error = np.abs(np.stack([values - low, high - values]))
        axes.barh(
            y,
            values,
            color=BAR,
            edgecolor=ACCENT,
            lw=0.8,
            height=0.62,
            label="P@1, all tokens of the object right",
        )
        for position, row in zip(y, rows, strict=True):
            ends = [row.get(f"by_{by}_{end}") for by in ("subject", "object") for end in ("low", "high")]
            if known := [end for end in ends if end is not None]:
                span = [min(known), max(known)]
                axes.plot(span, [position] * 2, color="#7A8791", lw=3.6, alpha=0.6, zorder=2)
        axes.errorbar(values, y, xerr=error, fmt="none", ecolor=INK, elinewidth=0.8, capsize=1.5)
        _add_marks(axes, rows, "majority", "|", BASELINES["majority"], "always the most frequent object")
        _add_marks(axes, rows, "typed_p1", "o", BASELINES["typed_p1"], "best of the candidates (typed)")
        _add_marks(axes, rows, "prior_typed_p1", "x", BASELINES["prior_typed_p1"], "typed, subject hidden")
        for position, row in zip(y, rows, strict=True):
            if row["full_match"] is not None:
                said = [f"{label(row['language'])}: P@1 {100 * row['full_match']:.1f}%"]
                said += [
                    f"{name} {100 * row[key]:.1f}%"
                    for key, name in BASELINE_NAMES.items()
                    if row.get(key) is not None
                ]
                box = (0, row["full_match"]), (position - 0.5, position + 0.5)
                style.note(axes, *box, "; ".join(said))
        if published:
            x = [published.get(row["language"], np.nan) for row in rows]
            axes.plot(x, y, "D", color="#E69F00", mec=INK, mew=0.8, ms=4.5, label="published P@1")
        style.label_rows(axes, [row["language"] for row in rows], label)
        style.percent_axis(axes)
        figure.legend(loc="outside upper center", ncols=3, fontsize=8.5)
        return figure


def plot_volume(points: Sequence[tuple[str, float, float]], measure: str) -> Figure:
    """P@1 against the size of the language's Wikipedia.

    points: (language, size, P@1). measure: what the size is.
    """
    with style.canvas(6.5, 4.2) as (figure, axes):
        sizes = [size for _, size, _ in points]
        axes.scatter(sizes, [value for _, _, value in points], color=ACCENT, s=26, zorder=3)
        for language, size, value in points:
            style.note(
                axes, (size, size), (value, value), f"{language}: {100 * value:.1f}%, {size:,.0f} bytes"
            )
            axes.annotate(language, (size, value), xytext=(4, 3), textcoords="offset points", fontsize=8)
        if points and min(sizes) > 0:
            axes.set_xscale("log")
            axes.xaxis.set_major_formatter(EngFormatter(sep=" "))
            axes.xaxis.set_minor_formatter(NullFormatter())
            if max(sizes) < 30 * min(sizes):
                axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
        axes.grid()
        axes.set(xlabel=f"{measure} (logarithmic)", ylabel="P@1")
        return figure


def plot_mask_counts(rows: Sequence[Row]) -> Figure:
    """P@1 by the number of tokens of the object: a thin line per language, a thick one for all with interval.

    rows: language ("*" for all), object_tokens, full_match, low, high.
    """
    rows = sorted(rows, key=lambda row: row["object_tokens"])
    with style.canvas(6.5, 3.8) as (figure, axes):
        for language in sorted({row["language"] for row in rows} - {"*"}):
            own = [row for row in rows if row["language"] == language]
            axes.plot(column(own, "object_tokens"), column(own, "full_match"), color=PALE, lw=0.9)
        if total := [row for row in rows if row["language"] == "*"]:
            x, y = column(total, "object_tokens"), column(total, "full_match")
            axes.fill_between(x, column(total, "low"), column(total, "high"), color=ACCENT, alpha=0.2)
            axes.plot(x, y, color=ACCENT, lw=2.2, marker="o", ms=4, label="all languages")
            axes.legend()
        style.share_by_number_axes(axes, "tokens of the object", "P@1")
        return figure


def plot_heat_map(matrix: np.ndarray, languages: Sequence[str], label: str) -> Figure:
    """Values of pairs of languages.

    matrix: [languages, languages], symmetric; NaN stays blank. label: what the values are.
    """
    size = max(3.6, 1.6 + 0.22 * len(languages))
    font_size = 9 if len(languages) <= 20 else 14  # large figures are shown smaller
    with style.canvas(size + 0.8, size) as (figure, axes):
        image = axes.imshow(matrix, cmap="cividis", interpolation="nearest")
        axes.set_xticks(range(len(languages)), languages, rotation=90)
        axes.set_yticks(range(len(languages)), languages)
        axes.tick_params(labelsize=font_size)
        axes.spines[:].set_visible(False)
        if len(languages) <= 14:
            middle = np.nanmean(matrix) if not np.isnan(matrix).all() else 0.0
            for (i, j), value in np.ndenumerate(matrix):
                if not np.isnan(value):
                    colour = "black" if value > middle else "white"
                    axes.text(j, i, f"{value:.2f}", ha="center", va="center", fontsize=7, color=colour)
        for (i, j), value in np.ndenumerate(matrix):
            if not np.isnan(value):
                said = f"{languages[i]}, {languages[j]}: {value:.2f}"
                style.note(axes, (j - 0.5, j + 0.5), (i - 0.5, i + 0.5), said)
        bar = figure.colorbar(image, ax=axes, shrink=0.8)
        bar.ax.tick_params(length=3.5)
        bar.set_label(label, size=font_size)
        return figure


def _add_marks(axes: Axes, rows: Sequence[Row], name: str, mark: str, colour: str, label: str) -> None:
    """One mark per row at the value of a column, where the column has any."""
    values = column(rows, name) if rows and name in rows[0] else np.full(len(rows), np.nan)
    if not np.isnan(values).all():
        size, width = {"|": (11, 1.8), "o": (4, 0), "x": (5, 1.8)}[mark]
        axes.plot(values, range(len(rows)), mark, color=colour, ms=size, mew=width, label=label, zorder=4)
