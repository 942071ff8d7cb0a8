"""What is expected of an asset: the declaration of its checks. Nothing here knows Dagster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Suite:
    """What is expected of one asset.

    frame: reads a partition (`store, *parts`) into a small pandas frame; it streams or aggregates where the
        asset is large.
    expectations: makes the list of Great Expectations expectations for a partition (`*parts`). A function,
        because importing Great Expectations takes seconds. Those of critical severity are the blocking
        check: without them, what reads the asset is meaningless. Those of warning severity are the other.
    summary: what the warning check says of the frame whether or not it passes.
    """

    frame: Callable[..., pd.DataFrame]
    expectations: Callable[..., Sequence[Any]]
    summary: Callable[[pd.DataFrame], str] | None = None
