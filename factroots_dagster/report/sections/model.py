"""What a section consists of, and how its numbers are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa
from matplotlib.figure import Figure as Plot


@dataclass(frozen=True)
class Figure:
    """A plot in a section.

    Attributes:
        name: name of its SVG file.
        plot: the matplotlib figure.
        caption: the text below it.
        data: name of the CSV file behind it, one of the section's `data`.
        alt: what it shows, for those who cannot see it.
    """

    name: str
    plot: Plot
    caption: str
    data: str
    alt: str


@dataclass(frozen=True)
class Table:
    """A table in a section.

    Attributes:
        columns: headings.
        rows: cells as they are shown; the first one names the row.
        caption: the text above it.
        collapsed: whether it is hidden until the reader opens it, as tables with many rows always are.
        prose: whether cells hold text rather than numbers; such a table is never hidden for its length.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    caption: str = ""
    collapsed: bool = False
    prose: bool = False


@dataclass(frozen=True)
class Section:
    """A section of a page.

    Attributes:
        id: anchor in the page.
        title: what it is about, for the list of sections.
        text: paragraphs.
        figures, tables: what is shown below the text.
        finding: what it found, in one sentence without a full stop: the heading; "" where the title is.
        method: paragraphs on what is measured and how, which a reader opens.
        asset: the asset that the numbers come from.
        data: CSV files beside the page, by name without ending.
    """

    id: str
    title: str
    text: Sequence[str]
    figures: Sequence[Figure] = ()
    tables: Sequence[Table] = ()
    asset: str = ""
    data: Mapping[str, pa.Table] = field(default_factory=dict)
    finding: str = ""
    method: Sequence[str] = ()


def percent(value: float | None) -> str:
    """A share as a percentage with one decimal; a dash for None."""
    return "–" if value is None else f"{100 * value:.1f}%"


def count_words(count: int, noun: str) -> str:
    """A number and its noun, "1 language" or "1,200 languages"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def decimal(value: float | None) -> str:
    """A number with two decimals; a dash for None."""
    return "–" if value is None else f"{value:z.2f}"


def p_value(value: float | None) -> str:
    """A p-value with three decimals; a dash for None."""
    if value is None:
        return "–"
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def interval(value: float | None, low: float | None, high: float | None) -> str:
    """A share and its interval as percentages; the share alone without an interval."""
    if value is None or low is None or high is None:
        return percent(value)
    return f"{percent(value)} {bounds(low, high)}"


def signed(value: float | None, low: float | None, high: float | None) -> str:
    """A difference with its sign and interval; alone without an interval, a dash for None."""
    if value is None:
        return "–"
    return f"{value:+z.3f}" if low is None or high is None else f"{value:+z.3f} [{low:+z.3f}, {high:+z.3f}]"


def bounds(low: float | None, high: float | None) -> str:
    """An interval of shares as percentages; a dash without one."""
    return "–" if low is None or high is None else f"[{100 * low:.1f}, {100 * high:.1f}]"


def join_words(words: Sequence[str]) -> str:
    """A list in a sentence: "a, b and c"."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else ""
