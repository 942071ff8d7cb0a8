"""Group `analysis`: which languages know the same facts, what goes with it, and how alike they answer."""

from __future__ import annotations

from factroots_dagster.languages.schema import CLUSTER_MEMBERS, LANGUAGE_CLUSTERS, MANTEL
from factroots_dagster.orchestration.assets.step import Step
from factroots_dagster.probing.schema import LANGUAGE_CONSISTENCY


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
