"""Assembles the platform for given settings: the seam that definitions, demo and tests share."""

from __future__ import annotations

import warnings
from functools import partial

import dagster as dg

from factroots_dagster.orchestration.assets.facts import mlama_assets
from factroots_dagster.orchestration.assets.languages import analysis_assets
from factroots_dagster.orchestration.assets.neurons import neuron_assets
from factroots_dagster.orchestration.assets.probing import probing_assets
from factroots_dagster.orchestration.assets.report import report_assets
from factroots_dagster.orchestration.assets.sandbox import sandbox_assets
from factroots_dagster.orchestration.assets.sources import source_assets
from factroots_dagster.orchestration.assets.wikipedia import wikipedia_assets
from factroots_dagster.orchestration.automation.conditions import Due
from factroots_dagster.orchestration.automation.jobs import platform_jobs
from factroots_dagster.orchestration.automation.schedules import platform_schedules
from factroots_dagster.orchestration.automation.sensors import platform_sensors
from factroots_dagster.orchestration.checks.registry import platform_checks
from factroots_dagster.orchestration.partitions import Platform, platform_for
from factroots_dagster.orchestration.resources.models import ModelResource
from factroots_dagster.orchestration.resources.spark import SparkResource
from factroots_dagster.orchestration.versions import code_version
from factroots_dagster.settings import Settings


def build_defs(settings: Settings) -> dg.Definitions:
    """The definitions of the settings' world."""
    with warnings.catch_warnings():
        # all are pinned to one minor version of Dagster, and tested
        warnings.filterwarnings("ignore", "Parameter `backfill_policy`", dg.BetaWarning)
        warnings.filterwarnings("ignore", "Specifying a partitions_def", dg.PreviewWarning)
        warnings.filterwarnings("ignore", "Parameter `use_user_code_server`", dg.BetaWarning)
        return _definitions(platform_for(settings))


def _definitions(platform: Platform) -> dg.Definitions:
    settings = platform.settings
    assets = [
        *source_assets(platform),
        *sandbox_assets(platform),
        *mlama_assets(platform),
        *wikipedia_assets(platform),
        *probing_assets(platform),
        *neuron_assets(platform),
        *analysis_assets(platform),
        *report_assets(platform),
    ]
    return dg.Definitions(
        assets=[asset.map_asset_specs(partial(_with_policy, platform)) for asset in assets],
        asset_checks=platform_checks(platform),
        jobs=platform_jobs(platform),
        sensors=platform_sensors(platform),
        schedules=platform_schedules(platform),
        resources={
            "spark": SparkResource(master=settings.spark_master),
            "models": ModelResource(device=settings.device),
        },
        executor=dg.in_process_executor,
    )


def _with_policy(platform: Platform, spec: dg.AssetSpec) -> dg.AssetSpec:
    """What holds for every asset: its code version, and when it is made by itself.

    `checkpoint` is left to `checkpoint_sensor`, which knows when a folder or a hub id has changed.
    """
    name = spec.key.to_user_string()
    return spec.replace_attributes(
        code_version=code_version(name, platform.settings),
        automation_condition=None if name == "checkpoint" else Due(platform),
    )
