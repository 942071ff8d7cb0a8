"""Group `neurons`: which neurons a fact activates, how alike languages are in them, what they cause."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.neurons import schema as tables
from factroots_dagster.orchestration.assets.asked import read_asked
from factroots_dagster.orchestration.assets.step import Step


def active_neurons(step: Step, checkpoint: str, language: str) -> None:
    """Rank the neurons of every correctly predicted fact."""
    from factroots_dagster.models.checkpoint import SPLIT, pick_device
    from factroots_dagster.neurons.probeless import active_neurons as rank_neurons

    device = pick_device("auto" if step.settings.device == SPLIT else step.settings.device)
    folder = step.input_folder("neuron_activations", checkpoint, language)
    table = rank_neurons(folder, device=str(device) if device.type == "cuda" else None)
    step.writer.write(table, tables.ACTIVE_NEURONS)


def neuron_similarity(step: Step, checkpoint: str) -> None:
    """Compare the neurons of every fact between the languages that predict it."""
    from factroots_dagster.neurons.probeless import layer_profile, used_k
    from factroots_dagster.neurons.similarity import compare_languages
    from factroots_dagster.neurons.stability import neuron_stability

    active = _tables(step, "active_neurons", checkpoint)
    folders = {language: step.input_folder("neuron_activations", checkpoint, language) for language in active}
    splits = {language: read_asked(step, checkpoint, language) for language in active}
    seed, progress = step.settings.sandbox_seed, step.progress
    compared = compare_languages(active, folders, splits, seed=seed, progress=progress)
    with step.writer.stream(tables.NEURON_SIMILARITY) as append:
        for table in compared.fact_tables():
            append(table)
    step.writer.write(compared.pairs, tables.SIMILARITY_PAIRS, side="pairs")
    step.writer.write(compared.nearest, tables.NEAREST_LANGUAGE, side="nearest")
    described = step.read("checkpoint", checkpoint).to_pylist()[0]
    profile = layer_profile(
        active.values(), layers=described["layers"], neurons_per_layer=described["neurons"]
    )
    step.writer.write(profile, tables.LAYER_PROFILE, side="layers")
    k = used_k(active.values())
    stability = neuron_stability(folders, compared.language_pairs, k=k, seed=seed, progress=progress)
    step.writer.write(stability, tables.NEURON_STABILITY, side="stability")


def neuron_interventions(step: Step, checkpoint: str) -> None:
    """Zero and double a fact's neurons found in one language while it is asked in another."""
    from factroots_dagster.neurons.effects import intervention_summary
    from factroots_dagster.neurons.interventions import interventions

    active = _tables(step, "active_neurons", checkpoint)
    table = interventions(
        step.model_resource().load(checkpoint),
        {language: read_asked(step, checkpoint, language) for language in active},
        {language: step.read("predictions", checkpoint, language) for language in active},
        active,
        seed=step.settings.sandbox_seed,
        progress=step.progress,
    )
    step.read("checkpoint", checkpoint)
    step.writer.write(table, tables.NEURON_INTERVENTIONS)
    step.writer.write(intervention_summary(table), tables.INTERVENTION_SUMMARY, side="summary")


def untrained_twins(step: Step, checkpoint: str) -> None:
    """Measure the figures about neurons, and RankC, in a sample of facts and again with random weights."""
    from factroots_dagster.neurons.untrained_twins import compare_with_untrained

    columns = ["uuid", "object_ids", "predicted_ids", "matched_mask_count"]
    languages = step.languages_with("predictions", checkpoint)
    right = pc.field("matched_mask_count") > 0
    twins = compare_with_untrained(
        step.model_resource().load(checkpoint),
        {language: read_asked(step, checkpoint, language) for language in languages},
        {
            code: step.read("predictions", checkpoint, code, columns=columns, where=right)
            for code in languages
        },
        step.folder,
        seed=step.settings.sandbox_seed,
        ranked_by=step.settings.ranked_by,
        progress=step.progress,
    )
    step.read("checkpoint", checkpoint)
    step.writer.write(twins.figures, tables.UNTRAINED_TWINS)
    step.writer.write(twins.sample, tables.UNTRAINED_SAMPLE, side="sample")


def _tables(step: Step, asset: str, checkpoint: str) -> dict[str, pa.Table]:
    """An asset's tables by language."""
    return {
        language: step.read(asset, checkpoint, language)
        for language in step.languages_with(asset, checkpoint)
    }
