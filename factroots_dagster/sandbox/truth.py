"""The table of planted truth."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.sandbox.schema import PLANTED_TRUTH
from factroots_dagster.sandbox.world import World


def planted_truth(world: World) -> pa.Table:
    """One row for every fact and language (schema.PLANTED_TRUTH), sorted by language, relation and line."""
    named = {
        code: {
            part.uri
            for article in world.articles[code]
            for sentence in article.sentences
            for part in sentence.parts
            if not isinstance(part, str)
        }
        for code in world.languages
    }
    rows = [
        {
            "uuid": fact.uuid,
            "language": code,
            "relation": fact.relation,
            "kind": cell.kind,
            "stated": cell.stated,
            "linked_source": cell.linked_source,
            "fact_kind": fact.kind,
            "stated_how": cell.stated_how,
            "mentioned": fact.subject_uri in named[code],
            "distractor": cell.distractor,
        }
        for code in world.languages
        for fact in world.facts
        for cell in (world.cells[code][fact.uuid],)
    ]
    return pa.Table.from_pylist(rows, schema=PLANTED_TRUTH)
