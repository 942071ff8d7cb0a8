"""RankC: how alike two languages rank the candidate answers of the same question.

Qi, Fernández and Bisazza, EMNLP 2023 (arXiv 2310.10378), section 4. Of one question with N candidates:

    RankC = sum over j = 1..N of w_j P@j,    w_j = e^(N - j) / sum over k = 1..N of e^(N - k),

where P@j is the share of the first j candidates of one language that are among the first j of the other. It
is 1 for equal rankings, and does not ask whether the first is right.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.integer]


def rankc(orders: Numbers, ranks: Numbers, depths: Numbers) -> npt.NDArray[np.float64]:
    """RankC of each question between two rankings of its candidates, [questions]; the same either way round.

    orders: [questions, places], the candidates of one ranking, best first, filled up with -1. ranks:
    [questions, candidates], the rank of each candidate in the other, 1 is best; 0 where it is not known.
    depths: [questions], the number N of candidates that are ranked. Where rankings are cut off, the number of
    candidates known in both: RankC of the first N candidates, which differs from that of all by less than
    e^-N. NaN where N is 0. What ranks beyond N counts as unknown.
    """
    depths = np.asarray(depths, np.int64)[:, None]
    gains = _gains(int(depths.max(initial=0)))
    places = np.arange(1, orders.shape[1] + 1)
    other = np.take_along_axis(ranks, np.maximum(orders, 0), axis=1).astype(np.int64)
    # A candidate is in both first j from the worse of its two ranks on.
    worse = np.maximum(places, other)
    worse[(orders < 0) | (other == 0) | (worse > depths)] = 0
    return np.where(depths[:, 0] > 0, gains[depths, worse].sum(axis=1), np.nan)


@cache
def _gains(largest: int) -> npt.NDArray[np.float64]:
    """[N, r]: what a candidate adds to RankC of N candidates when the worse of its ranks is r; 0 at r = 0."""
    gains = np.zeros((largest + 1, largest + 1))
    for n in range(1, largest + 1):
        ranks = np.arange(1, n + 1)
        weights = np.exp(-ranks.astype(np.float64))
        shares = weights / weights.sum() / ranks
        gains[n, 1 : n + 1] = np.cumsum(shares[::-1])[::-1]
    return gains
