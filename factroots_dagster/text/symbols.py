"""Many patterns sought at once in a row of symbols: characters by their code points, or numbers beyond them.

The automaton (Aho-Corasick) reads bytes. The symbols that stand in patterns are numbered, so that each takes
one byte where UTF-8 needs up to four (two where there are more than 255), and a place in the bytes is a place
in the row.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CODE_POINTS, looked_up

SYMBOLS = 2 * CODE_POINTS
"""Symbols are less than this."""

Symbols = NDArray[np.uint32]
NONE: Symbols = np.zeros(0, dtype=np.uint32)
Numbers = NDArray[np.unsignedinteger[Any]]
Places = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]


class SymbolSearch:
    """Finds patterns, given end to end in `symbols`, of `lengths` [patterns], none of them empty.

    What stands in no pattern has the number 0, but for `also`, which has a number of its own, and `alike`,
    all of which have the number of the first of them.
    """

    def __init__(
        self, symbols: Symbols, lengths: NDArray[np.int64], *, also: Symbols = NONE, alike: Symbols = NONE
    ) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        used = np.union1d(symbols, also)
        self._table: Numbers = np.zeros(SYMBOLS, dtype=np.min_scalar_type(len(used)))
        self._table[used] = np.arange(1, len(used) + 1)
        self._table[alike] = self._table[alike[:1]]
        spelt, width = self._table[symbols].tobytes(), self._table.itemsize
        edges = np.cumsum([0, *(width * lengths)]).tolist()
        self._automaton = BytesAhoCorasick(
            [spelt[start:end] for start, end in pairwise(edges)], implementation=Implementation.ContiguousNFA
        )

    def numbers(self, symbols: Symbols) -> Numbers:
        """The numbers of `symbols`, read-only, shape as these."""
        return looked_up(self._table, symbols)

    def find(self, numbers: Numbers) -> Places:
        """All matches in a row of numbers, overlapping ones too: pattern, start and end; each [n]."""
        matches = self._automaton.find_matches_as_indexes(numbers.view(np.uint8).data, overlapping=True)
        pattern, start, end = (
            np.fromiter(chain.from_iterable(matches), dtype=np.int64, count=3 * len(matches)).reshape(-1, 3).T
        )
        if (width := numbers.itemsize) > 1:
            whole = start % width == 0  # not from the second byte of a number
            pattern, start, end = pattern[whole], start[whole] // width, end[whole] // width
        return pattern, start, end
