"""How far two computations of the same numbers may lie apart."""

from __future__ import annotations

import torch

_TOLERANCES = {torch.float32: 1e-3}
_ROUGH = 5e-2


def rounding_tolerance(dtype: torch.dtype) -> float:
    """The largest difference that counts as rounding, as a share of the numbers' size or spread.

    Far above rounding in this number format, and below what padding does to a model that sees it.
    """
    return _TOLERANCES.get(dtype, _ROUGH)
