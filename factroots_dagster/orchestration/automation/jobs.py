"""Jobs for what people do; an asset job holds assets of one kind of partition, as Dagster asks for."""

from typing import Any

import dagster as dg

from factroots_dagster.orchestration.assets.base import MODEL_POOL
from factroots_dagster.orchestration.checks.registry import BY_CELL, BY_CHECKPOINT, BY_LANGUAGE
from factroots_dagster.orchestration.partitions import Platform

JOBS = {
    "rebuild_sources": ("one language's facts, articles, mentions and sources", tuple(BY_LANGUAGE)),
    "fetch_dump": ("one language's Wikipedia dump", ("wikipedia_dump",)),
    "describe_checkpoint": ("resolve and describe a checkpoint", ("checkpoint",)),
    "probe_checkpoint": (
        "predictions and neurons of one checkpoint in one or many languages; a run of a range of cells loads "
        "the model once",
        tuple(BY_CELL),
    ),
    "rebuild_reports": (
        "scores, similarity, interventions, types and report of one checkpoint",
        tuple(name for name in BY_CHECKPOINT if name != "checkpoint"),
    ),
}


def platform_jobs(platform: Platform) -> list[Any]:
    """The jobs of a world (Dagster does not export the type of an asset job)."""
    jobs: list[Any] = [
        dg.define_asset_job(name, selection=dg.AssetSelection.assets(*assets), description=text)
        for name, (text, assets) in JOBS.items()
    ]
    return [*jobs, _everything(platform)]


def _everything(platform: Platform) -> dg.JobDefinition:
    """The job `everything`: no asset job can hold every kind of partition, so one op runs stage by stage."""

    @dg.op(pool=MODEL_POOL)
    def materialize_everything(context: dg.OpExecutionContext) -> None:
        from factroots_dagster.cli.run import StageFailedError, run_demo
        from factroots_dagster.orchestration.assets.base import refusing_bad_input

        with refusing_bad_input():
            try:
                run_demo(platform.settings, context.instance, context.log.info)
            except StageFailedError as error:
                raise dg.Failure(description=str(error), allow_retries=False) from error

    @dg.job(
        executor_def=dg.in_process_executor,
        description="every asset of the world for every registered checkpoint, as `factroots demo` does",
    )
    def everything() -> None:
        materialize_everything()

    return everything
