"""Data inside a page: JSON, compressed, as text that no browser can take for markup.

The page's script unpacks a block with `atob` and `DecompressionStream` when it is needed.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def pack(value: Any) -> str:
    """`value` as JSON in gzip in base64, always the same text for the same value.

    Raises ValueError for NaN, which JSON cannot express.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate has no UTF-8; like a browser, show the replacement character instead.
    data = text.encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode("ascii")


def unpack(text: str) -> Any:
    """The value that `pack` was given."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def encode_strings(columns: Sequence[pa.Array | pa.ChunkedArray]) -> tuple[list[str], list[list[int | None]]]:
    """Columns of strings as indices into one list of distinct strings; null stays null.

    An index is written as its difference from the previous one in its column. Strings are numbered in the
    order of their first use, so most differences are small and compress to almost nothing.

    Returns:
        The distinct strings, and the differences of each column.
    """
    arrays = [
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in columns
    ]
    together = pa.concat_arrays([array.cast(pa.string()) for array in arrays])
    strings = pc.unique(together).drop_null()
    indices = pc.index_in(together, value_set=strings).to_pylist()
    encoded, start = [], 0
    for array in arrays:
        encoded.append(_differences(indices[start : start + len(array)]))
        start += len(array)
    return strings.to_pylist(), encoded


def _differences(indices: Sequence[int | None]) -> list[int | None]:
    differences, last = [], 0
    for index in indices:
        differences.append(None if index is None else index - last)
        last = last if index is None else index
    return differences
