"""Group `analysis`: which languages know the same facts, and what goes with it."""

from collections.abc import Mapping

import dagster as dg

from factroots_dagster.languages.geography import MLAMA_PLACES, Place
from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.orchestration.assets.base import Shown, asset, available_languages, publish_each
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.sandbox.languages import LANGUAGES
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import PartitionWriter


def analysis_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`language_clusters`."""
    settings, store = platform.settings, platform.store

    @asset(
        group="analysis",
        kinds=("scipy", "parquet"),
        schema=LANGUAGE_CLUSTERS,
        partitions_def=platform.checkpoints,
        deps=["predictions"],
    )
    def language_clusters(context: dg.AssetExecutionContext) -> None:
        """Languages by the facts that both predict, corrected for chance: pairs, clusters, geography."""

        def build(work: PartitionWriter, checkpoint: str) -> Shown:
            from factroots_dagster.languages.clusters import language_clusters as cluster
            from factroots_dagster.report.previews import similarity_picture

            languages = available_languages(work, "predictions", settings.active_languages, checkpoint)
            predictions = {language: work.read("predictions", checkpoint, language) for language in languages}
            pairs, members, mantel = cluster(
                predictions, places=_places(settings), seed=settings.sandbox_seed
            )
            work.write(pairs, LANGUAGE_CLUSTERS)
            work.write(members, CLUSTER_MEMBERS, side="members")
            work.write(mantel, MANTEL, side="mantel")
            return Shown(similarity_picture(pairs, "corrected", "Jaccard corrected for chance"))

        publish_each(context, store, build)

    return [language_clusters]


def _places(settings: Settings) -> Mapping[str, Place]:
    """Where the world's languages are spoken: a generated world's places are made up, like the rest."""
    if not settings.generated:
        return MLAMA_PLACES
    return {code: Place(made.latitude, made.longitude, made.script) for code, made in LANGUAGES.items()}
