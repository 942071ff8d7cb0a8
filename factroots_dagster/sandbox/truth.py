"""The table of planted truth."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

import pyarrow as pa

from factroots_dagster.sandbox.alignment import aligned_entities
from factroots_dagster.sandbox.planted import SPELT_ALIKE, plant_truth
from factroots_dagster.sandbox.records import PlantedTruth, World
from factroots_dagster.sandbox.schema import CROSSINGS, PLANTED_TRUTH


def planted_truth_table(world: World, languages: Collection[str] | None = None) -> pa.Table:
    """One row per fact and language (schema.PLANTED_TRUTH), in the world's order of languages and facts.

    `languages` are those that a model is trained on, by default all of the world's. A fact cannot be
    transferred from a language that the model never reads, so kinds and sources depend on these alone.
    """
    truth = plant_truth(world.plan, world.languages, languages)
    enters_after, aligned = dict(world.dials.learned_after), aligned_entities(world)
    rows = []
    for code, cells in truth.items():
        mentioned_uris = _mentioned_uris(world, code)
        crossings = _crossings(world, code, truth, aligned)
        for fact in world.facts:
            planted = cells[fact.uuid]
            others = {
                other: enters_after.get(other, 0)
                for other in truth
                if other != code and truth[other][fact.uuid].stated
            }
            first = min(others.values(), default=None)
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
                    "read_after": enters_after.get(code, 0) if planted.stated else None,
                    "read_elsewhere_after": first,
                    "first_read_in": [other for other, after in others.items() if after == first],
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


def _crossings(
    world: World,
    code: str,
    truth: Mapping[str, Mapping[str, PlantedTruth]],
    aligned: Mapping[str, set[str]],
) -> dict[str, str]:
    """Fact to the first of schema.CROSSINGS that the statements of other languages in `truth` offer it.

    aligned: see `aligned_entities`.
    """
    found: dict[str, set[str]] = {fact.uuid: set() for fact in world.facts}
    for uuid, way in _ways_to_cross(world, code, truth, aligned):
        found[uuid].add(way)
    return {uuid: min(ways, key=CROSSINGS.index) for uuid, ways in found.items() if ways}


def _ways_to_cross(
    world: World,
    code: str,
    truth: Mapping[str, Mapping[str, PlantedTruth]],
    aligned: Mapping[str, set[str]],
) -> Iterator[tuple[str, str]]:
    """(uuid, way), some of them several times."""
    subjects = {fact.uuid: fact.subject_uri for fact in world.facts}
    others = [other for other in truth if other != code]
    for fact in world.facts:
        stating = [other for other in others if truth[other][fact.uuid].stated]
        both = {fact.subject_uri, fact.object_uri}
        if any(both <= aligned[code] & aligned[other] for other in stating):
            yield fact.uuid, "alignment"
    if not world.dials.shared_pieces:
        return
    for uuid, cell in truth[code].items():
        if cell.name_link in SPELT_ALIKE:
            yield uuid, "pieces"
    for other in others:
        for uuid, plan in world.plan.cells[other].items():
            if plan.parallel and world.languages[other].script == world.languages[code].script:
                yield uuid, "parallel_articles"
        for sentence in (sentence for article in world.articles[other] for sentence in article.sentences):
            subject = subjects.get(sentence.fact or "")
            names = [mention for mention in sentence.mentions if mention.uri == subject]
            if names and names[-1].title and names[-1].label == world.labels[code][names[-1].uri]:
                yield str(sentence.fact), "bilingual_lead" if len(names) > 1 else "code_switching"
