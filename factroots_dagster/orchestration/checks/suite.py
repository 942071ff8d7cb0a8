"""What is expected of an asset: the declaration of its checks. Nothing here knows Dagster."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

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


def suite_of(
    frame: Callable[..., pd.DataFrame] | str, summary: Callable[[pd.DataFrame], str] | None = None
) -> Callable[[Callable[..., Sequence[Any]]], Callable[[Settings], Suite]]:
    """Turns `expectations(settings, *parts)` into a function from settings to the suite.

    frame: as in `Suite`, or the asset whose main table it is.
    """

    def main_table(store: Store, *parts: str) -> pd.DataFrame:
        table: pd.DataFrame = store.read(str(frame), *parts).to_pandas()
        return table

    read = main_table if isinstance(frame, str) else frame
    return lambda expectations: lambda settings: Suite(read, partial(expectations, settings), summary)
