"""How likely two languages share a fact: the two-groups model of one language pair.

Efron's two-groups model (Statistical Science 23, 2008): the similarities z of a pair's facts, each with
itself, are a mixture of two normal distributions. Facts of the null group are not shared: they are
distributed like pairings of different facts with the same object, whose mean and standard deviation the
group has. Facts of the other group are shared; its distribution is at least as wide and its mean at least
one standard deviation higher. Its proportion, mean and width are estimated by expectation-maximisation from
the pair's own facts. The result are the posterior log odds of sharing; the null group's posterior is the
local false discovery rate. A pair in which nothing is shared gets a proportion near zero, so its chance
similarities count for little.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

STEPS = 100
"""Of expectation-maximisation; the estimates have converged long before."""

PRIOR_FACTS = 3.0
"""Weight of the prior in facts: it stabilises pairs of few facts."""

PRIOR_SHIFT = 3.0
"""The prior's shared group: this many standard deviations above the null group, and as wide."""

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TwoGroups:
    """The fitted model of one language pair.

    null_mean, null_width: mean and standard deviation of the null group. share: proportion of the shared
    group; mean, width: its mean and standard deviation.
    """

    null_mean: float
    null_width: float
    share: float
    mean: float
    width: float

    @classmethod
    def fit(cls, own: Floats, null: Floats) -> TwoGroups | None:
        """Fits the model to the z of facts with themselves and of same-object pairings.

        None where the latter do not vary.
        """
        null_mean, null_width = float(null.mean()), float(null.std())
        if null_width == 0:
            return None
        prior_mean = null_mean + PRIOR_SHIFT * null_width
        model = cls(null_mean, null_width, 0.5, prior_mean, null_width)
        for _ in range(STEPS):
            shared = 1 / (1 + np.exp(-np.clip(model.log_odds(own, monotone=False), -50, 50)))
            weight = shared.sum() + PRIOR_FACTS
            mean = max((shared @ own + PRIOR_FACTS * prior_mean) / weight, null_mean + null_width)
            variance = (shared @ (own - mean) ** 2 + PRIOR_FACTS * null_width**2) / weight
            model = cls(
                null_mean=null_mean,
                null_width=null_width,
                share=float((shared.sum() + 0.5) / (len(own) + 1)),
                mean=float(mean),
                width=float(max(np.sqrt(variance), null_width)),
            )
        return model

    def log_odds(self, z: Floats, monotone: bool = True) -> Floats:
        """Posterior log odds that a pairing belongs to the shared group.

        monotone: below the z at which the wider group would become likelier again, the odds stay constant.
        """
        if monotone and self.width > self.null_width:
            narrow, wide = self.null_width**2, self.width**2
            z = np.maximum(z, (self.null_mean * wide - self.mean * narrow) / (wide - narrow))
        shared = ((z - self.mean) / self.width) ** 2 / 2 + np.log(self.width)
        null = ((z - self.null_mean) / self.null_width) ** 2 / 2 + np.log(self.null_width)
        log_odds: Floats = np.log(self.share / (1 - self.share)) + null - shared
        return log_odds
