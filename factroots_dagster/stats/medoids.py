"""k-medoids for a few dozen items: exact enough, and the same clusters on every run."""

from __future__ import annotations

import numpy as np


def k_medoids(distance: np.ndarray, k: int) -> tuple[list[int], np.ndarray]:
    """Partitioning around medoids: BUILD, then SWAP until no swap lowers the cost.

    Kaufman and Rousseeuw, Finding Groups in Data (1990), chapter 2. Ties go to the lower index, so
    that the result depends on the input alone.

    Args:
        distance: [n, n], symmetric, zero on the diagonal.
        k: number of medoids, 1..n.

    Returns:
        The medoids, sorted, and for each item the position of its medoid in that list.
    """
    n = len(distance)
    if not 1 <= k <= n:
        raise ValueError(f"k must lie between 1 and {n}, not {k}")
    medoids = [int(np.argmin(distance.sum(axis=0)))]
    while len(medoids) < k:
        nearest = distance[:, medoids].min(axis=1)
        gain = np.maximum(nearest[:, None] - distance, 0).sum(axis=0)
        gain[medoids] = -1
        medoids.append(int(np.argmax(gain)))
    cost = _cost(distance, medoids)
    while True:
        best: tuple[float, tuple[int, int] | None] = (cost - 1e-12, None)
        for place in range(k):
            rest = medoids[:place] + medoids[place + 1 :]
            kept = distance[:, rest].min(axis=1) if rest else np.full(n, np.inf)
            costs = np.minimum(kept[:, None], distance).sum(axis=0)
            costs[medoids] = np.inf
            candidate = int(np.argmin(costs))
            if costs[candidate] < best[0]:
                best = (float(costs[candidate]), (place, candidate))
        if best[1] is None:
            break
        medoids[best[1][0]] = best[1][1]
        cost = best[0]
    medoids.sort()
    labels = np.argmin(distance[:, medoids], axis=1)
    labels[medoids] = np.arange(k)  # a medoid stays in its own cluster when another lies at distance 0
    return medoids, labels


def silhouettes(distance: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Silhouette of each item, in [-1, 1]; 0 for an item alone in its cluster (Rousseeuw 1987)."""
    values = np.zeros(len(distance))
    clusters = np.unique(labels)
    for item, own in enumerate(labels):
        mates = labels == own
        if mates.sum() == 1:
            continue
        inside = distance[item, mates].sum() / (mates.sum() - 1)
        outside = min(distance[item, labels == other].mean() for other in clusters if other != own)
        values[item] = (outside - inside) / max(inside, outside) if max(inside, outside) > 0 else 0.0
    return values


def best_clusters(distance: np.ndarray, max_k: int) -> tuple[list[int], np.ndarray, np.ndarray | None]:
    """Clusters with the highest mean silhouette over k = 2..max_k; of equal ones the fewest.

    Returns:
        Medoids, label of each item, silhouette of each item; one cluster and None for fewer than
        three items, where no number of clusters can be told from another.
    """
    if len(distance) < 3:
        medoids, labels = k_medoids(distance, 1)
        return medoids, labels, None
    found = []
    for k in range(2, min(max_k, len(distance) - 1) + 1):
        medoids, labels = k_medoids(distance, k)
        found.append((medoids, labels, silhouettes(distance, labels)))
    return max(found, key=lambda item: (round(float(item[2].mean()), 12), -len(item[0])))


def _cost(distance: np.ndarray, medoids: list[int]) -> float:
    return float(distance[:, medoids].min(axis=1).sum())
