"""Groups `wikipedia` and `tracing`: from a dump to the passages that a language's facts can come from."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.orchestration.assets.sources import DUMP_FOLDER
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.tracing.schema import WIKIPEDIA_VOLUME


def wikipedia_articles(step: Step, language: str) -> None:
    """Read a dump's articles and redirects, and the documents of other corpora, as plain text."""
    from factroots_dagster.corpora.registry import write_all_documents

    dump, lists = _read_dump(step, language), step.settings.wikipedia_lists
    write_all_documents(step.session, dump, step.folder, lists=lists, progress=step.progress)


def wikipedia_volume(step: Step, language: str) -> None:
    """Count what there is to read in one Wikipedia."""
    from factroots_dagster.tracing.volume import measure_volume

    articles = step.input_folder("wikipedia_articles", language)
    mentions = step.input_folder("entity_mentions", language)
    step.writer.write(measure_volume(_read_dump(step, language), articles, mentions), WIKIPEDIA_VOLUME)


def entity_mentions(step: Step, language: str) -> None:
    """Find the names of the facts' entities in the articles."""
    from factroots_dagster.tracing.mentions import write_mentions

    tokenizer = step.settings.wordpiece_checkpoint
    if tokenizer and step.store.exists("checkpoint", tokenizer):
        step.input_folder("checkpoint", tokenizer)
    write_mentions(
        step.session(),
        step.input_folder("wikipedia_articles", language),
        step.read("mlama_split", language),
        step.folder,
        tokenizer_json=step.model_resource().tokenizer_json(tokenizer) if tokenizer else None,
        progress=step.progress,
    )


def fact_sources(step: Step, language: str) -> None:
    """Find the windows that name both the subject and the object of a fact."""
    from factroots_dagster.tracing.sources import write_sources

    write_sources(
        step.session(),
        step.input_folder("wikipedia_articles", language),
        step.input_folder("entity_mentions", language),
        step.read("mlama_split", language),
        step.folder,
        progress=step.progress,
    )


def _read_dump(step: Step, language: str) -> pa.Table:
    from factroots_dagster.corpora.wikipedia.dump import make_absolute

    folder = step.input_folder("wikipedia_dump", language) / DUMP_FOLDER
    return make_absolute(step.read("wikipedia_dump", language), folder)
