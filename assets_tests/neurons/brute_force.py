"""Slow, direct computations that the fast ones are compared with."""

from __future__ import annotations

import numpy as np
from sklearn.decomposition import PCA


def probeless_by_double_loop(values: np.ndarray) -> np.ndarray:
    """Probeless scores as they are defined; values: [facts, neurons]."""
    scores = np.zeros(values.shape)
    for f in range(len(values)):
        for g in range(len(values)):
            scores[f] += np.abs(values[f].astype(np.float64) - values[g])
    return scores / (len(values) - 1)


def whitened_by_components(values: np.ndarray, shrinkage: float) -> np.ndarray:
    """Whitening through scikit-learn's principal components; values: [facts, neurons], all of which vary."""
    scaled = (values - values.mean(axis=0)) / values.std(axis=0)
    components = PCA(n_components=len(values) - 1).fit(scaled)
    variances = components.singular_values_**2 / len(values)
    scores = components.transform(scaled) / np.sqrt(variances + shrinkage * variances.mean())
    rebuilt = scores @ components.components_
    return rebuilt / np.linalg.norm(rebuilt, axis=1, keepdims=True)
