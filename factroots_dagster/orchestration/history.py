"""Runs of this process in Dagster's history: as runs of the code location, which the UI can show and repeat.

A run that no server launched does not say to which code location it belongs, so that the UI leaves it out of
its timeline and cannot start it again.
"""

from __future__ import annotations

import json
from typing import Any

import dagster as dg
from dagster_shared.serdes import deserialize_value

LOCATION = "factroots"
"""Name of the code location, as in workspace.yaml and pyproject.toml."""
MODULE = "factroots_dagster.definitions"
_REPOSITORY = "__repository__"  # what Dagster calls the only one of a location
TAGS = {
    ".dagster/repository": f"{_REPOSITORY}@{LOCATION}",  # by which the UI looks for runs
    "dagster/code_location": LOCATION,
    "dagster/max_retries": "0",  # a command that was stopped is not taken up by the daemon
}


def claim_run(instance: dg.DagsterInstance, run_id: str) -> None:
    """Record a run as one of the code location's; nothing happens to a run that is."""
    run = instance.get_run_by_id(run_id)
    if run is not None and run.remote_job_origin is None:
        instance.run_storage.replace_job_origin(run, _origin(run.job_name))


def _origin(job: str) -> Any:
    """Where a job is defined. Dagster exports no name for that, so it is read as its history writes it."""
    target = dict.fromkeys(
        ("attribute", "executable_path", "package_name", "python_file", "working_directory")
    )
    location = {
        "__class__": "ManagedGrpcPythonEnvRepositoryLocationOrigin",
        "loadable_target_origin": {"__class__": "LoadableTargetOrigin", "module_name": MODULE, **target},
        "location_name": LOCATION,
    }
    repository = {
        "__class__": "ExternalRepositoryOrigin",
        "repository_location_origin": location,
        "repository_name": _REPOSITORY,
    }
    stored = {
        "__class__": "ExternalPipelineOrigin",
        "external_repository_origin": repository,
        "pipeline_name": job,
    }
    return deserialize_value(json.dumps(stored))
