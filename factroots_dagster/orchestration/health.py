"""How Dagster itself is: late daemons, ticks that fail, a queue that does not move, runs that do not end."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

import dagster as dg

LATE_SECONDS = 300.0
"""After so long without a heartbeat a daemon is late: it sends one every half minute."""
STUCK_SECONDS = 1800.0
"""A queue is stuck when a run has waited so long while none is under way."""
LONGEST_RUN_SECONDS = 2 * 24 * 3600.0
"""A run is overdue that has been under way for longer."""

RECENT_TICKS = 5
UNDER_WAY = (dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.CANCELING)


@dataclass(frozen=True)
class InstanceHealth:
    """Dagster's daemons, schedules, sensors and runs.

    heartbeat_seconds: by daemon, the seconds since its last heartbeat; of daemons that ran at some time.
    failing_ticks: by schedule or sensor that is running and whose last tick failed, the error.
    queued: number of queued runs. queued_seconds: how long the first of them has waited.
    under_way: by run that is starting, running or being stopped, the seconds since it was started.
    """

    heartbeat_seconds: Mapping[str, float] = field(default_factory=dict)
    failing_ticks: Mapping[str, str] = field(default_factory=dict)
    queued: int = 0
    queued_seconds: float = 0.0
    under_way: Mapping[str, float] = field(default_factory=dict)

    @property
    def late_daemons(self) -> list[str]:
        """The daemons whose heartbeat is late."""
        return sorted(name for name, age in self.heartbeat_seconds.items() if age > LATE_SECONDS)

    @property
    def overdue_runs(self) -> list[str]:
        """The runs that have been under way for too long."""
        return [run for run, seconds in self.under_way.items() if seconds > LONGEST_RUN_SECONDS]

    @property
    def problems(self) -> list[str]:
        """What somebody should look at, in words that stay the same while the problem does."""
        problems = [f"{name}: no heartbeat for {LATE_SECONDS:.0f} s" for name in self.late_daemons]
        problems += [f"{name}: its last tick failed: {why}" for name, why in self.failing_ticks.items()]
        if self.queued and not self.under_way and self.queued_seconds > STUCK_SECONDS:
            waited = f"over {STUCK_SECONDS / 60:.0f} min"
            problems.append(f"a run has been queued for {waited} and none is under way: is a daemon running?")
        hours = LONGEST_RUN_SECONDS / 3600
        return problems + [
            f"run {run} has been under way for over {hours:.0f} h" for run in self.overdue_runs
        ]


def examine_instance(instance: dg.DagsterInstance) -> InstanceHealth:
    """The health of an instance."""
    now = time.time()
    queued = instance.get_run_records(dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED]))
    under_way = instance.get_run_records(dg.RunsFilter(statuses=list(UNDER_WAY)))
    return InstanceHealth(
        heartbeat_seconds={
            name: round(now - beat.timestamp, 1) for name, beat in instance.get_daemon_heartbeats().items()
        },
        failing_ticks=_failing_ticks(instance),
        queued=len(queued),
        queued_seconds=max([now - record.create_timestamp.timestamp() for record in queued], default=0.0),
        under_way={
            record.dagster_run.run_id: now - (record.start_time or record.create_timestamp.timestamp())
            for record in under_way
        },
    )


def _failing_ticks(instance: dg.DagsterInstance) -> dict[str, str]:
    failing = {}
    for state in instance.all_instigator_state():
        if not state.is_running:
            continue
        ticks = instance.get_ticks(state.instigator_origin_id, state.selector_id, limit=RECENT_TICKS)
        ended = [tick for tick in ticks if tick.is_completed]  # the newest first; one may be under way
        if ended and ended[0].is_failure:
            error = ended[0].error
            while error is not None and error.cause is not None:
                error = error.cause
            failing[state.instigator_name] = error.message.strip() if error else "no reason is known"
    return failing
