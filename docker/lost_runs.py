"""Fails the runs that were in the code location when its container last stopped.

Runs are processes of the code location (see dagster.yaml), so that none outlives it; but Dagster's
DefaultRunLauncher cannot ask after them, and a run that stays "started" for ever holds its pool's only
place. entrypoint.sh therefore calls this before the code location serves again.
"""

from __future__ import annotations

import json
import os

import dagster as dg
from dagster import DagsterRunStatus

GRPC_TAG = ".dagster/grpc_info"  # which server a run was started in
IN_PROGRESS = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


def fail_lost_runs(instance: dg.DagsterInstance, host: str, port: int) -> list[str]:
    """Report as failed every unfinished run of the server at `host` and `port`; their ids."""
    lost = []
    for run in instance.get_runs(dg.RunsFilter(statuses=IN_PROGRESS)):
        server = json.loads(run.tags.get(GRPC_TAG, "{}"))
        if (server.get("host"), server.get("port")) == (host, port):
            instance.report_run_failed(
                run, "The code location stopped while it ran this. What it published stays; run it again."
            )
            lost.append(run.run_id)
    return lost


if __name__ == "__main__":
    host, port = os.environ["DEPLOY_CODE_HOST"], int(os.environ["DEPLOY_CODE_PORT"])
    with dg.DagsterInstance.get() as here:
        for run_id in fail_lost_runs(here, host, port):
            print(f"run {run_id} was lost with the last code location: reported as failed")
