"""Which runs are failed when the code location starts again, and which are not."""

from __future__ import annotations

import json

import dagster as dg
from dagster import DagsterRunStatus as Status

from factroots_dagster.orchestration.process import fail_orphaned_runs, started_by


def test_only_the_unfinished_runs_of_this_server_are_failed() -> None:
    this_server, other_server = ({"host": host, "port": 4000} for host in ("code", "elsewhere"))
    runs = [
        (Status.STARTED, this_server, Status.FAILURE),
        (Status.STARTING, this_server, Status.FAILURE),
        (Status.CANCELING, this_server, Status.FAILURE),
        (Status.SUCCESS, this_server, Status.SUCCESS),
        (Status.NOT_STARTED, None, Status.NOT_STARTED),
        (Status.STARTED, other_server, Status.STARTED),
        (Status.STARTED, this_server | {"port": 4001}, Status.STARTED),
        (Status.STARTED, None, Status.STARTED),  # from the command line, without a server
    ]
    with dg.DagsterInstance.ephemeral() as instance:
        ids = []
        for status, server, _ in runs:
            tags = {".dagster/grpc_info": json.dumps(server)} if server else {}
            run = dg.DagsterRun(job_name="any", status=status, tags=tags)
            ids.append(instance.add_run(run).run_id)
        failed = fail_orphaned_runs(instance, started_by("code", 4000))
        assert {run.run_id for run in failed} == set(ids[:3])
        after = [instance.get_run_by_id(run_id) for run_id in ids]
        assert [run.status for run in after if run] == [expected for *_, expected in runs]
        assert fail_orphaned_runs(instance, started_by("code", 4000)) == []
