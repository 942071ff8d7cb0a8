"""Who is told of partitions that a run has made: a tracker of experiments, and a file of lineage events.

What goes wrong there is a warning in the run's log: the partition is made.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from factroots_dagster.exports.trackers import log_checkpoint
from factroots_dagster.models.registry import registered
from factroots_dagster.orchestration.lineage_events import write_lineage_event
from factroots_dagster.orchestration.partitions import Parts
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

TRACKED = "categorization_report"
"""The asset after which all numbers of a checkpoint are there."""
TRACKER_FOLDER = "_tracking"


def tell_listeners(
    settings: Settings, store: Store, asset: str, parts: Parts, run_id: str, warn: Callable[[str], None]
) -> None:
    """Tell those that the settings name that a partition was made; it never raises."""
    if settings.openlineage:
        event = partial(write_lineage_event, Path(settings.openlineage), store, asset, parts, run_id)
        _attempt("FACTROOTS_OPENLINEAGE", event, warn)
    if settings.tracking != "none" and asset == TRACKED:
        _attempt("FACTROOTS_TRACKING", partial(_track, settings, store, *parts), warn)


def _track(settings: Settings, store: Store, checkpoint: str) -> None:
    log_checkpoint(
        settings.tracking,
        settings.tracking_project,
        store,
        checkpoint,
        registered(settings).values(),
        store.root / TRACKER_FOLDER,
    )


def _attempt(setting: str, act: Callable[[], None], warn: Callable[[str], None]) -> None:
    try:
        act()
    except Exception as error:
        warn(f"{setting}: {type(error).__name__}: {error}")
