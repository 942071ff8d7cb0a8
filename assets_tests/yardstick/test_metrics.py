"""The metrics on judgements whose values can be counted by hand, and on judgements that know nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from factroots_dagster.yardstick.metrics import Metric, best_threshold, measure


def cell(causal_type: str, score: float, **known: Any) -> dict[str, Any]:
    """A predicted cell with a source, linked to one language, called shared from a score of .5 on."""
    return {
        "causal_type": causal_type,
        "score": score,
        "alike": score >= 0.5,
        "probability": score,
        "tested": True,
        "source": causal_type in ("shared", "independent", "unstable"),
        "unsourced_type": "transferred",
        "linked": 1,
        "stated_anywhere": True,
        "survival": {"shared": 1.0, "independent": 0.0}.get(causal_type, np.nan),
    } | known


def frame(cells: list[dict[str, Any]]) -> pd.DataFrame:
    """Cells of different facts, in two languages in turn."""
    index = [(f"fact-{number}", "en" if number % 2 else "fr") for number in range(len(cells))]
    return pd.DataFrame(cells, index=pd.MultiIndex.from_tuples(index, names=["uuid", "language"]))


def values(cells: list[dict[str, Any]]) -> dict[str, float]:
    return {metric.metric: metric.value for metric in measure(frame(cells))}


COUNTED = [
    cell("shared", 0.9),
    cell("shared", 0.7),
    cell("shared", 0.2),
    cell("independent", 0.6),
    cell("independent", 0.1),
    cell("independent", 0.1, linked=0),
    cell("independent", 0.3),
    cell("transferred", 0.0),
    cell("easy", 0.0, unsourced_type="easy"),
    cell("luck", 0.8, stated_anywhere=False),
    cell("luck", 0.0, stated_anywhere=False),
    cell("unstable", 0.9, tested=False),
]


def test_the_metrics_are_those_that_are_counted_by_hand() -> None:
    found = values(COUNTED)
    assert found["recall_shared"] == pytest.approx(2 / 3)
    assert found["precision_shared"] == pytest.approx(2 / 3)
    assert found["recall_independent"] == pytest.approx(3 / 4)
    assert found["precision_transferred"] == pytest.approx(1 / 3)  # two lucky answers are called so
    assert found["recall_luck"] == 0
    assert found["balanced_accuracy"] == pytest.approx((2 / 3 + 3 / 4 + 1 + 1 + 0) / 5)
    assert found["balanced_accuracy_shared_independent"] == pytest.approx((2 / 3 + 3 / 4) / 2)
    assert found["survival_shared"] == pytest.approx(2 / 3)
    assert found["survival_independent"] == pytest.approx(1 / 4)
    assert found["called_shared"] == pytest.approx(4 / 8)
    assert found["called_shared_unknown"] == pytest.approx(1 / 2)
    assert found["undetermined"] == pytest.approx(1 / 8)
    # 3 shared, 3 linked independent: of 9 pairs 7 in the right order
    assert found["auc_within_linked"] == pytest.approx(7 / 9)


def test_a_method_that_knows_the_truth_is_right_in_everything_it_can_say() -> None:
    cells = [cell("shared", 1.0), cell("independent", 0.0), cell("transferred", 0.0)] * 20
    found = values(cells)
    assert found["balanced_accuracy"] == found["auc_within_linked"] == found["survival_shared"] == 1
    assert found["survival_independent"] == found["calibration_error"] == 0


@pytest.mark.parametrize("seed", range(3))
def test_a_method_that_knows_nothing_has_an_interval_around_one_half(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = [cell(str(random.choice(["shared", "independent"])), float(random.random())) for _ in range(300)]
    (auc,) = [metric for metric in measure(frame(cells)) if metric.metric == "auc_within_linked"]
    assert auc.low < 0.5 < auc.high and auc.high - auc.low < 0.2


def test_the_interval_is_over_facts_and_not_over_cells() -> None:
    random = np.random.default_rng(0)
    facts = [cell(str(random.choice(["shared", "independent"])), 1.0) for _ in range(60)]
    once = frame(facts)
    copies = [once.rename(index={"en": f"en{number}", "fr": f"fr{number}"}) for number in range(5)]

    def width(cells: pd.DataFrame) -> float:
        (metric,) = [metric for metric in measure(cells) if metric.metric == "survival_shared"]
        return metric.high - metric.low

    assert width(pd.concat(copies)) == pytest.approx(width(once), rel=0.01)


def test_a_score_without_calls_gets_the_best_threshold_in_hindsight() -> None:
    cells = [cell("shared", score, alike=pd.NA) for score in (5.0, 4.0, 3.0)]
    cells += [cell("independent", score, alike=pd.NA) for score in (2.0, 1.0, 3.5)]
    assert values(cells)["balanced_accuracy_shared_independent"] == pytest.approx((1 + 2 / 3) / 2)


def test_without_cells_of_both_kinds_nothing_is_called_shared() -> None:
    assert best_threshold(np.array([1.0, 2.0]), np.array([True, True])) == np.inf
    assert best_threshold(np.array([np.nan, 2.0]), np.array([False, True])) == 2.0


@pytest.mark.parametrize("seed", range(5))
def test_the_area_under_the_curve_is_scikit_learns_with_ties(seed: int) -> None:
    random = np.random.default_rng(seed)
    cells = [
        cell(str(random.choice(["shared", "independent"])), float(random.integers(6))) for _ in range(50)
    ]
    truth = [each["causal_type"] == "shared" for each in cells]
    expected = roc_auc_score(truth, [each["score"] for each in cells])
    found = values(cells)
    assert found["auc_within_linked"] == found["auc"] == pytest.approx(expected)


def test_only_cells_linked_to_as_many_languages_are_compared() -> None:
    """A score that counts languages is worth nothing, although shared cells have more of them."""
    cells = [cell("shared", linked, linked=linked) for linked in (1, 2, 2, 3, 3, 3)]
    cells += [cell("independent", linked, linked=linked) for linked in (1, 1, 1, 2, 2, 3, 0, 0)]
    assert values(cells)["auc_within_linked"] == 0.5 < values(cells)["auc"]
    # 3 pairs of one language, of which 2 are right and 1 is a tie, and 1 wrong pair of two languages
    cells = [cell("shared", 0.5, linked=1), cell("shared", 0.1, linked=2)]
    cells += [cell("independent", score, linked=1) for score in (0.1, 0.2, 0.5)]
    cells += [cell("independent", 0.9, linked=2)]
    assert values(cells)["auc_within_linked"] == pytest.approx(2.5 / 4)


def test_a_share_of_nothing_is_not_a_number() -> None:
    found = values([cell("transferred", 0.0)])
    assert np.isnan(found["recall_shared"]) and np.isnan(found["auc_within_linked"])
    assert found["recall_transferred"] == 1


KINDS = st.sampled_from(["shared", "independent", "transferred", "easy", "luck", "unstable"])


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(KINDS, st.floats(0, 1)), min_size=1, max_size=20))
def test_every_share_is_a_share_and_lies_in_its_interval(drawn: list[tuple[str, float]]) -> None:
    metric: Metric
    for metric in measure(frame([cell(*each) for each in drawn])):
        if np.isfinite(metric.value):
            assert 0 <= metric.value <= 1
            assert 0 <= metric.low <= metric.high <= 1


def test_calibration_is_against_the_share_of_the_trainings_in_which_a_fact_survives() -> None:
    cells = [cell("unstable", 0.5, survival=0.5), cell("shared", 0.9), cell("luck", 0.1)]
    found = values(cells)
    assert found["calibration_error"] == pytest.approx((0 + 0.1) / 2)
    assert (found["reliability_0.5"], found["reliability_0.9"]) == (0.5, 1.0)
