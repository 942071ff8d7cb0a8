"""Training steps: what a checkpoint's name says of how far its training had come, and in which training.

Nothing in a checkpoint says which training it belongs to, so its name does: a run is a series of checkpoints
whose names differ in the step alone, be it the name of a folder (`step-0600`, `checkpoint-500`), of a model
on the hub (`multiberts-seed_0-step_20k`) or of a revision (`step10000-tokens21B`). What names no step, such
as `main`, belongs to no run.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple, TypeVar

_STEP_WORDS = r"(?:global_?)?(?:step|checkpoint|ckpt|iter(?:ation)?)"
_STEP = re.compile(rf"(?<![a-z]){_STEP_WORDS}[-_]?(\d+)([km]?)(?![a-z\d])", re.I)
_BARE_STEP = re.compile(rf"{_STEP_WORDS}[-_]?\d+[km]?", re.I)
_TOKENS = re.compile(r"tokens?[-_]?(\d+(?:\.\d+)?)([kmbt]?)|(\d+(?:\.\d+)?)([kmbt]?)[-_]?tokens", re.I)
_FACTORS = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9, "t": 10**12}

Named = TypeVar("Named")


class TrainingStep(NamedTuple):
    """run: what is the same in the names of all checkpoints of a run. step: steps of training.

    tokens: tokens read until then, None where the name does not say.
    """

    run: tuple[str, str]
    step: int
    tokens: int | None


def read_step(source: str, revision: str | None = None) -> TrainingStep | None:
    """What the name of a folder or hub id, and its revision, say; None where they name no step."""
    path = Path(source)
    text = f"{path.name}@{revision or ''}"
    matches = list(_STEP.finditer(text))
    if not matches:
        return None
    match = matches[-1]
    rest = f"{text[: match.start(1)]}*{text[match.end() :]}"
    tokens = _TOKENS.search(rest)
    return TrainingStep(
        (str(path.parent), _TOKENS.sub("*", rest)),
        _number(match[1], match[2]),
        _number(tokens[1] or tokens[3], tokens[2] or tokens[4] or "") if tokens else None,
    )


def _number(digits: str, unit: str) -> int:
    return round(float(digits) * _FACTORS[unit.lower()])


def is_bare_step(name: str) -> bool:
    """Whether a folder's name is a step and nothing else, as in every run of a trainer."""
    return _BARE_STEP.fullmatch(name) is not None


def order_by_step(items: Iterable[Named], read: Callable[[Named], TrainingStep | None]) -> list[Named]:
    """The items, those of one run together where its first one stands, and in the order of their steps.

    read: the step of an item (see `read_step`). Items of one step keep their order.
    """
    listed = [(number, read(item), item) for number, item in enumerate(items)]
    first: dict[tuple[str, str], int] = {}
    for number, step, _ in listed:
        if step:
            first.setdefault(step.run, number)

    def place(numbered: tuple[int, TrainingStep | None, Named]) -> tuple[int, int]:
        number, step, _ = numbered
        return (first[step.run], step.step) if step else (number, 0)

    return [item for *_, item in sorted(listed, key=place)]
