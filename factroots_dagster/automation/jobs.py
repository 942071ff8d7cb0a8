"""Jobs for what people do; a job holds assets of one kind of partition, as Dagster asks for."""

from __future__ import annotations

import dagster as dg

from factroots_dagster.checks.registry import BY_CELL, BY_CHECKPOINT, BY_LANGUAGE
from factroots_dagster.partitions import Platform

JOBS = {
    "rebuild_sources": ("one language's facts, articles, mentions and sources", BY_LANGUAGE),
    "probe_checkpoint": ("predictions and neurons of one checkpoint in one or many languages", BY_CELL),
    "describe_checkpoint": ("resolve and describe a checkpoint", ("checkpoint",)),
    "conclude_checkpoint": (
        "scores, similarity, interventions, types and report of one checkpoint",
        tuple(name for name in BY_CHECKPOINT if name != "checkpoint"),
    ),
}


def platform_jobs(platform: Platform) -> list[dg.UnresolvedAssetJobDefinition]:
    """The jobs of a world."""
    return [
        dg.define_asset_job(name, selection=dg.AssetSelection.assets(*assets), description=text)
        for name, (text, assets) in JOBS.items()
    ]
