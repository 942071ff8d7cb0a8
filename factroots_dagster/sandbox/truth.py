"""The table of planted truth."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from factroots_dagster.sandbox.languages import linked_languages
from factroots_dagster.sandbox.records import World
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.sandbox.world import planted_kind


def planted_truth_table(world: World, languages: Collection[str] | None = None) -> pa.Table:
    """One row per fact and language (schema.PLANTED_TRUTH), in the world's order of languages and facts.

    `languages` are those that a model is trained on, by default all of the world's. A fact cannot be
    transferred from a language that the model never reads, so kinds and sources depend on these alone.
    """
    chosen = [code for code in world.languages if languages is None or code in languages]
    rows = []
    for code in chosen:
        mentioned_uris = _mentioned_uris(world, code)
        for fact in world.facts:
            planted = world.truth[code][fact.uuid]
            partners = (
                [other for other in linked_languages(code) if other in chosen]
                if fact.kind != "independent"
                else []
            )
            sources = [other for other in partners if world.truth[other][fact.uuid].stated]
            stated_anywhere = any(world.truth[other][fact.uuid].stated for other in chosen)
            rows.append(
                {
                    "uuid": fact.uuid,
                    "language": code,
                    "relation": fact.relation,
                    "kind": planted_kind(
                        fact.kind,
                        stated=planted.stated,
                        has_link=bool(partners),
                        has_source=bool(sources),
                        stated_anywhere=stated_anywhere,
                    ),
                    "stated": planted.stated,
                    "linked_source": sources[0] if sources else None,
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
        part.uri
        for article in world.articles[code]
        for sentence in article.sentences
        for part in sentence.parts
        if not isinstance(part, str)
    }
