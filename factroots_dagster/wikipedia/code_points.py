"""Texts as arrays of code points, and properties of characters looked up for a whole text at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

CODE_POINTS = 0x110000
UNASKED = 255

Codes = NDArray[np.uint32]


def codes_of(text: str) -> Codes:
    """The code points of `text`, shape [len(text)]."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def text_of(codes: Codes) -> str:
    """The text of these code points."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def characters_before(utf8: bytes, places: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many characters begin before each of these bytes of a text in UTF-8, shape as `places`."""
    begins = np.zeros((len(utf8) // 64 + 1) * 64, dtype=bool)
    # All bytes but those that continue a character, 0x80 to 0xBF.
    np.greater(np.frombuffer(utf8, dtype=np.int8), -65, out=begins[: len(utf8)])
    words = np.packbits(begins, bitorder="little").view(np.uint64)
    before = np.append(0, np.cumsum(np.bitwise_count(words), dtype=np.int64))
    word, within = places >> 6, (places & 63).astype(np.uint64)
    inside = words[word] & ((np.uint64(1) << within) - np.uint64(1))
    counts: NDArray[np.int64] = before[word] + np.bitwise_count(inside)
    return counts


def looked_up(table: NDArray[np.uint8], codes: Codes) -> NDArray[np.uint8]:
    """`table[codes]`, read-only, shape as `codes`, none of which may lie beyond the table.

    By Arrow, since numpy, which makes 64-bit numbers of the codes first, takes three times as long.
    """
    values, places = (
        pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(array)])
        for kind, array in ((pa.uint8(), table), (pa.uint32(), codes))
    )
    found: NDArray[np.uint8] = pc.take(values, places, boundscheck=False).to_numpy()
    return found


class Property:
    """A number below UNASKED for every code point, worked out when one first comes up.

    `fill(table, codes)` sets the values of the `codes` (ascending, each once) in the table of all.
    """

    def __init__(self, fill: Callable[[NDArray[np.uint8], list[int]], None]) -> None:
        self._fill = fill
        self._table = np.full(CODE_POINTS, UNASKED, dtype=np.uint8)

    def __call__(self, codes: Codes) -> NDArray[np.uint8]:
        """The values of `codes`, read-only, shape as `codes`."""
        values = looked_up(self._table, codes)
        unasked = values == UNASKED
        if unasked.any():
            occurs = np.zeros(CODE_POINTS, dtype=bool)
            occurs[codes[unasked]] = True
            self._fill(self._table, np.flatnonzero(occurs).tolist())
            values = looked_up(self._table, codes)
        return values
