"""The errors that mean: the input is at fault; here is what is wrong and how to fix it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class InputError(ValueError):
    """Bad input: a file, setting, checkpoint, partition key or table that cannot be used.

    problem: names what is at fault (file, line, setting, partition) and what is wrong with it, without a
        full stop at its end.
    remedy: what the user can do about it, an imperative that begins with a small letter ("run: ...").

    A step that fails with it is not retried: bad input stays bad.
    """

    def __init__(self, problem: str, remedy: str = "") -> None:
        super().__init__(problem, remedy)
        self.problem, self.remedy = problem, remedy

    def __str__(self) -> str:
        return f"{self.problem}. To fix it, {self.remedy}" if self.remedy else self.problem


class UnavailableError(InputError):
    """Something outside cannot be reached now; it may answer in a minute, so the step is retried."""


@contextmanager
def suppress_bad_input() -> Iterator[None]:
    """Pass over bad input in the block, which counts as missing then; an UnavailableError is raised."""
    try:
        yield
    except UnavailableError:
        raise
    except InputError:
        pass
