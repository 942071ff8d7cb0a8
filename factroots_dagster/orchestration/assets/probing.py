"""Group `probing`: what a checkpoint predicts in every language, and how much of it is right."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import dagster as dg
import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.models.schema import ACTIVATION_INDEX
from factroots_dagster.orchestration.assets.base import (
    MODEL_POOL,
    Shown,
    Versions,
    all_partitions,
    asset,
    available_languages,
    declaration,
    for_each_partition,
    progress_to,
    publish_each,
    versions_of,
)
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.orchestration.resources.models import ModelResource
from factroots_dagster.probing.schema import MASK_COUNTS, PREDICTIONS, PROBING_SCORES, VOLUME_RELATIONS
from factroots_dagster.store.store import PartitionWriter
from factroots_dagster.tracing.schema import WIKIPEDIA_VOLUME


def probing_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`predictions` with `neuron_activations` (one pass gives both), and `probing_scores`."""
    settings, store = platform.settings, platform.store
    sources = ["checkpoint", "mlama_split"]

    @dg.multi_asset(
        specs=[
            dg.AssetSpec(
                "predictions",
                deps=sources,
                description="Per fact the predicted tokens at every mask count, whether they match, and the "
                "object's log-probability, typed rank and prior.",
                skippable=True,
                **declaration(group="probing", kinds=("pytorch", "parquet"), schema=PREDICTIONS),
            ),
            dg.AssetSpec(
                "neuron_activations",
                deps=sources,
                description="Inputs of every layer's FFN down-projection at the masks of the correctly "
                "predicted prompts: per relation a tensor [facts, layers, neurons], and an index.",
                skippable=True,
                **declaration(group="neurons", kinds=("pytorch", "safetensors"), schema=ACTIVATION_INDEX),
            ),
        ],
        partitions_def=platform.cells,
        backfill_policy=dg.BackfillPolicy.single_run(),
        can_subset=True,
        pool=MODEL_POOL,
    )
    def probe(
        context: dg.AssetExecutionContext, models: ModelResource
    ) -> Iterator[dg.MaterializeResult[Any]]:
        """One forward pass per distinct prompt gives predictions and activations."""
        wanted = {key.to_user_string() for key in context.selected_asset_keys}

        def publish(checkpoint: str, language: str) -> dict[str, Shown]:
            parts = (checkpoint, language)
            versions = {name: versions_of(context, store, name, parts) for name in sorted(wanted)}
            return _probe_cell(platform, models, checkpoint, language, versions, progress_to(context))

        for_each_partition(context, store, sorted(wanted), publish)
        for name in sorted(wanted):
            yield dg.MaterializeResult(asset_key=name)

    @asset(
        group="probing",
        kinds=("parquet",),
        schema=PROBING_SCORES,
        partitions_def=platform.checkpoints,
        deps=["predictions", "fact_coverage", *all_partitions("mlama_split", "wikipedia_volume")],
    )
    def probing_scores(context: dg.AssetExecutionContext) -> None:
        """P@1 by language and relation, with intervals and the baselines it must be read against."""

        def build(work: PartitionWriter, checkpoint: str) -> Shown:
            from factroots_dagster.probing.scores import mask_counts, volume_relations
            from factroots_dagster.probing.scores import probing_scores as score
            from factroots_dagster.report.previews import scores_picture

            languages = available_languages(work, "predictions", settings.active_languages, checkpoint)
            coverage = work.read("fact_coverage")
            volumes = [
                work.read("wikipedia_volume", language)
                for language in languages
                if store.exists("wikipedia_volume", language)
            ]
            volume = pa.concat_tables([WIKIPEDIA_VOLUME.empty_table(), *volumes])
            predictions = (work.read("predictions", checkpoint, language) for language in languages)
            entities = ["uuid", "subject_uri", "object_uri"]
            splits = {name: work.read("mlama_split", name, columns=entities) for name in languages}
            scores = score(predictions, coverage, splits, seed=settings.sandbox_seed)
            work.write(scores, PROBING_SCORES)
            columns = ["language", "object_ids", "full_match"]
            again = (
                work.read("predictions", checkpoint, language, columns=columns) for language in languages
            )
            work.write(mask_counts(again), MASK_COUNTS, side="mask_counts")
            work.write(volume_relations(scores, volume), VOLUME_RELATIONS, side="volume_relations")
            return Shown(scores_picture(scores), {"languages": len(languages)})

        publish_each(context, store, build)

    return [probe, probing_scores]


def _probe_cell(
    platform: Platform,
    models: ModelResource,
    checkpoint: str,
    language: str,
    wanted: Mapping[str, Versions],
    progress: Callable[[str], None],
) -> dict[str, Shown]:
    """Probe one language with one checkpoint and publish what of the two assets is wanted."""
    from factroots_dagster.probing.engine import probe
    from factroots_dagster.report.previews import predictions_picture, relations_picture

    with ExitStack() as stack:
        works = {
            name: stack.enter_context(
                platform.store.write_partition(
                    name,
                    checkpoint,
                    language,
                    code_version=versions.code_version,
                    upstream=versions.upstream,
                )
            )
            for name, versions in wanted.items()
        }
        for work in works.values():
            work.input_folder("checkpoint", checkpoint)
            split = work.read("mlama_split", language)
        if "neuron_activations" in works:
            folder = works["neuron_activations"].folder
        else:
            folder = Path(stack.enter_context(TemporaryDirectory()))
        model = models.load(platform.settings, work, checkpoint)
        predictions = probe(
            model,
            split,
            folder,
            protocols=platform.settings.protocols,
            mask_counts=platform.settings.mask_counts,
            progress=lambda line: progress(f"{language}: {line}"),
        )
        if "predictions" in works:
            works["predictions"].write(predictions, PREDICTIONS)
    right = pc.sum(predictions["full_match"]).as_py() or 0
    figures = {
        "full_match": right / len(predictions),
        "facts": len(predictions),
        "precision": platform.settings.precision,
        "protocols": ", ".join(platform.settings.protocols),
        "mask_counts": platform.settings.mask_counts,
    }
    return {
        "predictions": Shown(predictions_picture(predictions), figures),
        "neuron_activations": Shown(
            relations_picture(predictions.filter(pc.fill_null(predictions["full_match"], False))),
            {"facts": right},
        ),
    }
