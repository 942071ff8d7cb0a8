"""Assembles the definitions for given settings: what `definitions.py`, the command line and tests share."""

from __future__ import annotations

import warnings
from typing import Any

import dagster as dg

from factroots_dagster.orchestration.automation.conditions import Due
from factroots_dagster.orchestration.automation.jobs import platform_jobs
from factroots_dagster.orchestration.automation.schedules import platform_schedules
from factroots_dagster.orchestration.automation.sensors import platform_sensors
from factroots_dagster.orchestration.catalog import rows_in
from factroots_dagster.orchestration.checks.bridge import asset_checks
from factroots_dagster.orchestration.materialization import asset_definitions
from factroots_dagster.orchestration.partitions import Platform, platform_for
from factroots_dagster.orchestration.resources import ModelResource, SparkResource, StoreResource
from factroots_dagster.settings import Settings


def build_defs(settings: Settings, **overrides: Any) -> dg.Definitions:
    """The definitions of the settings' world.

    overrides: resources by name (`store`, `spark`, `models`) in place of those that the settings ask for.
    """
    resources = default_resources(settings)
    if unknown := overrides.keys() - resources.keys():
        raise TypeError(f"no resource {', '.join(sorted(unknown))}; there are {', '.join(resources)}")
    with warnings.catch_warnings():
        # all are pinned to one minor version of Dagster, and tested
        for name in ("backfill_policy", "use_user_code_server", "LocalFileCode", "CodeReferences"):
            warnings.filterwarnings("ignore", f"(Parameter|Class) `{name}", dg.BetaWarning)
        for text in ("Parameter `freshness_policy`", "Specifying a partitions_def"):
            warnings.filterwarnings("ignore", text, dg.PreviewWarning)
        return _definitions(platform_for(settings), {**resources, **overrides})


def default_resources(settings: Settings) -> dict[str, Any]:
    """The resources that the settings ask for."""
    return {
        "store": StoreResource(
            data_root=str(settings.data_root),
            world=settings.world,
            languages=list(settings.active_languages),
        ),
        "spark": SparkResource(master=settings.spark_master, memory=settings.spark_memory),
        "models": ModelResource.from_settings(settings),
    }


def _definitions(platform: Platform, resources: dict[str, Any]) -> dg.Definitions:
    settings = platform.settings
    rows = rows_in(settings)
    assets = asset_definitions(platform, rows, Due(platform))
    checks = [asset_checks(platform, row.name, row.suite(settings), row.partitioned_by) for row in rows]
    return dg.Definitions(
        assets=assets,
        asset_checks=checks,
        jobs=platform_jobs(platform, [*assets, *checks], resources),
        sensors=platform_sensors(platform),
        schedules=platform_schedules(platform),
        resources=resources,
        executor=dg.in_process_executor,
        loggers={"console": dg.json_console_logger} if settings.log_format == "json" else None,
    )
