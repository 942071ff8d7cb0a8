"""Group `sandbox`: in generated worlds only, the planted truth, the training, and the causal truth."""

from __future__ import annotations

from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.sandbox.schema import LOSS_LOG, PLANTED_TRUTH
from factroots_dagster.yardstick.schema import COUNTERFACTUAL_TRUTH, RETRAINED_ANSWERS


def planted_truth(step: Step) -> None:
    """List what was planted for every fact and language."""
    from factroots_dagster.sandbox.truth import planted_truth_table

    step.writer.write(planted_truth_table(step.world(), step.settings.active_languages), PLANTED_TRUTH)


def sandbox_training(step: Step) -> None:
    """Train the small BERT on the articles of the world's Wikipedias."""
    import pyarrow.compute as pc

    from factroots_dagster.sandbox.alignment import aligned_vectors
    from factroots_dagster.sandbox.training import checkpoint_steps, train, training_config

    texts, titles = {}, {}
    for language in step.settings.active_languages:
        pages = step.read("wikipedia_articles", language, columns=["title", "redirect_to", "text"])
        titles[language] = pages["title"].to_pylist()
        texts[language] = pages.filter(pc.is_null(pages["redirect_to"]))["text"].to_pylist()
    dials = step.settings.dials
    losses = train(
        texts,
        step.folder,
        seed=step.settings.training_seed,
        steps=dials.steps,
        save_at=checkpoint_steps(dials.steps),
        entities=titles,
        learned_after=dict(dials.learned_after),
        held_vectors=aligned_vectors(step.world()),
        config=training_config(dials),
        progress=step.progress,
    )
    step.writer.write(losses, LOSS_LOG)


def retrained_answers(step: Step, block: str) -> None:
    """Train the model again without a block of statements, and ask it every fact."""
    from factroots_dagster.yardstick.retraining import answer_without

    splits = {language: step.read("mlama_split", language) for language in step.settings.active_languages}
    settings = step.settings
    answers = answer_without(
        step.world(),
        block,
        splits,
        seed=settings.training_seed,
        own_blocks=settings.sandbox_blocks,
        progress=step.progress,
    )
    step.writer.write(answers, RETRAINED_ANSWERS)


def counterfactual_truth(step: Step) -> None:
    """Tell from all retrained models what every fact was known from."""
    from factroots_dagster.sandbox.blocks import COMPLETE, block_names
    from factroots_dagster.yardstick.counterfactual import counterfactual_truth as tell_causes

    answers = {
        block: step.read("retrained_answers", block) for block in block_names(step.settings.sandbox_blocks)
    }
    complete = answers.pop(COMPLETE)
    step.writer.write(tell_causes(complete, answers.values()), COUNTERFACTUAL_TRUTH)
