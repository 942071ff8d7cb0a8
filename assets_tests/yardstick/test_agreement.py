"""What several trainings say together, on votes that can be counted by hand and on simulated trainings."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from factroots_dagster.yardstick.agreement import join_truths, measure_trainings


def truth(types: list[str], stated: list[bool] | None = None) -> pd.DataFrame:
    """COUNTERFACTUAL_TRUTH of a language's facts, as one training finds it."""
    cells = [(f"fact-{number}", "en") for number in range(len(types))]
    index = pd.MultiIndex.from_tuples(cells, names=["uuid", "language"])
    return pd.DataFrame({"causal_type": types, "stated": stated or [True] * len(types)}, index=index)


def test_a_single_training_is_believed() -> None:
    types = ["shared", "independent", "easy", "transferred", "luck", "unstable", "not_predicted"]
    joint = join_truths([truth(types)])
    assert joint["causal_type"].tolist() == types
    assert joint["survival"].tolist() == pytest.approx([1, 0] + [np.nan] * 5, nan_ok=True)


@pytest.mark.parametrize(
    ("votes", "stated", "expected", "survival"),
    [
        (["shared", "shared"], True, "shared", 1),
        (["shared", "independent"], True, "unstable", 0.5),
        (["shared", "independent", "shared"], True, "shared", 2 / 3),
        (["shared", "easy", "independent"], True, "unstable", 0.5),
        (["independent", "not_predicted"], True, "unstable", 0),
        (["luck", "not_predicted"], False, "luck", np.nan),
        (["transferred", "not_predicted", "transferred"], False, "transferred", np.nan),
        (["not_predicted", "shared", "shared"], True, "not_predicted", 1),
        (["unstable", "unstable"], True, "unstable", np.nan),
    ],
)
def test_two_thirds_of_the_trainings_decide(
    votes: list[str], stated: bool, expected: str, survival: float
) -> None:
    joint = join_truths([truth([vote], [stated]) for vote in votes])
    assert joint["causal_type"].tolist() == [expected]
    assert joint["survival"].tolist() == pytest.approx([survival], nan_ok=True)


def test_trainings_are_joined_by_fact_whatever_their_order() -> None:
    one, other = truth(["shared", "independent"]), truth(["shared", "independent"]).iloc[::-1]
    assert join_truths([one, other])["causal_type"].tolist() == ["shared", "independent"]


def test_agreement_is_the_share_of_the_cells_that_both_decide() -> None:
    one = truth(["shared", "independent", "shared", "unstable", "not_predicted", "luck"])
    other = truth(["shared", "shared", "not_predicted", "shared", "shared", "luck"])
    found = {metric.metric: metric.value for metric in measure_trainings([one, other])}
    assert found == pytest.approx({"agreement_of_trainings": 2 / 3, "decided": 2 / 5})


def test_several_trainings_together_agree_more_than_single_ones() -> None:
    """As simulated: a fact survives with a probability of its own, in every training anew."""
    random = np.random.default_rng(0)
    chance = random.choice([0.1, 0.9], 4000)
    drawn = [
        truth(np.where(random.random(4000) < chance, "shared", "independent").tolist()) for _ in range(4)
    ]
    found = {metric.metric: metric.value for metric in measure_trainings(drawn)}
    assert found["agreement_of_trainings"] == pytest.approx(0.9**2 + 0.1**2, abs=0.02)
    pair = 0.9**2 / (0.9**2 + 0.1**2)
    assert found["agreement_of_halves"] == pytest.approx(pair**2 + (1 - pair) ** 2, abs=0.02)
