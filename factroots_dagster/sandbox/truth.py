"""The table of planted truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

from factroots_dagster.sandbox.planted import SPELT_ALIKE, plant_truth
from factroots_dagster.sandbox.records import PlantedTruth, World
from factroots_dagster.sandbox.schema import CROSSINGS, PLANTED_TRUTH


def planted_truth_table(world: World, languages: Collection[str] | None = None) -> pa.Table:
    """One row per fact and language (schema.PLANTED_TRUTH), in the world's order of languages and facts.

    `languages` are those that a model is trained on, by default all of the world's. A fact cannot be
    transferred from a language that the model never reads, so kinds and sources depend on these alone.
    """
    truth = plant_truth(world.plan, world.languages, languages)
    rows = []
    for code, cells in truth.items():
        mentioned_uris = _mentioned_uris(world, code)
        crossings = _crossings(world, code, truth)
        for fact in world.facts:
            planted = cells[fact.uuid]
            rows.append(
                {
                    "uuid": fact.uuid,
                    "language": code,
                    "relation": fact.relation,
                    "kind": planted.kind,
                    "stated": planted.stated,
                    "linked_source": planted.linked_source,
                    "fact_kind": fact.kind,
                    "stated_how": planted.stated_how,
                    "mentioned": fact.subject_uri in mentioned_uris,
                    "distractor": planted.distractor,
                    "name_link": planted.name_link,
                    "namesake": planted.namesake,
                    "crossing": crossings.get(fact.uuid),
                    "contradicted": planted.contradicted,
                }
            )
    return pa.Table.from_pylist(rows, schema=PLANTED_TRUTH)


def _mentioned_uris(world: World, code: str) -> set[str]:
    """The entities that a language's articles name."""
    return {
        mention.uri
        for article in world.articles[code]
        for sentence in article.sentences
        for mention in sentence.mentions
    }


def _crossings(world: World, code: str, truth: Mapping[str, Mapping[str, PlantedTruth]]) -> dict[str, str]:
    """Fact to the first of schema.CROSSINGS that the statements of other languages in `truth` offer it."""
    if not world.dials.shared_pieces:
        return {}
    subjects = {fact.uuid: fact.subject_uri for fact in world.facts}
    found: dict[str, set[str]] = {uuid: set() for uuid in subjects}
    for uuid, cell in truth[code].items():
        if cell.name_link in SPELT_ALIKE:
            found[uuid].add("pieces")
    for other in set(truth) - {code}:
        for uuid, plan in world.plan.cells[other].items():
            if plan.parallel and world.languages[other].script == world.languages[code].script:
                found[uuid].add("parallel_articles")
        for sentence in (sentence for article in world.articles[other] for sentence in article.sentences):
            subject = subjects.get(sentence.fact or "")
            names = [mention for mention in sentence.mentions if mention.uri == subject]
            if names and names[-1].title and names[-1].label == world.labels[code][names[-1].uri]:
                found[str(sentence.fact)].add("bilingual_lead" if len(names) > 1 else "code_switching")
    return {uuid: min(ways, key=CROSSINGS.index) for uuid, ways in found.items() if ways}
