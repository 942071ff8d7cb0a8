"""Rows of groups, against loops over the groups."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from factroots_dagster.text.offsets import rows_of_groups


@given(st.lists(st.integers(0, 4), min_size=1, max_size=6), st.data())
def test_rows_of_groups_are_those_of_loops(sizes: list[int], data: st.DataObject) -> None:
    groups = data.draw(st.lists(st.integers(0, len(sizes) - 1), max_size=8))
    offsets = np.cumsum([0, *sizes])
    expected = [
        (index, row)
        for index, group in enumerate(groups)
        for row in range(sum(sizes[:group]), sum(sizes[: group + 1]))
    ]
    index, row = rows_of_groups(offsets, np.array(groups, dtype=np.int64))
    assert list(zip(index.tolist(), row.tolist(), strict=True)) == expected
