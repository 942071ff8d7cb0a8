"""Which cells are compared where neither names nor sources tell them apart."""

from __future__ import annotations

import math

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from factroots_dagster.yardstick.metrics import Metric
from factroots_dagster.yardstick.scores import _pooled, count_linked

CELLS = st.dictionaries(
    st.tuples(st.sampled_from("fgh"), st.sampled_from(["de", "en", "fr", "hu"])),
    st.tuples(st.sampled_from(["Berlin", "Rome"]), st.booleans()),
    min_size=1,
)


@settings(deadline=None)
@given(CELLS)
def test_a_cell_is_linked_to_other_languages_that_state_the_fact_and_write_its_name_alike(
    cells: dict[tuple[str, str], tuple[str, bool]],
) -> None:
    index = pd.MultiIndex.from_tuples(cells, names=["uuid", "language"])
    frame = pd.DataFrame(list(cells.values()), index=index, columns=["subject", "stated"])
    found = count_linked(frame["subject"], frame["stated"])
    for (uuid, language), (subject, _) in cells.items():
        others = [cell for (fact, code), cell in cells.items() if fact == uuid and code != language]
        assert found[uuid, language] == others.count((subject, True))


def test_over_repetitions_a_value_is_the_mean_and_its_interval_spans_all() -> None:
    unknown = Metric("auc", float("nan"), float("nan"), float("nan"))
    assert _pooled((Metric("auc", 0.6, 0.5, 0.65), unknown, Metric("auc", 0.8, 0.7, 0.9))) == pytest.approx(
        Metric("auc", 0.7, 0.5, 0.9)
    )
    assert math.isnan(_pooled((unknown, unknown)).value)
