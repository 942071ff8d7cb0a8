"""How early a fact is learnt, by the number of its sources: what they leave unexplained is transfer.

From a checkpoint to the next, a fact that was not known yet is learnt with the hazard h, a logistic
regression per language (a discrete-time hazard model: Allison, Sociological Methodology 13:61, 1982) with a
level for every checkpoint, on log2(1 + own windows), log2(1 + other facts with the same object), and whether
another language with a source knew the fact at an earlier checkpoint. With the last one set to no, the model
says what the own frequency explains. The residual of a fact, 1 if it was learnt minus the sum of that hazard
as long as it was not known, is a martingale residual (Therneau, Grambsch and Fleming, Biometrika 77:147,
1990). That frequency explains most of what is learnt, and transfer some facts with few sources, was found for
the pretraining of OLMo by Liu et al. (Findings of EMNLP 2025, arXiv 2505.14824).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from factroots_dagster.roots.timeline.answers import LanguageAnswers, Steps
from factroots_dagster.stats.logistic import fit_logistic, sigmoid

PRECISION = 0.1
"""Of the normal prior on every coefficient: a standard deviation of three in log odds."""
FREQUENCY, OBJECT, ELSEWHERE = range(3)
"""Columns after the checkpoints' levels."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class FrequencyFit:
    """The model of one language's facts, [facts].

    expected: cumulative hazard of the own sources. residual: what it leaves. influence: of a fact on the sum
    of residuals, by itself and through the coefficients. effects: column (FREQUENCY, ELSEWHERE) to its
    coefficient and standard error; without columns that are the same everywhere.
    """

    expected: Floats
    residual: Floats
    influence: Floats
    effects: dict[int, tuple[float, float]]


def fit_frequency(answers: LanguageAnswers, first_elsewhere: Steps) -> FrequencyFit | None:
    """The model of a language; None where no fact was learnt, or every one at the first checkpoint.

    first_elsewhere: first step at which another language with a source knew the fact, or NEVER, [facts].
    """
    positions = np.arange(len(answers.steps))
    fact, checkpoint = np.nonzero(positions <= answers.first[:, None])
    learnt = checkpoint == answers.first[fact]
    if learnt.all() or not learnt.any():
        return None
    earlier = np.append(-1, answers.steps)[checkpoint]
    covariates = np.column_stack(
        [
            np.log2(1.0 + answers.windows[fact]),
            np.log2(1.0 + answers.same_object[fact]),
            first_elsewhere[fact] <= earlier,
        ]
    )
    features = np.hstack([checkpoint[:, None] == positions, covariates]).astype(np.float64)
    level = float(np.log((learnt.sum() + 0.5) / (len(learnt) - learnt.sum() + 0.5)))
    prior = np.append(np.full(len(positions), level), np.zeros(covariates.shape[1]))
    precision = np.full(len(prior), PRECISION)
    coefficients = fit_logistic(features, learnt, prior=prior, precision=precision)
    alone = features.copy()
    alone[:, len(positions) + ELSEWHERE] = 0.0
    hazard, own = sigmoid(features @ coefficients), sigmoid(alone @ coefficients)
    curvature = (features.T * (hazard * (1 - hazard))) @ features + np.diag(precision)
    score = _sum_by_fact(features * (learnt - hazard)[:, None], fact, len(answers.uuids))
    moved = np.linalg.solve(curvature, score.T).T  # what a fact moves the coefficients by, [facts, columns]
    expected = _sum_by_fact(own[:, None], fact, len(answers.uuids))[:, 0]
    residual = answers.learnt - expected
    slope = alone.T @ (own * (1 - own))
    errors = np.sqrt((moved**2).sum(axis=0))
    differ = np.ptp(covariates, axis=0) > 0
    effects = {
        column: (float(coefficients[len(positions) + column]), float(errors[len(positions) + column]))
        for column in (FREQUENCY, ELSEWHERE)
        if differ[column]
    }
    return FrequencyFit(expected, residual, residual - moved @ slope, effects)


def _sum_by_fact(values: Floats, fact: NDArray[np.intp], facts: int) -> Floats:
    """Sums of the rows of each fact, [facts, columns]. fact: of every row, ascending."""
    sums = np.zeros((facts, values.shape[1]))
    np.add.at(sums, fact, values)
    return sums
