"""k-medoids compared with exhaustive search, and the choice of their number."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import silhouette_samples

from factroots_dagster.stats.medoids import best_clusters, k_medoids


def random_distances(seed: int, n: int) -> np.ndarray:
    points = np.random.default_rng(seed).normal(size=(n, 2))
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


@given(st.integers(0, 10_000), st.integers(2, 9), st.integers(1, 4))
def test_no_swap_improves_the_medoids_and_they_are_near_the_optimum(seed: int, n: int, k: int) -> None:
    k = min(k, n)
    distance = random_distances(seed, n)
    medoids, labels = k_medoids(distance, k)

    def cost(chosen: tuple[int, ...]) -> float:
        return distance[:, list(chosen)].min(axis=1).sum()

    optimum = min(cost(chosen) for chosen in combinations(range(n), k))
    assert len(set(medoids)) == k and medoids == sorted(medoids)
    for index in range(k):
        for other in set(range(n)) - set(medoids):
            assert cost((*medoids[:index], other, *medoids[index + 1 :])) >= cost(tuple(medoids)) - 1e-9
    assert cost(tuple(medoids)) <= 5 * optimum + 1e-9  # the known bound of a local optimum
    assert (distance[np.arange(n), np.array(medoids)[labels]] == distance[:, medoids].min(axis=1)).all()


def test_well_separated_groups_are_recovered_exactly() -> None:
    points = np.array([0, 0.1, 0.2, 5, 5.1, 9, 9.3, 9.1])
    distance = np.abs(points[:, None] - points[None])
    medoids, labels, silhouettes = best_clusters(distance, 6)
    assert labels.tolist() == [0, 0, 0, 1, 1, 2, 2, 2]
    assert medoids[0] == 1 and medoids[2] == 7
    assert silhouettes is not None and silhouettes.min() > 0.9


@pytest.mark.parametrize("seed", range(5))
def test_the_number_of_clusters_has_the_highest_mean_silhouette(seed: int) -> None:
    distance = random_distances(seed, 12)
    means = {
        k: silhouette_samples(distance, k_medoids(distance, k)[1], metric="precomputed").mean()
        for k in range(2, 7)
    }
    medoids, labels, silhouettes = best_clusters(distance, 6)
    assert len(medoids) == max(means, key=lambda k: means[k])
    assert silhouettes is not None and silhouettes.mean() == pytest.approx(max(means.values()))
    assert labels.tolist() == k_medoids(distance, len(medoids))[1].tolist()


def test_identical_items_and_few_items_have_clusters() -> None:
    medoids, labels = k_medoids(np.zeros((4, 4)), 2)
    assert len(medoids) == 2 and sorted(set(labels.tolist())) == [0, 1]
    assert best_clusters(np.zeros((2, 2)), 5)[2] is None
    with pytest.raises(ValueError, match="between 1 and 2"):
        k_medoids(np.zeros((2, 2)), 3)
