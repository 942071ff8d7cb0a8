"""Texts as arrays of code points, and properties of characters looked up for a whole text at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

CODE_POINTS = 0x110000
UNASKED = 255

Codes = NDArray[np.uint32]
Number = TypeVar("Number", bound=np.unsignedinteger[Any])


def codes_of(text: str) -> Codes:
    """The code points of `text`, shape [len(text)]."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def text_of(codes: Codes) -> str:
    """The text of these code points."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def looked_up(table: NDArray[Number], codes: Codes) -> NDArray[Number]:
    """`table[codes]`, read-only, shape as `codes`, none of which may lie beyond the table.

    By Arrow, since numpy, which makes 64-bit numbers of the codes first, takes three times as long.
    """
    values, places = (
        pa.Array.from_buffers(kind, len(array), [None, pa.py_buffer(array)])
        for kind, array in ((pa.from_numpy_dtype(table.dtype), table), (pa.uint32(), codes))
    )
    found: NDArray[Number] = pc.take(values, places, boundscheck=False).to_numpy()
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
