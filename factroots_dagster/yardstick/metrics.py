"""How well a method's judgement agrees with the counterfactual truth, with intervals over facts.

Facts are drawn with replacement, each with all its languages, which are not independent of one another.
Cells whose truth is not decided (`schema.UNDECIDED`) count in no metric but `called_shared_unknown`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
from scipy import sparse

from factroots_dagster.yardstick.schema import (
    CAUSAL_TYPES,
    EASY,
    INDEPENDENT,
    LUCK,
    SHARED,
    TRANSFERRED,
)

if TYPE_CHECKING:
    import pandas as pd

RESAMPLES = 300
CALIBRATION_BINS = 5
SMALLEST_LANGUAGE = 10
"""Independent cells below which a language's share of false claims is not reported."""

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]
Measure = Callable[[Floats], Floats]
"""From how often each cell is drawn, [draws, cells], to the metric of each draw, [draws]."""


class Metric(NamedTuple):
    """A value with its 95% interval over facts; NaN where there is nothing to measure."""

    metric: str
    value: float
    low: float
    high: float


def measure(cells: pd.DataFrame, seed: int = 0) -> list[Metric]:
    """All metrics of one method in one world.

    cells: one row per predicted cell with the columns of a judgement (see `methods`), those of
    `study.Study.cells`, and those of COUNTERFACTUAL_TRUTH, indexed by (uuid, language); linked (see
    `scores.count_linked`); stated_anywhere. A judgement without calls of its own is given the threshold that
    separates shared and independent best in hindsight. seed: draws facts.
    """
    weights = draw_facts(cells, seed)
    return [with_interval(name, function, weights) for name, function in _Cells.of(cells).measures()]


def with_interval(name: str, function: Measure, weights: Floats) -> Metric:
    """The metric of a function; weights: see `draw_facts`, of which the first row gives the value."""
    value, *drawn = function(weights)
    known = np.array(drawn)[np.isfinite(drawn)]
    low, high = np.quantile(known, [0.025, 0.975]) if len(known) else (np.nan, np.nan)
    return Metric(name, float(value), float(low), float(high))


def best_threshold(scores: Floats, shared: Mask) -> float:
    """The score from which on cells are called shared so that balanced accuracy is highest.

    scores: [cells], NaN is below all; shared: [cells], whether each is. Infinite without cells of both kinds.
    """
    if shared.all() or not shared.any():
        return np.inf
    scores = np.nan_to_num(scores, nan=-np.inf)
    candidates = np.unique(scores)
    called = scores >= candidates[:, None]
    accuracy = (called[:, shared].mean(axis=1) + (~called[:, ~shared]).mean(axis=1)) / 2
    return float(candidates[int(accuracy.argmax())])


