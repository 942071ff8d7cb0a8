"""After a crash: runs that are gone are failed, and what they finished enters the history."""

from __future__ import annotations

from collections.abc import Callable

import dagster as dg

from factroots_dagster.orchestration.catalog import rows_in
from factroots_dagster.orchestration.events import record_unrecorded
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.orchestration.process import fail_orphaned_runs, process_is_gone


def recover_orphaned_runs(
    instance: dg.DagsterInstance,
    platform: Platform,
    orphaned: Callable[[dg.DagsterRun], bool] = process_is_gone,
) -> list[tuple[dg.DagsterRun, list[str]]]:
    """Fail every orphaned run; each with the partitions that it had finished and not recorded."""
    recovered = []
    for run in fail_orphaned_runs(instance, orphaned):
        names = {row.name for row in rows_in(platform.settings)}
        if run.asset_selection:
            names &= {key.to_user_string() for key in run.asset_selection}
        recorded = record_unrecorded(instance, platform.settings, platform.store, run.run_id, sorted(names))
        recovered.append((run, recorded))
    return recovered
