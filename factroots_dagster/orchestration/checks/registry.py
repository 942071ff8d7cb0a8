"""Every asset and its suite; an asset without one does not load."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import dagster as dg

from factroots_dagster.orchestration.checks import data, models, results
from factroots_dagster.orchestration.checks.bridge import Suite, asset_check
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.settings import Settings

SuiteMaker = Callable[[Settings], Suite]

BY_LANGUAGE: Mapping[str, SuiteMaker] = {
    "wikipedia_dump": data.dump_suite,
    "mlama_split": data.split_suite,
    "wikipedia_articles": data.articles_suite,
    "wikipedia_volume": data.volume_suite,
    "entity_mentions": data.mentions_suite,
    "fact_sources": data.sources_suite,
}
BY_CHECKPOINT: Mapping[str, SuiteMaker] = {
    "checkpoint": models.checkpoint_suite,
    "probing_scores": models.scores_suite,
    "language_clusters": results.clusters_suite,
    "neuron_similarity": models.similarity_suite,
    "neuron_interventions": models.interventions_suite,
    "fact_types": results.types_suite,
    "categorization_report": results.report_suite,
}
BY_CELL: Mapping[str, SuiteMaker] = {
    "predictions": models.predictions_suite,
    "neuron_activations": models.activations_suite,
    "active_neurons": models.active_suite,
}
UNPARTITIONED: Mapping[str, SuiteMaker] = {
    "mlama_release": data.release_suite,
    "fact_coverage": data.coverage_suite,
    "checkpoint_comparison": results.comparison_suite,
}
GENERATED: Mapping[str, SuiteMaker] = {
    "planted_truth": results.truth_suite,
    "sandbox_training": results.training_suite,
}


def platform_checks(platform: Platform) -> list[dg.AssetChecksDefinition]:
    """One asset check per asset of the world."""
    groups: list[tuple[Mapping[str, SuiteMaker], dg.PartitionsDefinition | None]] = [
        (BY_LANGUAGE, platform.languages),
        (BY_CHECKPOINT, platform.checkpoints),
        (BY_CELL, platform.cells),
        (UNPARTITIONED, None),
    ]
    if platform.settings.generated:
        groups.append((GENERATED, None))
    return [
        asset_check(asset, make(platform.settings), platform.store, partitions_def)
        for makers, partitions_def in groups
        for asset, make in makers.items()
    ]
