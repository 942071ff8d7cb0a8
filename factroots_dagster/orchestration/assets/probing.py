"""Group `probing`: what a checkpoint predicts in every language, and how much of it is right."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa

from factroots_dagster.orchestration.assets.asked import read_asked
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.probing import schema as tables
from factroots_dagster.tracing.schema import WIKIPEDIA_VOLUME


def probe(step: Step, checkpoint: str, language: str) -> None:
    """Ask a checkpoint every fact of one language: one forward pass gives predictions and activations.

    Where relations have further templates, their facts are asked by these, too.
    """
    from factroots_dagster.facts.objects import labels_by_relation
    from factroots_dagster.probing.further_prompts import ask_further_prompts
    from factroots_dagster.probing.probe import probe as probe_language

    step.input_folder("checkpoint", checkpoint)
    split = read_asked(step, checkpoint, language)
    objects = step.find_side("objects", "mlama_split", language)
    candidates = None if objects is None else labels_by_relation(objects)
    with ExitStack() as stack:
        if "neuron_activations" in step.writers:
            folder = step.writers["neuron_activations"].folder
        else:
            folder = Path(stack.enter_context(TemporaryDirectory()))
        predictions = probe_language(
            step.model_resource().load(checkpoint),
            split,
            folder,
            protocols=step.settings.protocols,
            mask_counts=step.settings.mask_counts,
            ranked_by=step.settings.ranked_by,
            candidates=candidates,
            stored=step.settings.activations,
            progress=lambda line: step.progress(f"{language}: {line}"),
        )
    if "predictions" not in step.writers:
        return
    step.writers["predictions"].write(predictions, tables.PREDICTIONS)
    further = step.find_side("further_templates", "mlama_split", language)
    if further is not None:
        answers = ask_further_prompts(
            step.model_resource().load(checkpoint),
            split,
            further,
            predictions,
            mask_counts=step.settings.mask_counts,
            ranked_by=step.settings.ranked_by,
            candidates=candidates,
            progress=lambda line: step.progress(f"{language}, further templates: {line}"),
        )
        step.writers["predictions"].write(answers, tables.PROMPT_ANSWERS, side="prompts")


def probing_scores(step: Step, checkpoint: str) -> None:
    """Score the predictions, beside the baselines that they must be read against."""
    from factroots_dagster.probing.prompt_consistency import measure_prompt_consistency
    from factroots_dagster.probing.scores import mask_counts
    from factroots_dagster.probing.scores import probing_scores as score
    from factroots_dagster.probing.volume_relations import volume_relations

    languages = step.languages_with("predictions", checkpoint)
    entities = ["uuid", "subject_uri", "object_uri"]
    scores = score(
        (step.read("predictions", checkpoint, language) for language in languages),
        step.read("fact_coverage"),
        {language: step.read("mlama_split", language, columns=entities) for language in languages},
        seed=step.settings.sandbox_seed,
    )
    step.writer.write(scores, tables.PROBING_SCORES)
    columns = ["language", "object_ids", "full_match"]
    matches = (step.read("predictions", checkpoint, language, columns=columns) for language in languages)
    step.writer.write(mask_counts(matches), tables.MASK_COUNTS, side="mask_counts")
    prompts = (step.find_side("prompts", "predictions", checkpoint, language) for language in languages)
    consistency = measure_prompt_consistency(answers for answers in prompts if answers is not None)
    if consistency.num_rows:
        step.writer.write(consistency, tables.PROMPT_CONSISTENCY, side="prompts")
    volumes = [
        step.read("wikipedia_volume", language)
        for language in languages
        if step.store.exists("wikipedia_volume", language)
    ]
    volume = pa.concat_tables([WIKIPEDIA_VOLUME.empty_table(), *volumes])
    step.writer.write(volume_relations(scores, volume), tables.VOLUME_RELATIONS, side="volume_relations")


def name_access(step: Step, checkpoint: str) -> None:
    """Ask each language that knows and states a fact by another one's names; and the untrained twin."""
    from factroots_dagster.models.untrained import with_random_weights
    from factroots_dagster.probing.name_access import measure_name_access
    from factroots_dagster.roots.transfer import sourced_facts

    model = step.model_resource().load(checkpoint)
    step.read("checkpoint", checkpoint)
    sourced = sourced_facts(step.read("fact_types", checkpoint))
    labels = ["uuid", "language", "relation", "template", "subject", "object"]
    splits = {language: read_asked(step, checkpoint, language, labels) for language in sourced}
    answers = ["uuid", "full_match", "object_logprob"]
    predictions = {
        language: step.read("predictions", checkpoint, language, columns=answers) for language in sourced
    }
    seed, progress = step.settings.sandbox_seed, step.progress
    for asked, side in ((model, ""), (with_random_weights(model, seed), "untrained")):
        table = measure_name_access(asked, splits, predictions, sourced, seed=seed, progress=progress)
        step.writer.write(table, tables.NAME_ACCESS, side=side)
