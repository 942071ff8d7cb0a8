"""Interrupts that end a step even where Python drops exceptions.

Ctrl-C, SIGTERM and Terminate become an exception that is raised wherever the main thread happens to be. In a
`__del__` or the callback of a weak reference Python prints it and goes on, and the step runs to its end.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dagster as dg

REPEAT_SECONDS = 0.1
"""How long after a dropped interrupt the next one comes; that one may be dropped, too."""


def repeat_dropped_interrupts() -> None:
    """Interrupt this process again whenever Python drops an interrupt, from now on."""
    if not isinstance(sys.unraisablehook, _Repeat):
        sys.unraisablehook = _Repeat(sys.unraisablehook)


@dataclass(frozen=True)
class _Repeat:
    """Takes the exceptions that Python drops, and passes on those that are no interrupts."""

    otherwise: Callable[[Any], object]

    def __call__(self, dropped: Any) -> None:
        if issubclass(dropped.exc_type, (KeyboardInterrupt, dg.DagsterExecutionInterruptedError)):
            timer = threading.Timer(REPEAT_SECONDS, os.kill, (os.getpid(), signal.SIGINT))
            timer.daemon = True
            timer.start()
        else:
            self.otherwise(dropped)
