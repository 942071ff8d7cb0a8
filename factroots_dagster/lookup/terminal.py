"""Untrusted text on a terminal, laid out by `rich`.

Nothing in such a text may control the terminal, so it is made printable first, and given to rich as Text,
never as a string in which rich would look for markup. Without a terminal the output is plain.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

ESCAPE_SEQUENCES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[P\]X^_]|[\x90\x9d]).*?(?:\x07|\x1b\\|\x9c)", re.S
)
JOINERS = "\u200c\u200d"
"""Format characters that belong to the spelling of words."""

COLUMN_GAP = 2
MIN_SHRUNK_WIDTH = 16
"""The width that a column of a table keeps even if the table remains wider than the terminal."""


def printable(text: str) -> str:
    """`text` in one line without escape sequences and without control and direction characters."""
    characters = []
    for character in ESCAPE_SEQUENCES.sub("", text):
        category = unicodedata.category(character)
        if character.isspace() or category in ("Zl", "Zp"):
            characters.append(" ")
        elif category not in ("Cc", "Cf", "Cs") or character in JOINERS:
            characters.append(character)
    return "".join(characters)


def make_console(*, file: IO[str] | None = None, width: int | None = None) -> Console:
    """A console on standard output that interprets nothing in what it prints."""
    from rich.console import Console

    return Console(file=file, width=width, markup=False, emoji=False, highlight=False)


def table_widths(rows: Sequence[Sequence[str]], shrinkable: Sequence[int], width: int) -> list[int]:
    """The width of each column of a table: that of its widest cell.

    If the table is wider than `width`, the shrinkable columns (by number) shrink in turn.
    """
    from rich.cells import cell_len

    widths = [max(cell_len(printable(cell)) for cell in column) for column in zip(*rows, strict=True)]
    for number in shrinkable:
        excess = total_width(widths) - width
        widths[number] = min(widths[number], max(widths[number] - excess, MIN_SHRUNK_WIDTH))
    return widths


def total_width(widths: Sequence[int]) -> int:
    """The width of a table with columns of these widths."""
    return sum(widths) + COLUMN_GAP * (len(widths) - 1)


def print_table_row(console: Console, cells: Sequence[str], widths: Sequence[int], style: str = "") -> None:
    """Print cells side by side, each wrapped into its column, the last aligned right."""
    from rich.table import Table
    from rich.text import Text

    row = Table.grid(padding=(0, COLUMN_GAP, 0, 0), pad_edge=False)
    row.width = total_width(widths)
    for width in widths:
        row.add_column(width=width, overflow="fold")
    row.columns[-1].justify = "right"
    row.add_row(*(Text(printable(cell)) for cell in cells), style=style)
    console.print(row, crop=False)


def print_indented(console: Console, text: str, indent: int = 0, *, wrap: bool = True) -> None:
    """Print `text` wrapped into the console's width; without `wrap` in one line, however long."""
    from rich.text import Text

    whole = Text(printable(text))
    lines = whole.wrap(console, max(console.width - indent, 2), overflow="fold") if wrap else [whole]
    for line in lines:
        line.rstrip()
        indented = Text(" " * indent).append_text(line)
        console.print(indented, no_wrap=True, overflow="ignore", crop=False)
