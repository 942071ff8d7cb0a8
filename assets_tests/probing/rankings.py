"""Tables of rankings in several languages, from orders written as strings of one-letter objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pyarrow as pa

Fact = tuple[str, str, str]
"""uuid, subject, object."""


def asked(
    language: str, facts: Iterable[Fact], orders: Mapping[str, str | None], relation: str = "P36"
) -> tuple[str, pa.Table, pa.Table]:
    """What `language_consistency` reads of a language. orders: by uuid the candidates, best first."""
    rows = list(facts)
    split = pa.table(
        {
            "uuid": [uuid for uuid, _, _ in rows],
            "relation": [relation] * len(rows),
            "subject_uri": [subject for _, subject, _ in rows],
            "object_uri": [target for _, _, target in rows],
        }
    )
    rankings = [list(order) if (order := orders.get(uuid)) else None for uuid, _, _ in rows]
    predictions = pa.table({"uuid": split["uuid"], "ranking": pa.array(rankings, pa.list_(pa.string()))})
    return language, predictions, split
