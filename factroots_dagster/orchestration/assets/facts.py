"""Group `mlama`: the facts of every language, and what any P@1 on them must be read against."""

from __future__ import annotations

from factroots_dagster.facts.schema import (
    FACT_COVERAGE,
    FURTHER_TEMPLATES,
    MLAMA_OBJECTS,
    MLAMA_SPLIT,
    QUESTION_TEMPLATES,
)
from factroots_dagster.orchestration.assets.sources import RELEASE_FOLDER
from factroots_dagster.orchestration.assets.step import Step


def mlama_split(step: Step, language: str) -> None:
    """Read one language of the release."""
    from factroots_dagster.facts.mlama.sample import sample_split
    from factroots_dagster.facts.mlama.split import (
        read_further_templates,
        read_question_templates,
        read_split,
    )
    from factroots_dagster.facts.objects import count_objects

    release = step.input_folder("mlama_release") / RELEASE_FOLDER
    table = read_split(release, language, step.settings.relations)
    if step.settings.sample:
        step.writer.write(count_objects(table), MLAMA_OBJECTS, side="objects")
        table = sample_split(table, release, step.settings.sample, step.settings.sample_seed)
    step.writer.write(table, MLAMA_SPLIT)
    further = read_further_templates(release, language, step.settings.relations)
    if further.num_rows:
        step.writer.write(further, FURTHER_TEMPLATES, side="further_templates")
    questions = read_question_templates(release, language, step.settings.relations)
    if questions.num_rows:
        step.writer.write(questions, QUESTION_TEMPLATES, side="question_templates")


def fact_coverage(step: Step) -> None:
    """Count which fact exists in which language."""
    from factroots_dagster.facts.coverage import count_coverage

    languages = step.languages_with("mlama_split")
    table = count_coverage(
        (step.read("mlama_split", language), step.find_side("objects", "mlama_split", language))
        for language in languages
    )
    step.writer.write(table, FACT_COVERAGE)
