"""Group `analysis`: which languages know the same facts, how alike they answer, and which knew first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.models.registry import registered
from factroots_dagster.models.runs import Run, find_runs
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.probing.schema import LANGUAGE_CONSISTENCY
from factroots_dagster.roots.corpora import WINDOW_COLUMNS
from factroots_dagster.roots.timeline.schema import KNOWLEDGE_TIMELINE, LANGUAGE_LAGS, TIMELINE_LANGUAGES

if TYPE_CHECKING:
    from factroots_dagster.roots.timeline.answers import LanguageAnswers


def language_clusters(step: Step, checkpoint: str) -> None:
    """Cluster the languages by the facts that both predict."""
    from factroots_dagster.languages.clusters import language_clusters as cluster_languages
    from factroots_dagster.languages.geography import MLAMA_PLACES
    from factroots_dagster.sandbox.dials import languages_of
    from factroots_dagster.sandbox.places import places

    settings = step.settings
    languages = step.languages_with("predictions", checkpoint)
    pairs, members, mantel = cluster_languages(
        {language: step.read("predictions", checkpoint, language) for language in languages},
        places=places(languages_of(settings.dials)) if settings.generated else MLAMA_PLACES,
        seed=settings.sandbox_seed,
    )
    step.writer.write(pairs, LANGUAGE_CLUSTERS)
    step.writer.write(members, CLUSTER_MEMBERS, side="members")
    step.writer.write(mantel, MANTEL, side="mantel")


def knowledge_timeline(step: Step) -> None:
    """Trace the facts of every run over those of its checkpoints that were asked."""
    from factroots_dagster.roots.timeline.timeline import join_timelines, trace_knowledge

    checkpoints = registered(step.settings)
    asked = [checkpoints[key] for key in step.store.folders("predictions") if key in checkpoints]
    if not asked:
        step.store.require("predictions", next(iter(checkpoints), "none"), step.settings.active_languages[0])
    facts, lags, languages = join_timelines(
        trace_knowledge(run.name, list(_collect_answers(step, run))) for run in find_runs(asked)
    )
    step.writer.write(facts, KNOWLEDGE_TIMELINE)
    step.writer.write(lags, LANGUAGE_LAGS, side="lags")
    step.writer.write(languages, TIMELINE_LANGUAGES, side="languages")


def _collect_answers(step: Step, run: Run) -> Iterator[LanguageAnswers]:
    """What a run's checkpoints answer in every language that has sources."""
    from factroots_dagster.roots.timeline.answers import collect_answers

    (model,) = step.read("checkpoint", run.name).to_pylist()
    answers, names = ["uuid", "full_match"], ["uuid", "relation", "object_uri"]
    for language in step.settings.active_languages:
        predictions = {
            number: step.read("predictions", key, language, columns=answers)
            for number, key in run.checkpoints.items()
            if step.store.exists("predictions", key, language)
        }
        if predictions and step.store.exists("fact_sources", language):
            yield collect_answers(
                language,
                step.read("mlama_split", language, columns=names),
                predictions,
                step.read("fact_sources", language, columns=WINDOW_COLUMNS),
                corpora=model["corpora"],
                trained_on=model["corpus"],
            )


def language_consistency(step: Step, checkpoint: str) -> None:
    """Compare how two languages rank the candidates of the same facts."""
    from factroots_dagster.probing.consistency import language_consistency as compare_languages

    entities = ["uuid", "relation", "subject_uri", "object_uri"]
    languages = step.languages_with("predictions", checkpoint)
    tables = (
        (
            language,
            step.read("predictions", checkpoint, language, columns=["uuid", "ranking"]),
            step.read("mlama_split", language, columns=entities),
        )
        for language in languages
    )
    step.writer.write(compare_languages(tables, seed=step.settings.sandbox_seed), LANGUAGE_CONSISTENCY)
