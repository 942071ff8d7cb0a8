"""How much longer a making takes: from what its stages took, and what they take in the demo."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

SECONDS = {
    "mlama_release": 1.1,
    "wikipedia_dump": 0.7,
    "wikipedia_articles": 12.7,
    "entity_mentions": 2.8,
    "fact_sources": 4.1,
    "sandbox_training": 77.7,
    "checkpoint": 0.7,
    "predictions": 1.8,
    "neuron_activations": 1.8,
    "active_neurons": 0.2,
    "language_clusters": 0.9,
    "language_consistency": 0.3,
    "neuron_similarity": 0.8,
    "neuron_interventions": 6.9,
    "untrained_twins": 21.9,
    "fact_types": 0.5,
    "name_access": 2.5,
    "fact_verdicts": 0.3,
    "categorization_report": 3.6,
}
"""What assets take in the demo on two cores, in all languages; it is their proportions that count."""

CHECKED = 1.2
"""What the checks of an asset take there, and any asset that is not listed."""

TELLING = 0.1
"""The share of a stage's work from which on its own speed says how long it takes."""

Stage = tuple[str, ...]
"""The assets of a stage."""


class Outlook:
    """The stages of a making and how long each took: what is expected of the rest.

    A stage is expected to take as long as the same assets took for another checkpoint. Others are expected to
    take what they do in the demo, times what those that are finished took in proportion.
    """

    def __init__(self, plan: Sequence[Sequence[str]] = ()) -> None:
        self._plan = [tuple(stage) for stage in plan]
        self._taken: dict[Stage, float] = {}

    def note(self, assets: Sequence[str], seconds: float) -> None:
        """A stage took so long."""
        self._taken[tuple(assets)] = seconds

    def estimate_stage(
        self, assets: Sequence[str], elapsed: float, finished: Mapping[str, float], until: float = 0.0
    ) -> float:
        """Seconds until a stage ends.

        elapsed: its seconds so far. finished: by asset, what share is made. until: the seconds after which
        the last of these was made. When a tenth of the work is done, the rest is expected to go on at its
        speed.
        """
        share = sum(_sum_typical([name]) * made for name, made in finished.items()) / _sum_typical(assets)
        total = self._expect(tuple(assets)) if share < TELLING else until / min(share, 1.0)
        return max(0.0, total - elapsed)

    def estimate_later(self, number: int) -> float:
        """Seconds that the stages take that come after the one with a number, from 1."""
        return sum(map(self._expect, self._plan[number:]))

    def _expect(self, stage: Stage) -> float:
        taken = self._taken.get(stage)
        return self._measure_pace() * _sum_typical(stage) if taken is None else taken

    def _measure_pace(self) -> float:
        return sum(self._taken.values()) / sum(map(_sum_typical, self._taken)) if self._taken else 1.0


def _sum_typical(stage: Sequence[str]) -> float:
    return sum(SECONDS.get(name, 0.0) + CHECKED for name in stage)
