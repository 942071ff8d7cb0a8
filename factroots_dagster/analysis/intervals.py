"""Intervals of proportions, for every P@1, rate and share that the platform shows."""

from __future__ import annotations

import math

_Z = 1.959963984540054  # 97.5% quantile of the normal distribution


def wilson(successes: int, n: int) -> tuple[float, float]:
    """95% score interval of a proportion (Wilson 1927, JASA 22:209); (0, 1) without observations."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, _Z * _Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = _Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At 0 and n the bound is exactly 0 or 1; rounding would leave it a hair off.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)
