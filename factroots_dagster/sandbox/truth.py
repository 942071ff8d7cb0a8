"""The table of planted truth."""

from __future__ import annotations

from collections.abc import Collection

import pyarrow as pa

from factroots_dagster.sandbox.languages import linked
from factroots_dagster.sandbox.model import World
from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.sandbox.world import cell_kind


def planted_truth(world: World, languages: Collection[str] | None = None) -> pa.Table:
    """One row for every fact and language (schema.PLANTED_TRUTH), sorted by language, relation and line.

    `languages` are those that a model is trained on, all of the world's by default: what only another
    language states cannot be carried over, so kinds and sources are told among these alone.
    """
    chosen = [code for code in world.languages if languages is None or code in languages]
    named = {
        code: {
            part.uri
            for article in world.articles[code]
            for sentence in article.sentences
            for part in sentence.parts
            if not isinstance(part, str)
        }
        for code in chosen
    }
    rows = []
    for code in chosen:
        for fact in world.facts:
            cell = world.cells[code][fact.uuid]
            partners = (
                [other for other in linked(code) if other in chosen] if fact.kind != "independent" else []
            )
            sources = [other for other in partners if world.cells[other][fact.uuid].stated]
            anywhere = any(world.cells[other][fact.uuid].stated for other in chosen)
            rows.append(
                {
                    "uuid": fact.uuid,
                    "language": code,
                    "relation": fact.relation,
                    "kind": cell_kind(fact.kind, cell.stated, bool(partners), bool(sources), anywhere),
                    "stated": cell.stated,
                    "linked_source": sources[0] if sources else None,
                    "fact_kind": fact.kind,
                    "stated_how": cell.stated_how,
                    "mentioned": fact.subject_uri in named[code],
                    "distractor": cell.distractor,
                }
            )
    return pa.Table.from_pylist(rows, schema=PLANTED_TRUTH)
