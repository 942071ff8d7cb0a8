"""Correction for many tests at once."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt


def benjamini_hochberg(p_values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """q-values that control the false discovery rate (Benjamini and Hochberg, JRSS B 57:289, 1995).

    p_values: [tests]; NaN marks a test that was not made: it stays NaN and does not count.
    """
    from scipy.stats import false_discovery_control

    q_values = np.full(len(p_values), np.nan)
    known = ~np.isnan(p_values)
    if known.any():
        q_values[known] = false_discovery_control(p_values[known], method="bh")
    return q_values
