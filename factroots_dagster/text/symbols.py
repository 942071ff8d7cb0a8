"""Search for many patterns at once in a sequence of symbols: code points, or numbers beyond them.

The automaton (Aho-Corasick) reads bytes. Symbols that occur in patterns are given ids, so that each takes one
byte (two if there are more than 255) where UTF-8 needs up to four, and a position in the bytes is a position
in the sequence.
"""

from __future__ import annotations

from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.text.code_points import CODE_POINT_LIMIT, look_up

SYMBOL_LIMIT = 2 * CODE_POINT_LIMIT
"""Symbols are less than this."""

Symbols = NDArray[np.uint32]
NO_SYMBOLS: Symbols = np.zeros(0, dtype=np.uint32)
SymbolIds = NDArray[np.unsignedinteger[Any]]
Matches = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""Pattern, start and end of each match, each of shape [matches]."""


class SymbolSearch:
    """Finds patterns in sequences of symbols.

    symbols: the patterns end to end, shape [sum(lengths)].
    lengths: the length of each pattern, at least 1, shape [patterns].
    extra: symbols that get an id of their own although no pattern holds them.
    merged: symbols that share the id of the first of them.

    All other symbols have the id 0.
    """

    def __init__(
        self,
        symbols: Symbols,
        lengths: NDArray[np.int64],
        *,
        extra: Symbols = NO_SYMBOLS,
        merged: Symbols = NO_SYMBOLS,
    ) -> None:
        from ahocorasick_rs import BytesAhoCorasick, Implementation

        used = np.union1d(symbols, extra)
        self._ids: SymbolIds = np.zeros(SYMBOL_LIMIT, dtype=np.min_scalar_type(len(used)))
        self._ids[used] = np.arange(1, len(used) + 1)
        self._ids[merged] = self._ids[merged[:1]]
        pattern_bytes, width = self._ids[symbols].tobytes(), self._ids.itemsize
        bounds = np.cumsum([0, *(width * lengths)]).tolist()
        self._automaton = BytesAhoCorasick(
            [pattern_bytes[start:end] for start, end in pairwise(bounds)],
            implementation=Implementation.ContiguousNFA,
        )

    def encode(self, symbols: Symbols) -> SymbolIds:
        """The ids of `symbols`, read-only, same shape."""
        return look_up(self._ids, symbols)

    def find(self, ids: SymbolIds) -> Matches:
        """All matches in a sequence of ids, overlapping ones too: pattern, start and end, each [matches]."""
        matches = self._automaton.find_matches_as_indexes(ids.view(np.uint8).data, overlapping=True)
        pattern, start, end = (
            np.fromiter(chain.from_iterable(matches), dtype=np.int64, count=3 * len(matches)).reshape(-1, 3).T
        )
        if (width := ids.itemsize) > 1:
            aligned = start % width == 0  # a match may not begin with the second byte of an id
            pattern, start, end = pattern[aligned], start[aligned] // width, end[aligned] // width
        return pattern, start, end
