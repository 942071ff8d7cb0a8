"""The frequency model: against simulated learning whose hazards are known, and against other computations."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from factroots_dagster.roots.timeline.answers import NEVER, LanguageAnswers
from factroots_dagster.roots.timeline.frequency import (
    ELSEWHERE,
    FREQUENCY,
    PRECISION,
    FrequencyFit,
    fit_frequency,
)
from factroots_dagster.stats.logistic import sigmoid

STEPS = np.arange(100, 900, 100)


def simulate(
    seed: int, facts: int = 1500, frequency: float = 0.6, elsewhere: float = 0.0
) -> tuple[LanguageAnswers, NDArray[np.int64], float]:
    """Facts learnt with a known hazard, when another language knew them, and how many it taught: the sum of
    the hazards minus what they would be without it.
    """
    random = np.random.default_rng(seed)
    windows = random.integers(0, 9, facts)
    first_elsewhere = np.where(random.random(facts) < 0.5, random.choice(STEPS, facts), NEVER)
    known = np.zeros((facts, len(STEPS)), bool)
    taught = 0.0
    for number, step in enumerate(STEPS):
        helped = first_elsewhere < step
        own = -3.0 + frequency * np.log2(1 + windows)
        unknown = ~known[:, max(0, number - 1)] if number else np.ones(facts, bool)
        hazard = sigmoid(own + elsewhere * helped)
        taught += float((hazard - sigmoid(own))[unknown].sum())
        known[:, number] = ~unknown | (random.random(facts) < hazard)
    uuids = [f"{number:05}" for number in range(facts)]
    objects = np.zeros(facts, np.int64)
    answers = LanguageAnswers("qaa", STEPS, uuids, ["P36"] * facts, known, windows, objects)
    return answers, first_elsewhere, taught


def fitted(answers: LanguageAnswers, first_elsewhere: NDArray[np.int64]) -> FrequencyFit:
    fit = fit_frequency(answers, first_elsewhere)
    assert fit is not None
    return fit


def interval(fit: FrequencyFit) -> tuple[float, float]:
    half = 1.96 * np.sqrt(((fit.influence - fit.influence.mean()) ** 2).sum())
    return fit.residual.sum() - half, fit.residual.sum() + half


def test_what_was_taught_is_in_the_interval_in_nineteen_of_twenty_worlds() -> None:
    for elsewhere in (0.0, 1.2):
        covered = 0
        for seed in range(60):
            answers, first_elsewhere, taught = simulate(seed, 400, elsewhere=elsewhere)
            low, high = interval(fitted(answers, first_elsewhere))
            covered += low <= taught <= high
        assert covered >= 51  # 57 on average; below 51 in one of 250


def test_the_effects_are_found_and_nothing_is_found_where_nothing_crosses() -> None:
    answers, first_elsewhere, taught = simulate(7, elsewhere=1.2)
    fit = fitted(answers, first_elsewhere)
    for column, value in ((FREQUENCY, 0.6), (ELSEWHERE, 1.2)):
        coefficient, error = fit.effects[column]
        assert abs(coefficient - value) < 3 * error < 0.4
    assert fit.residual.sum() == pytest.approx(taught, rel=0.3)
    shuffled = np.random.default_rng(7).permutation(first_elsewhere)
    for others in (shuffled, simulate(8)[1]):  # times that belong to other facts
        value, error = fitted(answers, others).effects[ELSEWHERE]
        assert abs(value) < 3 * error < 0.4


def test_residuals_are_those_of_a_martingale_where_nobody_taught_and_above_it_where_somebody_did() -> None:
    answers, first_elsewhere, _ = simulate(3, elsewhere=3.0)
    fit = fitted(answers, first_elsewhere)
    alone, early = first_elsewhere == NEVER, first_elsewhere <= 200
    for group in (alone, alone & (answers.windows == 0), alone & (answers.windows > 4)):
        assert abs(fit.residual[group].mean()) < 3 * fit.residual[group].std() / np.sqrt(group.sum())
    assert fit.residual[early].mean() > 0.3
    assert fit.residual[early & answers.learnt & (answers.windows == 0)].min() > 0
    np.testing.assert_allclose(fit.residual, answers.learnt - fit.expected)


def test_the_coefficients_are_those_of_a_logistic_regression_over_facts_and_checkpoints() -> None:
    answers, first_elsewhere, _ = simulate(5, 300, elsewhere=1.0)
    table, labels = [], []
    for fact in range(300):
        for number in range(len(STEPS)):
            levels = [float(number == other) for other in range(len(STEPS))]
            before = STEPS[number - 1] if number else -1
            row = [np.log2(1 + answers.windows[fact]), float(first_elsewhere[fact] <= before)]
            table.append([*levels, *row])
            labels.append(bool(answers.known[fact, number]))
            if labels[-1]:
                break
    # the levels' prior has another mean there, which so many rows outweigh
    theirs = LogisticRegression(C=1 / PRECISION, fit_intercept=False, tol=1e-10).fit(table, labels)
    fit = fitted(answers, first_elsewhere)
    assert fit.effects[FREQUENCY][0] == pytest.approx(theirs.coef_[0][-2], abs=0.05)
    assert fit.effects[ELSEWHERE][0] == pytest.approx(theirs.coef_[0][-1], abs=0.05)


def test_the_interval_is_that_of_a_bootstrap_over_facts() -> None:
    answers, first_elsewhere, _ = simulate(11, 400, elsewhere=1.0)
    random, totals = np.random.default_rng(0), []
    for _ in range(200):
        drawn = random.integers(400, size=400)
        again = LanguageAnswers(
            "qaa",
            STEPS,
            [str(number) for number in range(400)],
            ["P36"] * 400,
            answers.known[drawn],
            answers.windows[drawn],
            answers.same_object[drawn],
        )
        totals.append(fitted(again, first_elsewhere[drawn]).residual.sum())
    low, high = interval(fitted(answers, first_elsewhere))
    assert (high - low) / 2 == pytest.approx(1.96 * np.std(totals), rel=0.25)


@pytest.mark.parametrize("known", [False, True])
def test_where_nothing_or_everything_was_learnt_there_is_no_model(known: bool) -> None:
    answers, first_elsewhere, _ = simulate(1, 20)
    same = np.full(answers.known.shape, known)
    alike = LanguageAnswers(
        "qaa", STEPS, answers.uuids, answers.relations, same, answers.windows, answers.same_object
    )
    assert fit_frequency(alike, first_elsewhere) is None


def test_what_is_the_same_everywhere_has_no_effect() -> None:
    answers, _, _ = simulate(1, 100)
    assert ELSEWHERE not in fitted(answers, np.full(100, NEVER)).effects
