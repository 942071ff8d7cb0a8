"""Logistic regression against scikit-learn, and its prior."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from factroots_dagster.stats.logistic import fit_logistic, sigmoid


@pytest.mark.parametrize("precision", [0.1, 1.0, 30.0])
def test_coefficients_are_those_of_scikit_learn(precision: float) -> None:
    random = np.random.default_rng(1)
    features = random.normal(size=(200, 4))
    labels = random.random(200) < sigmoid(features @ [1.0, -2.0, 0.0, 0.5])
    ours = fit_logistic(features, labels, prior=np.zeros(4), precision=np.full(4, precision))
    theirs = LogisticRegression(C=1 / precision, fit_intercept=False, tol=1e-10).fit(features, labels)
    np.testing.assert_allclose(ours, theirs.coef_[0], atol=1e-4)


def test_a_prior_moves_the_origin_of_the_penalty() -> None:
    random = np.random.default_rng(2)
    features, labels = random.normal(size=(50, 2)), random.random(50) < 0.3
    prior, precision = np.array([0.5, -1.0]), np.array([2.0, 7.0])
    fitted = fit_logistic(features, labels, prior=prior, precision=precision)
    gradient = features.T @ (sigmoid(features @ fitted) - labels) + precision * (fitted - prior)
    np.testing.assert_allclose(gradient, 0, atol=1e-6)


def test_without_rows_the_prior_is_the_result() -> None:
    prior = np.array([1.0, -3.0])
    fitted = fit_logistic(np.zeros((0, 2)), np.zeros(0, bool), prior=prior, precision=np.ones(2))
    np.testing.assert_array_equal(fitted, prior)


@given(st.integers(0, 2**32), st.floats(1e-3, 1e3), st.floats(1e-2, 1e3))
def test_separable_and_wild_features_give_finite_coefficients(
    seed: int, scale: float, precision: float
) -> None:
    random = np.random.default_rng(seed)
    features = random.normal(size=(20, 3)) * scale
    fitted = fit_logistic(features, features[:, 0] > 0, prior=np.zeros(3), precision=np.full(3, precision))
    assert np.isfinite(fitted).all()
    gradient = features.T @ (sigmoid(features @ fitted) - (features[:, 0] > 0)) + precision * fitted
    assert np.abs(gradient).max() <= 1e-4 * max(1.0, scale)


@given(st.floats(allow_nan=False))
def test_the_sigmoid_is_a_probability_whatever_its_argument(logit: float) -> None:
    assert 0 <= sigmoid(logit) <= 1 and sigmoid(logit) + sigmoid(-logit) == pytest.approx(1)
