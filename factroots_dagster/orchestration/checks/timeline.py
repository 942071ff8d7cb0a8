"""Suite of the timeline of what a run's checkpoints know."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from factroots_dagster.orchestration.checks import expect
from factroots_dagster.orchestration.checks.suite import suite_of
from factroots_dagster.roots.timeline.summary import ALL
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

if TYPE_CHECKING:
    import pandas as pd

_NOISE = 1e-9
_INTERVALS = ("frequency_effect", "elsewhere_effect", "transfer")


def timeline_frame(store: Store) -> pd.DataFrame:
    """One row per fact and language, what holds of each, and what is wrong with the side tables."""
    frame: pd.DataFrame = store.read("knowledge_timeline").to_pandas()
    learnt = frame["known_checkpoints"] > 0
    frame["learnt_agrees"] = (frame["first_known"].notna() == learnt) & (
        frame["last_known"].notna() == learnt
    )
    frame["last_agrees"] = frame["known_at_last"] == frame["known_since"].notna()
    frame["first_agrees"] = [
        own not in first for own, first in zip(frame["language"], frame["first_languages"], strict=True)
    ]
    frame["lag_agrees"] = frame["lag"].notna() == (learnt & (frame["first_languages"].str.len() > 0))
    residual = learnt - frame["expected"]
    frame["residual_agrees"] = frame["residual"].isna() | ((frame["residual"] - residual).abs() <= _NOISE)
    wrong = _wrong_lags(store) | _wrong_languages(store, frame)
    return frame.drop(columns=["first_languages"]).assign(**wrong)


def _wrong_lags(store: Store) -> dict[str, int]:
    lags: pd.DataFrame = store.read_side("lags", "knowledge_timeline").to_pandas()
    ordered = (lags["lag_low"] <= lags["lag"]) & (lags["lag"] <= lags["lag_high"])
    return {
        "lags_repeated": int(lags.duplicated(["run", "uuid", "language", "source_language"]).sum()),
        "lags_itself": int((lags["language"] == lags["source_language"]).sum()),
        "lags_unordered": int((~ordered & lags["lag"].notna()).sum()),
    }


def _wrong_languages(store: Store, frame: pd.DataFrame) -> dict[str, int]:
    table: pd.DataFrame = store.read_side("languages", "knowledge_timeline").to_pandas()
    counted = frame.assign(learnt=frame["first_known"].notna()).groupby(["run", "language"])["learnt"].sum()
    single = table[table["language"] != ALL].set_index(["run", "language"])["learnt"]
    total = table[table["language"] == ALL].set_index("run")["learnt"]
    ends = [(name, name.removesuffix("_effect")) for name in _INTERVALS]
    return {
        "languages_counts": int(single.to_dict() != counted.to_dict())
        + int(total.to_dict() != counted.groupby("run").sum().to_dict()),
        "languages_intervals": sum(
            int(((table[f"{end}_low"] > table[name]) | (table[name] > table[f"{end}_high"])).sum())
            for name, end in ends
        ),
    }


@suite_of(timeline_frame)
def timeline_suite(settings: Settings) -> Sequence[Any]:
    return [
        *expect.rows(1, severity="warning"),
        *expect.unique("run", "uuid", "language"),
        *expect.among("language", settings.active_languages),
        *expect.within("checkpoints", 1),
        *expect.within("checkpoints", 2, meaning="a run has at least two checkpoints", severity="warning"),
        *expect.within("known_checkpoints", 0),
        *expect.at_most("known_checkpoints", "checkpoints"),
        *expect.at_most("learnt_after", "first_known"),
        *expect.at_most("first_known", "last_known"),
        *expect.at_most("first_known", "known_since"),
        *expect.at_most("forgettings", "known_checkpoints"),
        *expect.within("windows", 0),
        *expect.within("windows_elsewhere", 0),
        *expect.within("lag", 1),
        *expect.within("expected", 0),
        *expect.true(
            learnt_agrees="a fact has a first and a last step exactly when a checkpoint knows it",
            last_agrees="a fact is known since some step exactly when the last checkpoint knows it",
            first_agrees="a language is not before itself",
            lag_agrees="a fact has a lag exactly when it was learnt and another language had it before",
            residual_agrees="a residual is whether the fact was learnt, minus what was expected",
        ),
        *expect.zero(
            lags_repeated="no two rows of the lags are about the same fact and languages",
            lags_itself="no language lags behind itself",
            lags_unordered="a lag lies between its bounds",
            languages_counts="the languages' counts are those of the facts",
            languages_intervals="every estimate lies in its interval",
        ),
    ]
