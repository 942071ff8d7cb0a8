"""A hostile input: how to make it and hand it over, and what its error has to name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from factroots_dagster.errors import InputError

LONGEST_MESSAGE = 3000


@dataclass(frozen=True)
class Case:
    """One hostile input.

    `run(source, target)` makes the input in the empty folder `source` and hands it to the platform, which may
    write into the empty folder `target`. `names` is what the error's problem has to contain: the file, line,
    setting or key at fault, and a keyword of the fault where several faults name the same place.
    """

    id: str
    run: Callable[[Path, Path], object]
    names: tuple[str, ...]


def check_error(error: InputError, names: tuple[str, ...] = ()) -> None:
    """Check that the problem contains `names`, that there is a remedy, and the form and length of both."""
    missing = [name for name in names if name.lower() not in error.problem.lower()]
    assert not missing, f"{missing} not in: {error.problem}"
    assert error.remedy, f"no remedy: {error.problem}"
    assert not error.problem.endswith(".") and not error.remedy.endswith(".")
    assert not error.remedy[0].isupper(), error.remedy
    assert len(str(error)) < LONGEST_MESSAGE
