"""What a hostile input is here: how it is made and handed over, and the words that its giver gets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Case:
    """One hostile input.

    `ask(source, target)` makes the input in the empty folder `source` and hands it to the project, which
    may write into the empty folder `target`. `names` and `remedy` are patterns of what the error says: what
    is wrong and where, and what to do about it.
    """

    id: str
    ask: Callable[[Path, Path], object]
    names: str
    remedy: str
