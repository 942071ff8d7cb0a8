"""Group `mlama`: the facts of every language, and what any P@1 on them must be read against."""

import dagster as dg

from factroots_dagster.facts.schema import FACT_COVERAGE, MLAMA_SPLIT
from factroots_dagster.orchestration.assets.base import (
    Shown,
    all_partitions,
    asset,
    available_languages,
    publish_each,
)
from factroots_dagster.orchestration.assets.sources import RELEASE_FOLDER
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.store.store import PartitionWriter


def mlama_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`mlama_split` and `fact_coverage` of a world."""
    settings, store = platform.settings, platform.store

    @asset(
        group="mlama",
        kinds=("parquet",),
        schema=MLAMA_SPLIT,
        partitions_def=platform.languages,
        deps=["mlama_release"],
    )
    def mlama_split(context: dg.AssetExecutionContext) -> None:
        """One language of mLAMA: a row per fact with its cloze template, labels and Wikidata ids."""

        def build(work: PartitionWriter, language: str) -> Shown:
            from factroots_dagster.facts.mlama.split import read_split
            from factroots_dagster.report.previews import relations_picture

            table = read_split(work.input_folder("mlama_release") / RELEASE_FOLDER, language)
            work.write(table, MLAMA_SPLIT)
            return Shown(relations_picture(table))

        publish_each(context, store, build)

    @asset(group="mlama", kinds=("parquet",), schema=FACT_COVERAGE, deps=all_partitions("mlama_split"))
    def fact_coverage(context: dg.AssetExecutionContext) -> None:
        """Which fact exists in which language, prompts with several answers, easy facts, majority objects."""

        def build(work: PartitionWriter) -> Shown:
            from factroots_dagster.facts.mlama.coverage import fact_coverage as cover
            from factroots_dagster.report.previews import coverage_picture

            languages = available_languages(work, "mlama_split", settings.active_languages)
            table = cover(work.read("mlama_split", language) for language in languages)
            work.write(table, FACT_COVERAGE)
            return Shown(coverage_picture(table), {"languages": len(languages)})

        publish_each(context, store, build)

    return [mlama_split, fact_coverage]
