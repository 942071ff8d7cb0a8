"""What all figures share: sizes, axes, and rendering that gives the same bytes for the same data."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from weakref import ReferenceType, WeakKeyDictionary, ref

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from factroots_dagster.report.figures.colours import GRID, INK, MUTED

Row = Mapping[str, Any]

ROW_INCHES = 0.24  # height of one language in a bar chart: legible with 53 of them
HEADER_INCHES = 1.1
_STYLE: dict[Any, Any] = {
    "svg.hashsalt": "factroots",  # element ids would otherwise be random
    "font.family": "DejaVu Sans",  # ships with matplotlib: the same on every machine
    "font.size": 9,
    "axes.edgecolor": GRID,
    "axes.labelcolor": INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9.5,
    "grid.color": GRID,
    "legend.frameon": False,
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": INK,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
}


@contextmanager
def panels(width: float, height: float, columns: int) -> Iterator[tuple[Figure, list[Axes]]]:
    """A figure, in inches, with axes side by side that share their y axis, in the project's style.

    No global matplotlib state is touched.
    """
    with matplotlib.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure, list(figure.subplots(1, columns, sharey=True, squeeze=False)[0])


@contextmanager
def canvas(width: float, height: float) -> Iterator[tuple[Figure, Axes]]:
    """A figure with a single axes."""
    with panels(width, height, 1) as (figure, (axes,)):
        yield figure, axes


@dataclass(frozen=True)
class Note:
    """What a reader sees who points at a place of a figure.

    Attributes:
        box: left, bottom, right and top as shares of the figure's width and height, from its lower left.
        text: the exact value and what it is of.
    """

    box: tuple[float, float, float, float]
    text: str


_NOTES: WeakKeyDictionary[Figure, list[tuple[ReferenceType[Axes], np.ndarray, str]]] = WeakKeyDictionary()
"""Axes know their figure: a reference that is not weak would keep every figure in memory."""


def note(axes: Axes, x: tuple[float, float], y: tuple[float, float], text: str) -> None:
    """Adds a text for those who point at a box of an axes; x, y: its ends in the axes' own units."""
    figure = axes.get_figure()
    if isinstance(figure, Figure) and np.isfinite([*x, *y]).all():
        _NOTES.setdefault(figure, []).append((ref(axes), np.array([x, y], float).T, text))


def place_notes(figure: Figure) -> list[Note]:
    """The notes of a figure that was rendered, and so laid out, before."""
    notes = []
    for reference, corners, text in _NOTES.get(figure, ()):
        if (axes := reference()) is None:  # it was removed from the figure
            continue
        (x0, y0), (x1, y1) = axes.transData.transform(corners) / figure.bbox.size
        notes.append(Note((min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1)), text))
    return notes


def render_svg(figure: Figure) -> bytes:
    """The figure as SVG, always the same bytes; text becomes outlines, so that it looks alike everywhere."""
    out = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        metadata = {"Date": None, "Creator": "factroots"}
        FigureCanvasSVG(figure).print_figure(out, format="svg", metadata=metadata)
    return out.getvalue()


def render_png(figure: Figure, *, dpi: int) -> bytes:
    """The figure as PNG, always the same bytes."""
    out = io.BytesIO()
    with matplotlib.rc_context(_STYLE):
        figure.set_dpi(dpi)
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})
    return out.getvalue()


def bars_height(rows: int) -> float:
    """Height in inches of a chart with one bar per row."""
    return HEADER_INCHES + ROW_INCHES * max(rows, 1)


def percent_axis(axes: Axes, *, limit: float | None = None) -> None:
    """Formats the x axis in percent from 0, with light vertical grid lines. limit: the right end."""
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.grid(visible=True, axis="x")
    axes.set_xlim(0, limit)


def share_by_number_axes(axes: Axes, number: str, share: str) -> None:
    """Formats axes that show a share (y, in percent from 0) over a whole number (x), with their labels."""
    axes.yaxis.set_major_formatter(lambda value, _: f"{100 * value:g}%")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid()
    axes.set_ylim(bottom=0)
    axes.set(xlabel=number, ylabel=share)


def label_rows(axes: Axes, names: Sequence[str], label: Callable[[str], str] = str) -> None:
    """Labels the y axis with one row per name, the first on top; `label` turns names into what is shown."""
    axes.set_yticks(range(len(names)), [label(name) for name in names])
    axes.set_ylim(len(names) - 0.4, -0.6)


def column(rows: Sequence[Row], name: str) -> np.ndarray:
    """The values of one column as floats; None becomes NaN."""
    return np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float)
