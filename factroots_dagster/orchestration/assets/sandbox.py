"""Group `sandbox`: in generated worlds only, the planted truth and the training of the checkpoints."""

from __future__ import annotations

from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.sandbox.schema import LOSS_LOG, PLANTED_TRUTH


def planted_truth(step: Step) -> None:
    """List what was planted for every fact and language."""
    from factroots_dagster.sandbox.truth import planted_truth_table

    step.writer.write(planted_truth_table(step.world(), step.settings.active_languages), PLANTED_TRUTH)


def sandbox_training(step: Step) -> None:
    """Train the small BERT on the articles of the world's Wikipedias."""
    import pyarrow.compute as pc

    from factroots_dagster.sandbox.training import train

    texts, titles = {}, {}
    for language in step.settings.active_languages:
        pages = step.read("wikipedia_articles", language, columns=["title", "redirect_to", "text"])
        titles[language] = pages["title"].to_pylist()
        texts[language] = pages.filter(pc.is_null(pages["redirect_to"]))["text"].to_pylist()
    seed = step.settings.sandbox_seed
    losses = train(texts, step.folder, seed=seed, entities=titles, progress=step.progress)
    step.writer.write(losses, LOSS_LOG)
