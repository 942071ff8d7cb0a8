"""Rows of a group, addressed by offsets: those of group g are `offsets[g]` to `offsets[g + 1]`."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rows_of_groups(
    offsets: NDArray[np.int64], groups: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All rows of the groups, one group after the other; a group may be named several times.

    Returns for every row the index of its group in `groups`, and its number; both [n].
    """
    first = offsets[groups]
    sizes = offsets[groups + 1] - first
    index = np.repeat(np.arange(len(groups)), sizes)
    # Within a group rows are counted on from its first.
    ends = np.cumsum(sizes)
    return index, np.arange(len(index)) + np.repeat(first - (ends - sizes), sizes)
