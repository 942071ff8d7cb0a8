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

Ranks = npt.NDArray[np.integer]
"""[questions, candidates]: the rank of each candidate, 1 is best; 0 where it is not known."""


def rankc(a: Ranks, b: Ranks, depths: npt.NDArray[np.integer]) -> npt.NDArray[np.float64]:
    """RankC of each question between two rankings of its candidates, [questions].

    depths: [questions], the number N of candidates that are ranked. Where rankings are cut off, the number of
    candidates known in both: RankC of the first N candidates, which differs from that of all by less than
    e^-N. NaN where N is 0. A rank beyond N counts as unknown.
    """
    depths = np.asarray(depths, np.int64)
    gains = _gains(int(depths.max(initial=0)))
    # A candidate is in both first j from the worse of its two ranks on.
    worse = np.where((a > 0) & (b > 0), np.maximum(a, b), 0)
    worse = np.where(worse > depths[:, None], 0, worse)
    values = gains[depths[:, None], worse].sum(axis=1)
    return np.where(depths > 0, values, np.nan)


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
