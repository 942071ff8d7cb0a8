"""The table of planted truth."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from factroots_dagster.sandbox.planted import plant_truth
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.schema import PLANTED_TRUTH


def planted_truth_table(world: World, languages: Collection[str] | None = None) -> pa.Table:
    """One row per fact and language (schema.PLANTED_TRUTH), in the world's order of languages and facts.

    `languages` are those that a model is trained on, by default all of the world's. A fact cannot be
    transferred from a language that the model never reads, so kinds and sources depend on these alone.
    """
    truth = plant_truth(world.plan, world.languages, languages)
    rows = []
    for code, cells in truth.items():
        mentioned_uris = _mentioned_uris(world, code)
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
