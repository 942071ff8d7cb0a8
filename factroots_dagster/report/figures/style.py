"""What all figures share: colours, sizes, and bytes that are the same for the same data.

Colours are those of Okabe and Ito (2008), told apart by people with any common colour blindness.
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
ROW_INCHES = 0.24  # height of one language in a bar chart: legible at 53 of them
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
    """A figure with one axes in the project's style; no global matplotlib state is touched."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, figure.add_subplot()


def svg(figure: Figure) -> bytes:
    """The figure as SVG, text as outlines so that it looks alike everywhere; the same bytes every time."""
    with matplotlib.rc_context(_STYLE):
        out = io.BytesIO()
        FigureCanvasSVG(figure).print_figure(
            out, format="svg", metadata={"Date": None, "Creator": "factroots"}
        )
    return out.getvalue()


def png(figure: Figure, *, dpi: int = 80) -> bytes:
    """The figure as PNG; the same bytes every time."""
    with matplotlib.rc_context(_STYLE):
        out = io.BytesIO()
        figure.set_dpi(dpi)
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def bars_height(rows: int) -> float:
    """Inches that a chart with one bar per language needs."""
    return HEADER_INCHES + ROW_INCHES * max(rows, 1)


def percent_axis(axes: Axes, *, limit: float | None = None) -> None:
    """x in percent with light vertical grid lines."""
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.grid(axis="x", color=GRID)
    axes.tick_params(length=0)
    if limit is not None:
        axes.set_xlim(0, limit)


def share_by_number(axes: Axes, number: str, share: str) -> None:
    """Whole numbers below, percent from nothing up, light grid lines; what the two are called."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(color=GRID)
    axes.tick_params(length=0)
    axes.set_ylim(bottom=0)
    axes.set_xlabel(number)
    axes.set_ylabel(share)


def language_rows(axes: Axes, languages: Sequence[str], name: Callable[[str], str] = str) -> None:
    """One row per language, the first on top; `name` is what stands beside it."""
    axes.set_yticks(range(len(languages)), [name(language) for language in languages])
    axes.set_ylim(len(languages) - 0.4, -0.6)


@contextmanager
def panels(width: float, height: float, columns: int) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure with axes side by side that share their rows."""
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, list(figure.subplots(1, columns, sharey=True, squeeze=False)[0])


def column(rows: Sequence[Mapping[str, Any]], name: str) -> np.ndarray:
    """The values of one column as floats; None becomes NaN."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
