"""Which runs are failed when the code location starts again, and which are not."""

from __future__ import annotations

import json
import runpy

import dagster as dg
from dagster import DagsterRunStatus as Status

from assets_tests.conftest import PROJECT

fail_orphaned_runs = runpy.run_path(str(PROJECT / "docker" / "lost_runs.py"))["fail_orphaned_runs"]


def test_only_the_unfinished_runs_of_this_server_are_failed() -> None:
    here, there = ({"host": host, "port": 4000} for host in ("code", "elsewhere"))
    runs = [
        (Status.STARTED, here, Status.FAILURE),
        (Status.STARTING, here, Status.FAILURE),
        (Status.CANCELING, here, Status.FAILURE),
        (Status.SUCCESS, here, Status.SUCCESS),
        (Status.NOT_STARTED, None, Status.NOT_STARTED),
        (Status.STARTED, there, Status.STARTED),
        (Status.STARTED, here | {"port": 4001}, Status.STARTED),
        (Status.STARTED, None, Status.STARTED),  # of a launcher without a server, as the command line's
    ]
    with dg.DagsterInstance.ephemeral() as instance:
        ids = []
        for status, server, _ in runs:
            tags = {".dagster/grpc_info": json.dumps(server)} if server else {}
            run = dg.DagsterRun(job_name="any", status=status, tags=tags)
            ids.append(instance.add_run(run).run_id)
        lost = fail_orphaned_runs(instance, "code", 4000)
        assert set(lost) == set(ids[:3])
        found = [instance.get_run_by_id(run_id) for run_id in ids]
        assert [run.status for run in found if run] == [after for *_, after in runs]
        assert fail_orphaned_runs(instance, "code", 4000) == []