def draw_facts(cells: pd.DataFrame, seed: int) -> Floats:
    """How often each cell's fact is drawn, [1 + RESAMPLES, cells]; the first row has all cells once."""
    number_of = cells.index.get_level_values("uuid").factorize(sort=True)[0]
    facts = int(number_of.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(facts, np.full(facts, 1 / facts), RESAMPLES)
    return np.concatenate([np.ones((1, len(cells))), drawn[:, number_of]])


@dataclass(frozen=True)
class _Cells:
    """The cells in arrays; `truth` and `called` hold types."""

    truth: npt.NDArray[Any]
    called: npt.NDArray[Any]
    language: npt.NDArray[Any]
    score: Floats
    probability: Floats
    source: Mask
    alike: Mask
    tested: Mask
    linked: npt.NDArray[np.int64]
    stated_anywhere: Mask
    survival: Floats

    @classmethod
    def of(cls, cells: pd.DataFrame) -> _Cells:
        truth, score = cells["causal_type"].to_numpy(), cells["score"].to_numpy(np.float64)
        if cells["alike"].isna().all():
            decided = np.isin(truth, [SHARED, INDEPENDENT])
            alike = score >= best_threshold(score[decided], truth[decided] == SHARED)
        else:
            alike = cells["alike"].fillna(False).to_numpy(bool)
        source = cells["source"].to_numpy(bool)
        sourced_type = np.where(alike, SHARED, INDEPENDENT)
        return cls(
            truth=truth,
            called=np.where(source, sourced_type, cells["unsourced_type"].to_numpy()),
            language=cells.index.get_level_values("language").to_numpy(),
            score=score,
            probability=cells["probability"].to_numpy(np.float64),
            source=source,
            alike=alike,
            tested=cells["tested"].to_numpy(bool),
            linked=cells["linked"].to_numpy(np.int64),
            stated_anywhere=cells["stated_anywhere"].to_numpy(bool),
            survival=cells["survival"].to_numpy(np.float64),
        )

    def measures(self) -> Iterator[tuple[str, Measure]]:
        """Every metric's name and function."""
        shared, independent = self.truth == SHARED, self.truth == INDEPENDENT
        decided = np.isin(self.truth, CAUSAL_TYPES)
        recalls = {name: share(self.truth == name, self.called == name) for name in CAUSAL_TYPES}
        yield "auc_within_linked", auc(self.score, shared, independent, self.linked)
        yield "auc", auc(self.score, shared, independent, np.ones_like(self.linked))
        yield "balanced_accuracy", _mean(recalls.values())
        yield (
            "balanced_accuracy_shared_independent",
            _mean([share(shared, self.alike), share(independent, ~self.alike)]),
        )
        for name, recall in recalls.items():
            yield f"recall_{name}", recall
            yield f"precision_{name}", share(decided & (self.called == name), self.truth == name)
        tested = self.source & (shared | independent)
        yield "survival_shared", share(tested & self.alike, shared)
        yield "survival_independent", share(tested & ~self.alike, shared)
        yield "called_shared", share(self.source, self.alike)
        yield "called_shared_unknown", share(~self.stated_anywhere, self.alike)
        yield "false_shared_worst_language", self._worst_language(independent, self.called == SHARED)
        guessed = np.isin(self.truth, [EASY, LUCK])
        yield (
            "false_transferred_worst_language",
            self._worst_language(guessed, self.called == TRANSFERRED),
        )
        yield "undetermined", share(self.source, ~self.tested)
        if np.isfinite(self.probability).any():
            yield from self._calibration()

    def _worst_language(self, whole: Mask, part: Mask) -> Measure:
        """The largest share among the languages with enough cells."""
        of_languages = [
            share(here, part)
            for language in np.unique(self.language)
            for here in [whole & (self.language == language)]
            if here.sum() >= SMALLEST_LANGUAGE
        ]
        if not of_languages:
            return lambda weights: np.full(len(weights), np.nan)
        return lambda weights: np.nanmax([share(weights) for share in of_languages], axis=0)

    def _calibration(self) -> Iterator[tuple[str, Measure]]:
        """Observed survival in bins of the probability, and its mean distance from it."""
        known = np.isfinite(self.probability) & np.isfinite(self.survival)
        probability, survival = np.nan_to_num(self.probability), np.nan_to_num(self.survival)
        number = np.minimum(probability * CALIBRATION_BINS, CALIBRATION_BINS - 1).astype(int)
        bins = [known & (number == each) for each in range(CALIBRATION_BINS)]

        def error(weights: Floats) -> Floats:
            excess = probability - survival
            distance = np.sum([np.abs((weights * inside) @ excess) for inside in bins], axis=0)
            return _divide(distance, weights @ known)

        yield "calibration_error", error
        for each, inside in enumerate(bins):
            yield f"reliability_{(each + 0.5) / CALIBRATION_BINS:g}", _mean_survival(inside, survival)


def share(whole: Mask, part: Mask) -> Measure:
    """Share of the cells of `whole` that are in `part`."""
    return lambda weights: _divide(weights @ (whole & part), weights @ whole)


def _mean_survival(whole: Mask, survival: Floats) -> Measure:
    """Mean survival of the cells of `whole`."""
    return lambda weights: _divide(weights @ (whole * survival), weights @ whole)


def _mean(measures: Iterable[Measure]) -> Measure:
    """Mean of those that are numbers in the first draw, which holds all cells once."""
    listed = list(measures)

    def mean(weights: Floats) -> Floats:
        values = np.stack([function(weights) for function in listed])
        known = np.isfinite(values[:, 0])
        means: Floats = values[known].mean(axis=0) if known.any() else values[0]
        return means

    return mean


def auc(score: Floats, positive: Mask, negative: Mask, stratum: npt.NDArray[np.int64]) -> Measure:
    """P(the score of a positive cell > that of a negative one of its stratum), ties half.

    Cells of stratum 0, and those whose score is NaN, are left out.
    """
    known = np.isfinite(score) & (stratum > 0)
    values, rank = np.unique(score[known], return_inverse=True)
    in_rank = sparse.csr_array(
        (np.ones(len(rank)), (np.arange(len(rank)), rank)), shape=(len(rank), len(values))
    )

    def of_draws(weights: Floats) -> Floats:
        right, pairs = np.zeros(len(weights)), np.zeros(len(weights))
        for each in np.unique(stratum[known]):
            inside = stratum == each
            ups = (weights * (positive & inside))[:, known] @ in_rank
            downs = (weights * (negative & inside))[:, known] @ in_rank
            below = downs.cumsum(axis=1) - downs / 2
            right += (ups * below).sum(axis=1)
            pairs += ups.sum(axis=1) * downs.sum(axis=1)
        return _divide(right, pairs)

    return of_draws


def _divide(part: Any, whole: Any) -> Floats:
    part, whole = np.asarray(part, np.float64), np.asarray(whole, np.float64)
    quotient: Floats = np.divide(part, whole, out=np.full(whole.shape, np.nan), where=whole > 0)
    return quotient
