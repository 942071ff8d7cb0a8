"""Partitions written by the bodies of assets: a run of Dagster for each of many would take minutes."""

from __future__ import annotations

from collections.abc import Callable

from factroots_dagster.orchestration.assets import facts, probing, sources
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.orchestration.resources import ModelResource
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store


def run_body(settings: Settings, asset: str, body: Callable[..., None], *parts: str) -> None:
    """Write a partition of an asset."""
    store, models = Store(settings.data_root, settings.world), ModelResource.from_settings(settings)
    with store.write_partition(asset, *parts, code_version="1") as writer:
        body(Step(settings, store, {asset: writer}, lambda line: None, models=models), *parts)


def write_scores(settings: Settings, checkpoint: str, language: str) -> None:
    """Write what scores are made from, from the release on, and the scores, of a world of one language."""
    run_body(settings, "mlama_release", sources.mlama_release)
    run_body(settings, "mlama_split", facts.mlama_split, language)
    run_body(settings, "fact_coverage", facts.fact_coverage)
    run_body(settings, "checkpoint", sources.checkpoint, checkpoint)
    run_body(settings, "predictions", probing.probe, checkpoint, language)
    run_body(settings, "probing_scores", probing.probing_scores, checkpoint)
