"""Intervals of proportions and means, for every P@1, rate, share and effect that the platform shows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

DRAWS = 2_000
"""Of the bootstrap."""

BLOCK_NUMBERS = 1 << 24
"""Numbers in one block of bootstrap weights: 128 MB."""

Z = 1.959963984540054  # 97.5% quantile of the normal distribution

Values = npt.NDArray[np.number] | npt.NDArray[np.bool_]
Labels = npt.NDArray[np.generic] | Sequence[object]


def wilson(successes: float, n: float) -> tuple[float, float]:
    """95% score interval of a proportion (Wilson 1927, JASA 22:209); (0, 1) without observations."""
    if n == 0:
        return 0.0, 1.0
    p, z2 = successes / n, Z * Z
    centre = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = Z * math.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    # At 0 and n the bound is exactly 0 or 1, which rounding would miss.
    return (0.0 if successes == 0 else centre - half), (1.0 if successes == n else centre + half)


def mean_interval(values: Values, clusters: Labels) -> tuple[float | None, float | None]:
    """95% interval of the mean of clustered rows; None for fewer than two clusters.

    Student's t with the cluster-robust variance (Liang and Zeger, Biometrika 73:13, 1986) and one degree of
    freedom less than there are clusters; with one row per cluster it is the ordinary t interval.
    values: [rows]; clusters: [rows], any labels.
    """
    from scipy import stats

    variance, count = _robust(np.asarray(values, np.float64), clusters)
    if count < 2:
        return None, None
    mean = float(np.mean(values))
    half = float(stats.t.ppf(0.975, count - 1)) * math.sqrt(variance)
    return mean - half, mean + half


def placebo_interval(
    differences: npt.NDArray[np.float64], clusters: Labels
) -> tuple[float | None, float | None]:
    """95% interval of what a value exceeds its placebos by, over clustered rows and over placebos.

    It leaves out zero where the value is beyond what another draw of the placebo would reach: the variance
    is that of the mean difference over the rows (as in `mean_interval`), plus that of a single placebo's mean
    around the mean of m placebos, s^2 (1 + 1/m), with the degrees of freedom of Welch (Biometrika 34:28,
    1947) and Satterthwaite. differences: [rows, placebos], the value minus each placebo; clusters: [rows],
    any labels. None for fewer than two clusters, or placebos.
    """
    from scipy import stats

    over_rows, count = _robust(differences.mean(axis=1), clusters)
    placebos = differences.shape[1]
    if count < 2 or placebos < 2:
        return None, None
    over_placebos = float(differences.mean(axis=0).var(ddof=1)) * (1 + 1 / placebos)
    variance, mean = over_rows + over_placebos, float(differences.mean())
    if variance == 0:
        return mean, mean
    freedom = variance**2 / (over_rows**2 / (count - 1) + over_placebos**2 / (placebos - 1))
    half = float(stats.t.ppf(0.975, freedom)) * math.sqrt(variance)
    return mean - half, mean + half


def rate_interval(hits: npt.NDArray[np.bool_], clusters: Labels) -> tuple[float, float]:
    """95% interval of a rate over clustered rows: Wilson's, for the effective number of independent rows.

    That number is rows / design effect, the ratio of the cluster-robust variance to that of independent
    rows, and at most the number of rows (Korn and Graubard, Survey Methodology 24:193, 1998; Dean and Pagano,
    J. Survey Statistics and Methodology 3:484, 2015). Where all rows are equal there is no variance, and the
    clusters are counted instead. With one row per cluster it is Wilson's interval.
    hits: [rows]; clusters: [rows], any labels.
    """
    n = len(hits)
    rate = float(np.mean(hits)) if n else 0.0
    variance, count = _robust(hits.astype(np.float64), clusters)
    independent = rate * (1 - rate) / max(1, n - 1)
    effective = (
        float(count) if independent == 0 or count < 2 else min(n, n * independent / max(variance, 1e-300))
    )
    return wilson(rate * effective, effective)


def _robust(values: npt.NDArray[np.float64], clusters: Labels) -> tuple[float, int]:
    """Cluster-robust variance of the mean (0 for a single cluster), and the number of clusters."""
    if not len(values):
        return 0.0, 0
    _, cluster_of = np.unique(np.asarray(clusters), return_inverse=True)
    residuals = np.bincount(cluster_of, weights=values - values.mean())
    count = len(residuals)
    return float(count / max(1, count - 1) * (residuals @ residuals) / len(values) ** 2), count


def clustered(
    values: Values,
    clusters: Labels,
    random: np.random.Generator,
    draws: int = DRAWS,
    *,
    block_numbers: int = BLOCK_NUMBERS,
) -> tuple[float | None, float | None]:
    """95% interval of a mean over clustered rows: percentile interval of the cluster bootstrap.

    Each draw takes as many clusters as there are, with replacement, each with all of its rows, and averages
    over the rows drawn (Davison and Hinkley, Bootstrap Methods, 1997, section 3.8); the interval is the 2.5%
    and 97.5% quantile. Clusters of equal size and equal sum have the same effect on the mean, so a draw is
    one multinomial of the numbers of such clusters: the same distribution with a few hundred numbers for
    thousands of clusters. With few clusters (under about twenty) the interval is too narrow, as every
    bootstrap's is.

    values: [rows], numbers or booleans; clusters: [rows], any labels. block_numbers: bounds the memory. None
    for fewer than two clusters.
    """
    _, cluster_of = np.unique(np.asarray(clusters), return_inverse=True)
    sizes = np.bincount(cluster_of)
    if len(sizes) < 2:
        return None, None
    sums = np.bincount(cluster_of, weights=np.asarray(values, np.float64))
    distinct, counts = np.unique(np.stack([sizes, sums]), axis=1, return_counts=True)
    probabilities = counts / len(sizes)
    means = []
    block = max(1, block_numbers // len(counts))
    for start in range(0, draws, block):
        size = min(block, draws - start)
        weights = random.multinomial(len(sizes), probabilities, size=size).astype(np.float64)
        means.append((weights @ distinct[1]) / (weights @ distinct[0]))
    low, high = np.quantile(np.concatenate(means), (0.025, 0.975))
    return float(low), float(high)


def bootstrap_means(
    values: npt.NDArray[np.float64],
    clusters: Labels,
    random: np.random.Generator,
    draws: int = 1_000,
    *,
    block_numbers: int = BLOCK_NUMBERS >> 5,
) -> tuple[list[float | None], list[float | None]]:
    """The lower and upper ends of the 95% intervals of several means over the same clustered rows.

    As `clustered`, each draw being of all means at once: a fraction of its time where clusters are unlike one
    another. values: [rows, means], NaN where a row does not count in a mean. None for a mean with fewer than
    two clusters. block_numbers: as there; few of them stay in the processor's cache.
    """
    _, cluster_of = np.unique(np.asarray(clusters), return_inverse=True)
    count, means = int(cluster_of.max(initial=-1)) + 1, values.shape[1]
    sums, sizes = np.zeros((count, means)), np.zeros((count, means))
    np.add.at(sums, cluster_of, np.nan_to_num(values))
    np.add.at(sizes, cluster_of, ~np.isnan(values))
    drawn = []
    block = max(1, block_numbers // max(1, count))
    for start in range(0, draws if count else 0, block):
        size = min(block, draws - start)
        chosen = random.integers(count, size=(size, count), dtype=np.int32) + count * np.arange(size)[:, None]
        weights = np.bincount(chosen.ravel(), minlength=size * count).reshape(size, count).astype(np.float64)
        weight = weights @ sizes
        drawn.append(np.divide(weights @ sums, weight, out=np.full_like(weight, np.nan), where=weight > 0))
    ends: tuple[list[float | None], list[float | None]] = ([], [])
    for mean in range(means):
        known = np.concatenate([part[:, mean] for part in drawn]) if drawn else np.zeros(0)
        known = known[~np.isnan(known)]
        enough = int((sizes[:, mean] > 0).sum()) > 1
        for end, quantile in zip(ends, (0.025, 0.975), strict=True):
            end.append(float(np.quantile(known, quantile)) if enough else None)
    return ends
