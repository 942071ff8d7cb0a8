"""How well a method's judgement agrees with the counterfactual truth, with intervals over facts.

Facts are drawn with replacement, each with all its languages, which are not independent of one another.
Cells whose truth is not decided (`schema.UNDECIDED`) count in no metric but `called_shared_unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from factroots_dagster.yardstick.schema import CAUSAL_TYPES, INDEPENDENT, SHARED

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 300
CALIBRATION_BINS = 5
SMALLEST_LANGUAGE = 10
"""Independent cells below which a language's share of false claims is not reported."""

Floats = npt.NDArray[np.float64]
Measure = Callable[["pd.DataFrame", Floats], float]


class Metric(NamedTuple):
    """A value with its 95% interval over facts; NaN where there is nothing to measure."""

    metric: str
    value: float
    low: float
    high: float


def measure(cells: pd.DataFrame, seed: int = 0) -> list[Metric]:
    """All metrics of one method in one world.

    cells: one row per predicted cell with the columns of a judgement (see `methods`), those of
    `study.Study.cells`, and those of COUNTERFACTUAL_TRUTH, indexed by (uuid, language); linked, whether a
    language that predicts the fact writes the subject alike; stated_anywhere. A judgement without calls of
    its own is given the threshold that separates shared and independent best in hindsight.
    """
    cells = cells.copy()
    if cells["alike"].isna().all():
        cells["alike"] = cells["score"] >= best_threshold(cells)
    cells["alike"] = cells["alike"].fillna(False).astype(bool)
    cells["called"] = np.where(
        cells["source"], np.where(cells["alike"], SHARED, INDEPENDENT), cells["unsourced_type"]
    )
    weights = _resampled_weights(cells, seed)
    return [_with_interval(name, cells, function, weights) for name, function in _measures(cells)]


def best_threshold(cells: pd.DataFrame) -> float:
    """The score from which on cells are called shared so that balanced accuracy is highest."""
    tested = cells[cells["causal_type"].isin([SHARED, INDEPENDENT])]
    shared = (tested["causal_type"] == SHARED).to_numpy()
    scores = tested["score"].fillna(-np.inf).to_numpy()
    candidates = np.unique(scores)
    accuracy = [
        _mean_of([(scores >= candidate)[shared].mean(), (scores < candidate)[~shared].mean()])
        if shared.any() and not shared.all()
        else np.nan
        for candidate in candidates
    ]
    return float(candidates[int(np.nanargmax(accuracy))]) if np.isfinite(accuracy).any() else np.inf


def _measures(cells: pd.DataFrame) -> Iterator[tuple[str, Measure]]:
    yield "auc_within_linked", _auc_within_linked
    yield "balanced_accuracy", lambda c, w: _balanced(c, w, CAUSAL_TYPES)
    yield "balanced_accuracy_shared_independent", _balanced_shared_independent
    for name in CAUSAL_TYPES:
        yield f"recall_{name}", _share_of(_is("causal_type", name), _is("called", name))
        yield f"precision_{name}", _share_of(_decided_and("called", name), _is("causal_type", name))
    stated = _both(_is("causal_type", SHARED, INDEPENDENT), lambda c: c["source"])
    survived = _is("causal_type", SHARED)
    yield "survival_shared", _share_of(_both(stated, lambda c: c["alike"]), survived)
    yield "survival_independent", _share_of(_both(stated, lambda c: ~c["alike"]), survived)
    yield "called_shared", _share_of(lambda c: c["source"], _is("called", SHARED))
    nowhere = lambda c: ~c["stated_anywhere"]  # noqa: E731
    yield "called_shared_unknown", _share_of(nowhere, lambda c: c["alike"])
    for name in (SHARED, "transferred"):
        yield f"false_{name}_worst_language", _worst_language(name)
    yield "undetermined", _share_of(lambda c: c["source"], lambda c: ~c["tested"])
    if cells["probability"].notna().any():
        yield "calibration_error", _calibration_error
        for number in range(CALIBRATION_BINS):
            yield f"reliability_{(number + 0.5) / CALIBRATION_BINS:g}", _share_of(_bin(number), survived)


Selection = Callable[["pd.DataFrame"], Any]


def _is(column: str, *values: str) -> Selection:
    return lambda cells: cells[column].isin(values)


def _both(first: Selection, second: Selection) -> Selection:
    return lambda cells: first(cells) & second(cells)


