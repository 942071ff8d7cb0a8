"""Jobs for what people do; an asset job holds assets with the same partitions, as Dagster requires."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from factroots_dagster.errors import InputError
from factroots_dagster.orchestration.catalog import CATALOG, MODEL_POOL
from factroots_dagster.orchestration.partitions import CELL, CHECKPOINT, LANGUAGE, Platform
from factroots_dagster.orchestration.progress import LineReporter
from factroots_dagster.orchestration.stages import StageFailedError, StageRunner, materialize_world


def partitioned_by(*dimensions: str) -> list[str]:
    """The assets with these partitions, in the catalog's order."""
    return [name for name, row in CATALOG.items() if row.partitioned_by == dimensions]


JOBS: Mapping[str, tuple[str, Sequence[str]]] = {
    "rebuild_sources": ("one language's facts, articles, mentions and sources", partitioned_by(LANGUAGE)),
    "fetch_dump": ("one language's Wikipedia dump", ["wikipedia_dump"]),
    "describe_checkpoint": ("resolve and describe a checkpoint", ["checkpoint"]),
    "probe_checkpoint": (
        "predictions and neurons of one checkpoint in one or many languages; a run of a range of cells loads "
        "the model once",
        partitioned_by(*CELL),
    ),
    "rebuild_reports": (
        "scores, similarity, interventions, types and report of one checkpoint",
        [name for name in partitioned_by(CHECKPOINT) if name != "checkpoint"],
    ),
}


def platform_jobs(platform: Platform, definitions: Sequence[Any], resources: Mapping[str, Any]) -> list[Any]:
    """The jobs of a world (Dagster does not export the type of an asset job).

    definitions, resources: of the job `everything`: the world's assets and checks, and what they need.
    """
    jobs: list[Any] = [
        dg.define_asset_job(name, selection=dg.AssetSelection.assets(*assets), description=description)
        for name, (description, assets) in JOBS.items()
    ]
    return [*jobs, _everything(platform, definitions, resources)]


def _everything(
    platform: Platform, definitions: Sequence[Any], resources: Mapping[str, Any]
) -> dg.JobDefinition:
    """The job `everything`: no asset job can hold every kind of partition, so one op runs stage by stage."""

    @dg.op(pool=MODEL_POOL)
    def materialize_everything(context: dg.OpExecutionContext) -> None:
        assets = dg.Definitions(assets=definitions, resources=resources)
        runner = StageRunner(
            platform,
            assets.resolve_implicit_global_asset_job_def(),
            context.instance,
            LineReporter(context.log.info, numbered=True),
        )
        try:
            materialize_world(runner)
        except (InputError, StageFailedError) as error:
            raise dg.Failure(description=str(error), allow_retries=False) from error

    @dg.job(
        executor_def=dg.in_process_executor,
        description="every asset of the world for every registered checkpoint, as `factroots run` makes it",
    )
    def everything() -> None:
        materialize_everything()

    return everything
