"""`factroots run`: makes what is not up to date in one process, shows its progress, ends with the answer.

Belongs here: what connects the definitions to runs in this process. The order of the runs is decided in
`orchestration/stages.py`; what is seen of them is in `display.py` and `summary.py`.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click
import dagster as dg

from factroots_dagster.cli.display import make_log_file, output_in_file, reporting
from factroots_dagster.cli.summary import summarize
from factroots_dagster.errors import UnavailableError
from factroots_dagster.orchestration.build import build_defs
from factroots_dagster.orchestration.history import describe_sharing, other_origins
from factroots_dagster.orchestration.parallel import run_ranges
from factroots_dagster.orchestration.partitions import platform_for
from factroots_dagster.orchestration.progress import LineReporter, Reporter
from factroots_dagster.orchestration.stages import (
    EVERYTHING,
    STOPPED,
    Choice,
    StageFailedError,
    StageRunner,
    materialize_world,
)
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def stage_runner(
    settings: Settings, instance: dg.DagsterInstance, report: Callable[[str], None] | Reporter
) -> StageRunner:
    """A runner of stages of the settings' world in this process.

    report: is told what happens, or prints a line of it.
    """
    job = build_defs(settings).resolve_implicit_global_asset_job_def()
    reporter = report if isinstance(report, Reporter) else LineReporter(report)
    return StageRunner(platform_for(settings), job, instance, reporter, run_ranges)


def run_world(
    settings: Settings, instance: dg.DagsterInstance, choice: Choice = EVERYTHING, *, force: bool = False
) -> None:
    """Materialize the chosen part of a world, show the progress, and print a summary.

    What is up to date is left as it is unless `force`; versions that were replaced a day ago are removed.
    Raises InputError when no checkpoint is registered (only possible outside generated worlds), and
    StageFailedError when a run fails.
    """
    started = time.monotonic()
    choice.rows(settings)  # what is misspelt is said before anything is imported
    if others := other_origins(instance, settings):
        click.echo(describe_sharing(others), err=True)
    log = make_log_file(Path(instance.root_directory))
    try:
        with output_in_file(log) as stream, reporting(stream) as reporter:
            checkpoints = materialize_world(
                stage_runner(settings, instance, reporter), choice, only_outdated=not force
            )
    except KeyboardInterrupt:  # between two stages
        raise StageFailedError(STOPPED) from None
    except StageFailedError as error:
        raise StageFailedError(f"{error}\nThe log is {log}") from None
    with suppress(OSError, UnavailableError):  # what others own stays, for them to sweep
        deque(Store(settings.data_root, settings.world).sweep(), maxlen=0)
    if reporter.made:
        click.echo(f"\nMade in {time.monotonic() - started:.0f} s; the log is {log}\n")
    else:
        click.echo("nothing has changed: every asset is up to date\n")
    for line in summarize(settings, checkpoints, reporter.warnings):
        click.echo(line)
