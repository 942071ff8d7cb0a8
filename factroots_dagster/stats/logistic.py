"""Logistic regression with a normal prior on its coefficients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

ITERATIONS = 50
TOLERANCE = 1e-9


def sigmoid(logits: ArrayLike) -> NDArray[np.float64]:
    """1 / (1 + exp(-logits)), without overflow."""
    return 0.5 * (1 + np.tanh(0.5 * np.asarray(logits, dtype=np.float64)))


def fit_logistic(
    features: NDArray[np.float64],
    labels: NDArray[np.bool_],
    *,
    prior: NDArray[np.float64],
    precision: NDArray[np.float64],
    weights: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """The most probable coefficients, [columns], given independent normal priors on them (ridge regression).

    features: [rows, columns]; a column of ones gives the intercept. labels: [rows]. prior, precision: mean
    and inverse variance of each coefficient, [columns]; without rows the prior is the result. weights: how
    often each row counts, [rows]. Newton's method, each step halved until it gains.
    """
    rows = np.ones(len(features)) if weights is None else weights
    coefficients = prior.astype(np.float64)

    def loss(values: NDArray[np.float64]) -> float:
        logits = features @ values
        signed = np.where(labels, -logits, logits)
        penalty = float(precision @ (values - prior) ** 2) / 2
        return float(rows @ np.logaddexp(0, signed)) + penalty

    current = loss(coefficients)
    for _ in range(ITERATIONS):
        expected = sigmoid(features @ coefficients)
        gradient = features.T @ (rows * (expected - labels)) + precision * (coefficients - prior)
        curvature = rows * expected * (1 - expected)
        step = np.linalg.solve((features.T * curvature) @ features + np.diag(precision), gradient)
        size = 1.0
        while loss(coefficients - size * step) > current and size > TOLERANCE:
            size /= 2
        coefficients = coefficients - size * step
        if np.abs(size * step).max(initial=0) < TOLERANCE:
            break
        current = loss(coefficients)
    return coefficients
