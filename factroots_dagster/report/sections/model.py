"""What a section is made of, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from matplotlib.figure import Figure as Drawing


@dataclass(frozen=True)
class Figure:
    """A drawing, the text below it, the CSV table behind it, and what it shows for those who cannot see."""

    name: str
    drawing: Drawing
    caption: str
    data: str
    alt: str


@dataclass(frozen=True)
class Grid:
    """A table: first column names the row, the others are shown as they stand."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    folded: bool = False


@dataclass(frozen=True)
class Section:
    """One section; `data` are CSV tables by file name; `asset` is where its numbers come from."""

    id: str
    title: str
    text: Sequence[str]
    figures: Sequence[Figure] = ()
    grids: Sequence[Grid] = ()
    asset: str = ""
    data: Mapping[str, pa.Table] = field(default_factory=dict)


def percent(value: float | None) -> str:
    return "–" if value is None else f"{100 * value:.1f}%"


def decimal(value: float | None) -> str:
    return "–" if value is None else f"{value:z.2f}"


def p_value(value: float | None) -> str:
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """Share with its interval in percent."""
    if value is None or low is None or high is None:
        return percent(value)
    return f"{100 * value:.1f}% [{100 * low:.1f}, {100 * high:.1f}]"


def sentence(words: Sequence[str]) -> str:
    """A list as it is spoken: a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
