"""Group `neurons`: which neurons a fact activates, how alike languages are in them, what they cause."""

import dagster as dg
import pyarrow as pa

from factroots_dagster.neurons.schema import (
    ACTIVE_NEURONS,
    INTERVENTION_SUMMARY,
    LAYER_PROFILE,
    NEAREST_LANGUAGE,
    NEURON_INTERVENTIONS,
    NEURON_SIMILARITY,
    NEURON_STABILITY,
    SIMILARITY_PAIRS,
)
from factroots_dagster.orchestration.assets.base import (
    MODEL_POOL,
    Shown,
    all_partitions,
    asset,
    available_languages,
    progress_to,
    publish_each,
)
from factroots_dagster.orchestration.partitions import Platform
from factroots_dagster.orchestration.resources.models import ModelResource
from factroots_dagster.store.store import PartitionWriter


def neuron_assets(platform: Platform) -> list[dg.AssetsDefinition]:
    """`active_neurons`, `neuron_similarity` and `neuron_interventions`."""
    settings, store = platform.settings, platform.store

    def tables(work: PartitionWriter, asset_name: str, *parts: str) -> dict[str, pa.Table]:
        """An asset's tables by language, for the languages whose active neurons are known."""
        languages = available_languages(work, "active_neurons", settings.active_languages, parts[0])
        cell = parts if asset_name != "mlama_split" else ()
        return {language: work.read(asset_name, *cell, language) for language in languages}

    @asset(
        group="neurons",
        kinds=("parquet",),
        schema=ACTIVE_NEURONS,
        partitions_def=platform.cells,
        deps=["neuron_activations"],
    )
    def active_neurons(context: dg.AssetExecutionContext) -> None:
        """The top-k neurons of every correctly predicted fact: Probeless, standardised Probeless, signed."""

        def build(work: PartitionWriter, checkpoint: str, language: str) -> Shown:
            from factroots_dagster.models.checkpoint import pick_device
            from factroots_dagster.neurons.probeless import active_neurons as activate
            from factroots_dagster.report.previews import neurons_picture

            place = pick_device(settings.device)
            folder = work.input_folder("neuron_activations", checkpoint, language)
            table = activate(folder, device=str(place) if place.type == "cuda" else None)
            work.write(table, ACTIVE_NEURONS)
            return Shown(neurons_picture(table))

        publish_each(context, store, build)

    @asset(
        group="neurons",
        kinds=("parquet",),
        schema=NEURON_SIMILARITY,
        partitions_def=platform.checkpoints,
        deps=["checkpoint", "active_neurons", "neuron_activations", *all_partitions("mlama_split")],
    )
    def neuron_similarity(context: dg.AssetExecutionContext) -> None:
        """For every fact that two languages predict: how alike its neurons are, beside every null."""

        def build(work: PartitionWriter, checkpoint: str) -> Shown:
            from factroots_dagster.neurons.probeless import default_k, layer_profile
            from factroots_dagster.neurons.similarity import compare_languages
            from factroots_dagster.neurons.stability import neuron_stability
            from factroots_dagster.report.previews import similarity_picture

            active = tables(work, "active_neurons", checkpoint)
            folders = {
                language: work.input_folder("neuron_activations", checkpoint, language) for language in active
            }
            splits = tables(work, "mlama_split", checkpoint)
            compared = compare_languages(
                active, folders, splits, seed=settings.sandbox_seed, progress=progress_to(context)
            )
            work.write(compared.facts, NEURON_SIMILARITY)
            work.write(compared.pairs, SIMILARITY_PAIRS, side="pairs")
            work.write(compared.nearest, NEAREST_LANGUAGE, side="nearest")
            described = work.read("checkpoint", checkpoint).to_pylist()[0]
            layers, neurons = described["layers"], described["neurons"]
            profile = layer_profile(active.values(), layers=layers, neurons_per_layer=neurons)
            work.write(profile, LAYER_PROFILE, side="layers")
            stability = neuron_stability(
                folders,
                compared.facts,
                k=default_k(layers, neurons),
                seed=settings.sandbox_seed,
                progress=progress_to(context),
            )
            work.write(stability, NEURON_STABILITY, side="stability")
            return Shown(similarity_picture(compared.pairs))

        publish_each(context, store, build)

    @asset(
        group="neurons",
        kinds=("pytorch", "parquet"),
        schema=NEURON_INTERVENTIONS,
        partitions_def=platform.checkpoints,
        deps=["checkpoint", "active_neurons", "predictions", *all_partitions("mlama_split")],
        pool=MODEL_POOL,
    )
    def neuron_interventions(context: dg.AssetExecutionContext, models: ModelResource) -> None:
        """Zero and double a fact's neurons found in one language while it is asked in another."""

        def build(work: PartitionWriter, checkpoint: str) -> Shown:
            from factroots_dagster.neurons.effects import intervention_summary
            from factroots_dagster.neurons.interventions import interventions
            from factroots_dagster.report.previews import interventions_picture

            model = models.load(settings, work, checkpoint)
            table = interventions(
                model,
                tables(work, "mlama_split", checkpoint),
                tables(work, "predictions", checkpoint),
                tables(work, "active_neurons", checkpoint),
                seed=settings.sandbox_seed,
                progress=progress_to(context),
            )
            work.write(table, NEURON_INTERVENTIONS)
            summary = intervention_summary(table)
            work.write(summary, INTERVENTION_SUMMARY, side="summary")
            return Shown(interventions_picture(summary))

        publish_each(context, store, build)

    return [active_neurons, neuron_similarity, neuron_interventions]
