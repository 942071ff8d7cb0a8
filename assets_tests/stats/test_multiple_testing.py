"""q-values compared with statsmodels."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from factroots_dagster.stats.multiple_testing import benjamini_hochberg


@given(st.lists(st.floats(0, 1) | st.none(), max_size=30))
def test_known_p_values_are_corrected_and_the_others_do_not_count(values: list[float | None]) -> None:
    p_values = np.array(values, np.float64)
    q_values = benjamini_hochberg(p_values)
    known = ~np.isnan(p_values)
    assert (np.isnan(q_values) == ~known).all()
    if known.any():
        expected = multipletests(p_values[known], method="fdr_bh")[1]
        np.testing.assert_allclose(
            q_values[known], expected, rtol=1e-12, atol=1e-300
        )  # subnormal numbers have no twelve digits
