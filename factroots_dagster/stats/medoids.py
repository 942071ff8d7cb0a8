"""k-medoids for a few dozen items: near the optimum, and the same clusters on every run."""

from __future__ import annotations

import numpy as np


def k_medoids(distance: np.ndarray, k: int) -> tuple[list[int], np.ndarray]:
    """Partitioning around medoids: BUILD, then SWAP until no swap lowers the cost.

    Kaufman and Rousseeuw, Finding Groups in Data (1990), chapter 2. Ties go to the lower index, so that the
    result depends on the input alone. distance: [n, n], symmetric, zero on the diagonal. k: 1..n.
    Returns the medoids, sorted, and for each item the index of its medoid in that list.
    """
    n = len(distance)
    if not 1 <= k <= n:
        raise ValueError(f"k must be between 1 and {n}, not {k}")
    medoids = _build(distance, k)
    cost = float(distance[:, medoids].min(axis=1).sum())
    while (swap := _best_swap(distance, medoids))[0] < cost - 1e-12:
        cost, index, item = swap
        medoids[index] = item
    medoids.sort()
    labels = np.argmin(distance[:, medoids], axis=1)
    labels[medoids] = np.arange(k)  # a medoid stays in its own cluster even when another is at distance 0
    return medoids, labels


def _build(distance: np.ndarray, k: int) -> list[int]:
    """Initial medoids, added greedily."""
    medoids = [int(np.argmin(distance.sum(axis=0)))]
    while len(medoids) < k:
        nearest = distance[:, medoids].min(axis=1)
        gain = np.maximum(nearest[:, None] - distance, 0).sum(axis=0)
        gain[medoids] = -1
        medoids.append(int(np.argmax(gain)))
    return medoids


def _best_swap(distance: np.ndarray, medoids: list[int]) -> tuple[float, int, int]:
    """The cost after the best swap, the index in `medoids` that it replaces, and the new medoid."""
    swaps = []
    for index in range(len(medoids)):
        kept = medoids[:index] + medoids[index + 1 :]
        nearest = distance[:, kept].min(axis=1) if kept else np.full(len(distance), np.inf)
        costs = np.minimum(nearest[:, None], distance).sum(axis=0)
        costs[medoids] = np.inf
        item = int(np.argmin(costs))
        swaps.append((float(costs[item]), index, item))
    return min(swaps, key=lambda swap: swap[0])


def best_clusters(distance: np.ndarray, max_k: int) -> tuple[list[int], np.ndarray, np.ndarray | None]:
    """Clusters with the highest mean silhouette (Rousseeuw 1987) over k = 2..max_k; of equals the fewest.

    Returns medoids, label of each item, silhouette of each item; one cluster and None for fewer than three
    items, for which a silhouette is not defined.
    """
    from sklearn.metrics import silhouette_samples

    if len(distance) < 3:
        return *k_medoids(distance, 1), None
    candidates = []
    for k in range(2, min(max_k, len(distance) - 1) + 1):
        medoids, labels = k_medoids(distance, k)
        silhouettes = silhouette_samples(distance, labels, metric="precomputed")
        candidates.append((medoids, labels, silhouettes))
    return max(candidates, key=lambda item: (round(float(item[2].mean()), 12), -len(item[0])))
