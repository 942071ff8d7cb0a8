"""What all figures share: colours, sizes, and rendering that gives the same bytes for the same data.

The colours are those of Okabe and Ito (2008), which people with any common colour blindness can tell apart.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

TYPE_COLOURS = {
    "shared": "#0072B2",
    "independent": "#009E73",
    "transferred": "#E69F00",
    "naming_cue": "#CC79A7",
    "shared_tokens": "#7DC3EE",
    "not_predicted": "#C8CCD0",
}
TYPE_NAMES = {
    "shared": "Shared",
    "independent": "Independent",
    "transferred": "Transferred",
    "naming_cue": "Easy: naming cue",
    "shared_tokens": "Easy: shared tokens",
    "not_predicted": "Not predicted",
}
INK, MUTED, PALE, GRID = "#1B1F24", "#5B6570", "#B9C4CE", "#E3E6EA"
ACCENT, CONTRAST = "#0072B2", "#D55E00"
ROW_INCHES = 0.24  # height of one language in a bar chart: legible with 53 of them
HEADER_INCHES = 1.1
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "factroots",  # element ids would otherwise be random
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with a single axes in the project's style; no global matplotlib state is touched."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def render_svg(figure: Figure) -> bytes:
    """The figure as SVG, always the same bytes; text becomes outlines, so that it looks alike everywhere."""
    with matplotlib.rc_context(_STYLE):
        out = io.BytesIO()
        FigureCanvasSVG(figure).print_figure(
            out, format="svg", metadata={"Date": None, "Creator": "factroots"}
        )
    return out.getvalue()


def render_png(figure: Figure, *, dpi: int = 80) -> bytes:
    """The figure as PNG, always the same bytes."""
    with matplotlib.rc_context(_STYLE):
        out = io.BytesIO()
        figure.set_dpi(dpi)
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def bars_height(rows: int) -> float:
    """Height in inches of a chart with one bar per row."""
    return HEADER_INCHES + ROW_INCHES * max(rows, 1)


def percent_axis(axes: Axes, *, limit: float | None = None) -> None:
    """Formats the x axis in percent, with light vertical grid lines. limit: the right end."""
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.grid(axis="x", color=GRID)
    axes.tick_params(length=0)
    if limit is not None:
        axes.set_xlim(0, limit)


def share_by_number_axes(axes: Axes, number: str, share: str) -> None:
    """Formats axes that show a share (y, in percent from 0) over a whole number (x), with their labels."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=GRID)
    axes.tick_params(length=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(number)
    axes.set_ylabel(share)


def label_rows(axes: Axes, names: Sequence[str], label: Callable[[str], str] = str) -> None:
    """Labels the y axis with one row per name, the first on top; `label` turns names into what is shown."""
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)


@contextmanager
def panels(width: float, height: float, columns: int) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with axes side by side that share their y axis."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, list(figure.subplots(1, columns, sharey=True, squeeze=False)[0])


def column(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """The values of one column as floats; None becomes NaN."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
