"""Data inside a page: JSON, compressed, as text that no browser can take for markup.

A packed block is opened in the browser with `atob` and `DecompressionStream`, when somebody asks for it.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


def packed(value: Any) -> str:
    """`value` as JSON in gzip in base64; the same text for the same value. NaN is refused (ValueError)."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A lone surrogate is no UTF-8; it is shown as the replacement character, as a browser would.
    data = text.encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(data, compresslevel=6, mtime=0)).decode("ascii")


def unpacked(text: str) -> Any:
    """What `packed` was given."""
    return json.loads(gzip.decompress(base64.b64decode(text)))


def encoded(columns: Sequence[pa.Array | pa.ChunkedArray]) -> tuple[list[str], list[list[int | None]]]:
    """Columns of strings as indices into one list of distinct strings (null stays null).

    An index is written as its difference from the one before in its column: strings stand in the order in
    which they occur first, so most differences are small, and compress to almost nothing.
    """
    arrays = [
        column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column for column in columns
    ]
    together = pa.concat_arrays([array.cast(pa.string()) for array in arrays])
    strings = pc.unique(together).drop_null()
    indices = pc.index_in(together, value_set=strings).to_pylist()
    found, at = [], 0
    for array in arrays:
        found.append(_differences(indices[at : at + len(array)]))
        at += len(array)
    return strings.to_pylist(), found


def _differences(indices: Sequence[int | None]) -> list[int | None]:
    found, last = [], 0
    for index in indices:
        found.append(None if index is None else index - last)
        last = last if index is None else index
    return found
