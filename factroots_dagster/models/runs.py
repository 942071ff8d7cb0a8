"""Runs: registered checkpoints of one training, ordered by their step.

Nothing in a checkpoint says which training it belongs to, so its name does: a run is a series of checkpoints
whose names differ in the step alone, be it the name of a folder (`step-0600`, `checkpoint-500`), of a model
on the hub (`multiberts-seed_0-step_20k`) or of a revision (`step10000-tokens21B`). What names no step, such
as `main`, belongs to no run.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.errors import InputError
from factroots_dagster.models.registry import CheckpointSource

_STEP = re.compile(
    r"(?<![a-z])(?:global_?)?(?:step|checkpoint|ckpt|iter(?:ation)?)[-_]?(\d+)([km]?)(?![a-z\d])", re.I
)
_TOKENS = re.compile(r"tokens?[-_]?\d+(?:\.\d+)?[kmbt]?|\d+(?:\.\d+)?[kmbt]?[-_]?tokens", re.I)
_FACTORS = {"": 1, "k": 1_000, "m": 1_000_000}


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
        named = _read_step(source)
        if named is None:
            continue
        name, step = named
        keys = series.setdefault(name, {})
        if step in keys:
            raise InputError(
                f"checkpoints {keys[step]} and {source.key} are both step {step} of one run",
                "register one of them only, or rename the folder of the other",
            )
        keys[step] = source.key
    return [Run(dict(sorted(keys.items()))) for keys in series.values()]


def _read_step(source: CheckpointSource) -> tuple[tuple[str, str], int] | None:
    """What is the same in all checkpoints of a source's run, and its step; None where no step is named."""
    path = Path(source.source)
    text = f"{path.name}@{source.revision or ''}"
    matches = list(_STEP.finditer(text))
    if not matches:
        return None
    match = matches[-1]
    rest = f"{text[: match.start(1)]}*{text[match.end() :]}"
    step = int(match[1]) * _FACTORS[match[2].lower()]
    return (str(path.parent), _TOKENS.sub("*", rest)), step
