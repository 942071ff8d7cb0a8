"""Texts as arrays of code points, and properties of characters looked up for a whole text at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

CODE_POINT_LIMIT = 0x110000
"""Unicode's code points are less than this."""

UNKNOWN = 255

CodePoints = NDArray[np.uint32]
Number = TypeVar("Number", bound=np.unsignedinteger[Any])


def to_code_points(text: str) -> CodePoints:
    """The code points of `text`, shape [len(text)]."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def from_code_points(codes: CodePoints) -> str:
    """The text that consists of these code points."""
    return codes.tobytes().decode("utf-32-le", "surrogatepass")


def look_up(table: NDArray[Number], codes: CodePoints) -> NDArray[Number]:
    """`table[codes]`, read-only, same shape as `codes`; every code must be less than len(table).

    Arrow takes a third of the time of numpy, which first converts the codes to 64-bit indices.
    """
    values, indices = (
        pa.Array.from_buffers(arrow_type, len(array), [None, pa.py_buffer(array)])
        for arrow_type, array in ((pa.from_numpy_dtype(table.dtype), table), (pa.uint32(), codes))
    )
    looked_up = pc.take(values, indices, boundscheck=False).buffers()[1]
    # an array's own to_numpy would import pandas
    return np.frombuffer(looked_up, dtype=table.dtype, count=len(codes))


class CharacterProperty:
    """A number below UNKNOWN for every code point, computed when the code point first occurs in a text.

    values_of: returns the value of each code point of a range, or one value for all of them.
    block_size: how many code points `values_of` is asked about at a time (a divisor of CODE_POINT_LIMIT).
    """

    def __init__(self, values_of: Callable[[range], Sequence[int] | int], block_size: int = 1) -> None:
        self._values_of = values_of
        self._block_size = block_size
        self._table = np.full(CODE_POINT_LIMIT, UNKNOWN, dtype=np.uint8)

    def __call__(self, codes: CodePoints) -> NDArray[np.uint8]:
        """The values of `codes`, read-only, same shape as `codes`."""
        values = look_up(self._table, codes)
        unknown = values == UNKNOWN
        if unknown.any():
            self._compute_blocks(codes[unknown])
            values = look_up(self._table, codes)
        return values

    def _compute_blocks(self, codes: CodePoints) -> None:
        size = self._block_size
        is_needed = np.zeros(CODE_POINT_LIMIT // size, dtype=bool)
        is_needed[codes // size] = True
        for block in np.flatnonzero(is_needed).tolist():
            self._table[block * size : (block + 1) * size] = self._values_of(
                range(block * size, (block + 1) * size)
            )