def _decided_and(column: str, value: str) -> Selection:
    return _both(_is("causal_type", *CAUSAL_TYPES), _is(column, value))


def _share_of(whole: Selection, part: Selection) -> Measure:
    """Share of the cells of `whole` that are in `part`."""

    def share(cells: pd.DataFrame, weights: Floats) -> float:
        inside = weights * whole(cells).to_numpy(bool)
        total = inside.sum()
        return float((inside * part(cells).to_numpy(bool)).sum() / total) if total else np.nan

    return share


def _balanced(cells: pd.DataFrame, weights: Floats, types: tuple[str, ...]) -> float:
    """Mean recall of the causal types that there are."""
    return _mean_of(
        [_share_of(_is("causal_type", name), _is("called", name))(cells, weights) for name in types]
    )


def _balanced_shared_independent(cells: pd.DataFrame, weights: Floats) -> float:
    return _mean_of(
        [
            _share_of(_is("causal_type", SHARED), lambda c: c["alike"])(cells, weights),
            _share_of(_is("causal_type", INDEPENDENT), lambda c: ~c["alike"])(cells, weights),
        ]
    )


def _auc_within_linked(cells: pd.DataFrame, weights: Floats) -> float:
    """P(score of a shared cell > score of an independent one), of cells whose names are linked alike."""
    from sklearn.metrics import roc_auc_score

    chosen = (
        cells["linked"] & cells["causal_type"].isin([SHARED, INDEPENDENT]) & cells["score"].notna()
    ).to_numpy(bool) & (weights > 0)
    shared = (cells["causal_type"] == SHARED).to_numpy()[chosen]
    if shared.all() or not shared.any():
        return np.nan
    return float(roc_auc_score(shared, cells["score"].to_numpy()[chosen], sample_weight=weights[chosen]))


def _worst_language(name: str) -> Measure:
    """The largest share of falsely called cells in a language with enough of them."""

    def worst(cells: pd.DataFrame, weights: Floats) -> float:
        other = {SHARED: (INDEPENDENT,)}.get(name, ("luck", "easy"))
        shares = []
        for language in cells.index.get_level_values("language").unique():
            here = (cells.index.get_level_values("language") == language) & cells["causal_type"].isin(other)
            inside = weights * here.to_numpy(bool)
            if here.sum() >= SMALLEST_LANGUAGE and inside.sum():
                shares.append(float(inside[(cells["called"] == name).to_numpy()].sum() / inside.sum()))
        return max(shares, default=np.nan)

    return worst


def _bin(number: int) -> Selection:
    def within(cells: pd.DataFrame) -> Any:
        chosen = cells["causal_type"].isin([SHARED, INDEPENDENT]) & cells["probability"].notna()
        position = np.minimum((cells["probability"].fillna(0) * CALIBRATION_BINS).astype(int), 4)
        return chosen & (position == number)

    return within


def _calibration_error(cells: pd.DataFrame, weights: Floats) -> float:
    """Expected calibration error: mean distance of probability and observed share, by bin."""
    error = total = 0.0
    probability = cells["probability"].fillna(0).to_numpy()
    shared = (cells["causal_type"] == SHARED).to_numpy(float)
    for number in range(CALIBRATION_BINS):
        inside = weights * _bin(number)(cells).to_numpy(bool)
        error += abs(float((inside * (probability - shared)).sum()))
        total += float(inside.sum())
    return error / total if total else np.nan


def _mean_of(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else np.nan


def _resampled_weights(cells: pd.DataFrame, seed: int) -> Floats:
    """How often each cell's fact was drawn, [resamples, cells]."""
    codes = cells.index.get_level_values("uuid").factorize(sort=True)[0]
    facts = int(codes.max()) + 1 if len(codes) else 0
    random = np.random.default_rng(seed)
    drawn = random.multinomial(facts, np.full(facts, 1 / facts), RESAMPLES) if facts else np.empty((0, 0))
    return drawn[:, codes].astype(np.float64)


def _with_interval(name: str, cells: pd.DataFrame, function: Measure, weights: Floats) -> Metric:
    value = function(cells, np.ones(len(cells)))
    drawn = np.array([function(cells, weight) for weight in weights]) if np.isfinite(value) else np.empty(0)
    drawn = drawn[np.isfinite(drawn)]
    low, high = np.quantile(drawn, [0.025, 0.975]) if len(drawn) else (np.nan, np.nan)
    return Metric(name, value, float(low), float(high))
