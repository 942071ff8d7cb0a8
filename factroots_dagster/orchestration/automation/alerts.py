"""Alerts: what somebody should look at, told to the command that `FACTROOTS_ON_ALERT` names."""

from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable, Sequence

from factroots_dagster.settings import Settings

LIMIT_SECONDS = 15.0
"""After so long the command is stopped: a sensor's tick has a minute."""


def send_alert(settings: Settings, title: str, text: str, log: Callable[[str], None]) -> bool:
    """Run the command of the settings; whether it ran well. Nothing happens without one.

    It gets the title, the world and the text on its standard input; no shell is involved. A command that
    fails is logged; it never raises.
    """
    if not settings.on_alert:
        return True
    try:
        done = subprocess.run(
            shlex.split(settings.on_alert),
            input=f"factroots, world {settings.world}: {title}\n\n{text}",
            capture_output=True,
            text=True,
            timeout=LIMIT_SECONDS,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        log(f"FACTROOTS_ON_ALERT: {error}")
        return False
    if done.returncode:
        log(f"FACTROOTS_ON_ALERT ended with {done.returncode}: {done.stderr.strip()[-500:]}")
    return done.returncode == 0


def read_told(cursor: str | None) -> list[str]:
    """The problems that were told, from the sensor's cursor."""
    try:
        told = json.loads(cursor) if cursor else []
    except ValueError:
        return []
    return [problem for problem in told if isinstance(problem, str)] if isinstance(told, list) else []


def write_told(problems: Sequence[str]) -> str:
    """The sensor's cursor for problems that were told."""
    return json.dumps(list(problems))
