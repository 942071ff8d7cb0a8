"""Runs: registered checkpoints of one training, ordered by their step (see `steps`)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import CheckpointSource
from factroots_dagster.models.steps import read_step


@dataclass(frozen=True)
class Run:
    """A run: its checkpoints' keys by step, in ascending order. name: the key of the last of them."""

    checkpoints: dict[int, str]

    @property
    def name(self) -> str:
        return self.checkpoints[max(self.checkpoints)]


def find_runs(sources: Iterable[CheckpointSource]) -> list[Run]:
    """The runs among registered checkpoints, in the order in which their first ones are registered.

    A series of a single checkpoint is a run, too. Raises InputError where two checkpoints of a run are of the
    same step.
    """
    series: dict[tuple[str, str], dict[int, str]] = {}
    for source in sources:
        named = read_step(source.source, source.revision)
        if named is None:
            continue
        step, keys = named.step, series.setdefault(named.run, {})
        if step in keys:
            raise InputError(
                f"checkpoints {keys[step]} and {source.key} are both step {step} of one run",
                "register one of them only, or rename the folder of the other",
            )
        keys[step] = source.key
    return [Run(dict(sorted(keys.items()))) for keys in series.values()]
