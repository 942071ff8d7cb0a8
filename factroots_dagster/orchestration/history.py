"""Runs of this process in Dagster's history: as runs of the code location, which the UI can show and repeat.

A run that no server launched does not say to which code location it belongs, so that the UI leaves it out of
its timeline and cannot start it again.

And which worlds a history is of: assets without partitions have one history for all of them.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster_shared.serdes import deserialize_value

from factroots_dagster import __version__
from factroots_dagster.settings import Settings

LOCATION = "factroots"
"""Name of the code location, as in workspace.yaml and pyproject.toml."""
MODULE = "factroots_dagster.definitions"
_REPOSITORY = "__repository__"  # what Dagster calls the only one of a location
TAGS = {
    ".dagster/repository": f"{_REPOSITORY}@{LOCATION}",  # by which the UI looks for runs
    "dagster/code_location": LOCATION,
    "dagster/max_retries": "0",  # a command that was stopped is not taken up by the daemon
}

WORLD_TAG, DATA_ROOT_TAG = "factroots/world", "factroots/data_root"
_ORIGINS = {WORLD_TAG: "world", DATA_ROOT_TAG: "data root"}


def origin_tags(settings: Settings) -> dict[str, str]:
    """Tags of a run: what it makes, where, on which device and by which release."""
    return {
        WORLD_TAG: settings.world,
        DATA_ROOT_TAG: settings.data_place,
        "factroots/device": settings.device,
        "factroots/release": __version__,
    }


def other_origins(instance: dg.DagsterInstance, settings: Settings) -> list[str]:
    """The worlds and data roots, in words, that a history is of beside those of the settings."""
    own = origin_tags(settings)
    return sorted(
        f"{_ORIGINS[key]} {value}"
        for key, values in instance.get_run_tags(tag_keys=list(_ORIGINS))
        for value in values - {own[key]}
    )


def describe_sharing(others: Sequence[str]) -> str:
    """What follows from `other_origins`, where there are any, in words."""
    return (
        f"this history is also of {', '.join(others)}: of assets without partitions it shows what was made "
        "last there as out of date here; use a DAGSTER_HOME for each world and data root"
    )


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
