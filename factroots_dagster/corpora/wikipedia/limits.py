"""A time limit on plain Python work, for pages that a step cannot finish."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

AGAIN = 0.1
"""Seconds after which the time is up once more: what is raised in a destructor or while garbage is collected
is lost."""


class Unfinished(Exception):
    """The time was up."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise Unfinished in the body when it takes longer than `seconds`.

    It works by an alarm signal, which only a process's main thread gets (Spark's Python workers run
    there); elsewhere the body runs without a limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def ring(number: int, frame: FrameType | None) -> None:
        raise Unfinished

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
    try:
        yield
    finally:
        with suppress(Unfinished):  # it may be up once more on the way here
            signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
