"""Group `sandbox`: in generated worlds only, the planted truth and the training of the checkpoints."""

import dagster as dg

from factroots_dagster.orchestration.assets.base import (
    MODEL_POOL,
    Shown,
    all_partitions,
    asset,
    generated_world,
    progress_to,
    publish_each,
)
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.sandbox.schema import LOSS_LOG, PLANTED_TRUTH
from factroots_dagster.store.store import PartitionWriter


def sandbox_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`planted_truth` and `sandbox_training`; none for a world that is not generated."""
    settings, store = platform.settings, platform.store
    if not settings.generated:
        return []

    @asset(group="sandbox", kinds=("parquet",), schema=PLANTED_TRUTH, deps=["mlama_release"])
    def planted_truth(context: dg.AssetExecutionContext) -> None:
        """What was planted for every fact and language: whether it is stated, linked, easy, or nowhere."""

        def build(work: PartitionWriter) -> Shown:
            from factroots_dagster.report.previews import planted_picture
            from factroots_dagster.sandbox.truth import planted_truth as plant

            table = plant(generated_world(settings), settings.active_languages)
            work.write(table, PLANTED_TRUTH)
            return Shown(planted_picture(table))

        publish_each(context, store, build)

    @asset(
        group="sandbox",
        kinds=("pytorch",),
        schema=LOSS_LOG,
        deps=all_partitions("wikipedia_articles"),
        pool=MODEL_POOL,
    )
    def sandbox_training(context: dg.AssetExecutionContext) -> None:
        """Trains the small BERT on the plain text of the world's Wikipedia; saves checkpoints on the way."""

        def build(work: PartitionWriter) -> Shown:
            import pyarrow.compute as pc

            from factroots_dagster.sandbox.training import train

            texts, titles = {}, {}
            for language in settings.active_languages:
                pages = work.read("wikipedia_articles", language, columns=["title", "redirect_to", "text"])
                titles[language] = pages["title"].to_pylist()
                texts[language] = pages.filter(pc.is_null(pages["redirect_to"]))["text"].to_pylist()
            losses = train(
                texts,
                work.folder,
                seed=settings.sandbox_seed,
                entities=titles,
                progress=progress_to(context),
            )
            work.write(losses, LOSS_LOG)
            from factroots_dagster.report.previews import loss_picture

            return Shown(loss_picture(losses), {"loss": losses["loss"][-1].as_py()})

        publish_each(context, store, build)

    return [planted_truth, sandbox_training]
