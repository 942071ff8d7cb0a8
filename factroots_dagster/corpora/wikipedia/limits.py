"""A time limit on plain Python work, for pages that cannot be cleaned in reasonable time."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

REPEAT_SECONDS = 0.1
"""The alarm repeats: an exception raised in a destructor or during garbage collection is lost."""


class TimeLimitExceeded(Exception):
    """The body of `time_limit` took too long."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TimeLimitExceeded in the body when it takes longer than `seconds`.

    It uses an alarm signal, which only a process's main thread receives (Spark's Python workers run
    there); elsewhere the body runs without a limit.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def on_alarm(number: int, frame: FrameType | None) -> None:
        raise TimeLimitExceeded

    previous = signal.signal(signal.SIGALRM, on_alarm)
    signal.setitimer(signal.ITIMER_REAL, seconds, REPEAT_SECONDS)
    try:
        yield
    finally:
        with suppress(TimeLimitExceeded):  # the alarm may come once more before it is switched off
            signal.setitimer(signal.ITIMER_REAL, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
