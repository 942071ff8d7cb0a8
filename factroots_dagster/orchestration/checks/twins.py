"""Suite of `untrained_twins`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from factroots_dagster.neurons.schema import FIGURES, NAMES
from factroots_dagster.neurons.statistics import BEYOND
from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.suite import suite_of
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

KEY = ("figure", "measure", "names", "language_a", "language_b")
SHARES = ("stability", "layers", "consistency")
"""Figures whose values are between 0 and 1, but for what is left beyond a control."""

_NOISE = 1e-9


def twin_frame(store: Store, checkpoint: str) -> pd.DataFrame:
    """The table; whether its columns agree in each row; and violations in the sample, counted."""
    frame: pd.DataFrame = store.read("untrained_twins", checkpoint).to_pandas()
    sample = store.read_side("sample", "untrained_twins", checkpoint).to_pandas()
    difference, low, high = (frame[f"difference{end}"] for end in ("", "_low", "_high"))
    share = frame["figure"].isin(SHARES) & ~frame["measure"].str.contains(f"_{BEYOND}_")
    in_range = frame["trained"].between(-_NOISE, 1 + _NOISE) & frame["untrained"].between(-_NOISE, 1 + _NOISE)
    layers = frame[frame["figure"] == "layers"].groupby(["language_a", "language_b"])
    sums = layers[["trained", "untrained"]].sum()
    known = {*sample["language"], "*"}
    return frame.assign(
        difference_agrees=(difference - frame["trained"] + frame["untrained"]).abs() < _NOISE,
        interval_agrees=~((low > difference + _NOISE) | (difference > high + _NOISE)),
        least_agrees=(frame["untrained_least"] <= frame["untrained"] + _NOISE)
        & (frame["untrained"] <= frame["untrained_most"] + _NOISE),
        possible=in_range | ~share,
        layers_total=int(((sums - 1).abs() > _NOISE).any(axis=1).sum()),
        sample_range=int(((sample["sampled"] > sample["predicted"]) | (sample["asked"] < 0)).sum()),
        sample_repeated=int(sample["language"].duplicated().sum()),
        sample_gaps=int((~frame["language_a"].isin(known) | ~frame["language_b"].isin(known)).sum()),
    )


@suite_of(twin_frame)
def twin_suite(settings: Settings, checkpoint: str) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique(*KEY),
        *expect.among("figure", FIGURES),
        *expect.among("names", NAMES),
        *expect.within("facts", 1),
        *expect.at_most("facts", "n"),
        *expect.within("twins", 2),
        *expect.true(
            difference_agrees="the difference is the trained model's mean less the untrained one's",
            interval_agrees="an interval holds its difference",
            least_agrees="the mean of the untrained models is between the least and the most",
            possible="overlaps, shares of layers and RankC are between 0 and 1",
        ),
        *expect.zero(
            layers_total="the shares of all layers add up to 1 in both models",
            sample_range="no more facts are sampled than are predicted",
            sample_repeated="the sample has one row per language",
            sample_gaps="every language that is compared is in the sample",
        ),
    ]
