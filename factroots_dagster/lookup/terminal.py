"""Text on a terminal: nothing in it that steers the terminal, lines that fit, cells side by side."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence

ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b[P\]X^_]|[\x90\x9d]).*?(?:\x07|\x1b\\|\x9c)", re.S
)
JOINERS = "\u200c\u200d"


def plain(text: str) -> str:
    """`text` in one line without escape sequences, control and direction characters."""
    text = ESCAPES.sub("", text)
    kept = []
    for character in text:
        kind = unicodedata.category(character)
        if character.isspace() or kind in ("Zl", "Zp"):
            kept.append(" ")
        elif kind not in ("Cc", "Cf", "Cs") or character in JOINERS:
            kept.append(character)
    return "".join(kept)


def row_lines(row: Sequence[str], sizes: Sequence[int]) -> Iterator[str]:
    """A row's cells side by side, each wrapped into its column."""
    cells = [wrapped(cell, size) for cell, size in zip(row, sizes, strict=True)]
    for number in range(max(map(len, cells))):
        line = [cell[number] if number < len(cell) else "" for cell in cells]
        padded = (text + " " * (size - columns(text)) for text, size in zip(line, sizes, strict=True))
        yield "  ".join(padded).rstrip()


def columns(text: str) -> int:
    """Columns that `text` takes on a terminal: two for a wide character, none for a mark."""
    return sum(
        0
        if unicodedata.category(character) in ("Mn", "Me", "Cf")
        else 1 + (unicodedata.east_asian_width(character) in "WF")
        for character in text
    )


def wrapped(text: str, width: int) -> list[str]:
    """`text` in lines of at most `width` columns, broken at spaces and beside wide characters if it can."""
    lines, line = [], ""
    for piece in pieces(text, max(width, 2)):
        if line and columns(line) + columns(piece.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += piece
    return [*lines, line.rstrip()]


def pieces(text: str, width: int) -> Iterator[str]:
    """What is not to be broken: words with the space behind them, wide characters; cut at `width`."""
    piece, size = "", 0
    for character in text:
        own, after_space = columns(character), piece[-1:] == " "
        ends = after_space or own == 2 or columns(piece[-1:]) == 2 or size + own > width
        if piece and ends and (own or after_space) and character != " ":
            yield piece
            piece, size = "", 0
        piece, size = piece + character, size + own
    yield piece
