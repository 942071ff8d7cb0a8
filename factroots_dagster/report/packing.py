"""Data inside a page: JSON, compressed, as text that no browser can take for markup.

The page's script unpacks a block with `atob` and `DecompressionStream` when it is needed.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterable, Sequence
from itertools import islice
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


def encode_strings(columns: Sequence[pa.ChunkedArray]) -> tuple[list[str], list[list[int | None]]]:
    """Columns of strings as indices into one list of distinct strings; null stays null.

    An index is written as its difference from the previous one in its column. Strings are numbered in the
    order of their first use, so most differences are small and compress to almost nothing.

    Returns the distinct strings, and the differences of each column.
    """
    together = pa.chunked_array([chunk for column in columns for chunk in column.chunks], pa.string())
    strings = pc.unique(together).drop_null()
    indices = iter(pc.index_in(together, value_set=strings).to_pylist())
    return strings.to_pylist(), [_differences(islice(indices, len(column))) for column in columns]


def _differences(indices: Iterable[int | None]) -> list[int | None]:
    differences, last = [], 0
    for index in indices:
        differences.append(None if index is None else index - last)
        last = last if index is None else index
    return differences
