"""What relations are called: English labels of Wikidata's properties (CC0) that fact sets ask about."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files


@lru_cache(maxsize=1)
def relation_words() -> dict[str, list[str]]:
    """Relation to its English name, and after it other words that people look for it by."""
    words: dict[str, list[str]] = json.loads(files(__package__).joinpath("relations.json").read_text("utf-8"))
    return words


def name_relation(relation: str) -> str:
    """A relation in words; one without a name as it is."""
    return next(iter(relation_words().get(relation, ())), relation)


def describe_relation(relation: str) -> str:
    """A relation in words with its identifier, "place of birth (P19)"; one without a name as it is."""
    return f"{name_relation(relation)} ({relation})" if relation in relation_words() else relation
