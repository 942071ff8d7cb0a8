"""Worlds of about 30 facts, and what tests count in them."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Iterator
from typing import Any

from factroots_dagster.sandbox.dials import Dials
from factroots_dagster.sandbox.records import Article, Mention, Sentence, World
from factroots_dagster.sandbox.world import generate

PLAIN = Dials(
    relations=4, facts_per_relation=8, cognates=0.0, unrelated=0.0, exonyms=0.0, namesakes=0.0, alignment=0.0,
    local_facts=0.0, bilingual_leads=0.0, parallel_articles=0.0, code_switching=0.0, loanwords=0.0,
    object_skew=0.0, popularity=0.0, passing_statements=0.0, answers=1, contradictions=0.0, wordings=2,
    bare_statements=0.0, inflection=0.0, hidden_statements=0.0, missed_statements=0.0,
    chance_cooccurrence=0.0,
)  # fmt: skip
"""A world of 32 facts in which nothing special happens."""


@functools.cache
def small_world(seed: int = 1, **dials: Any) -> World:
    """The plain world with some dials turned."""
    return generate(seed, dataclasses.replace(PLAIN, **dials))


def articles_of(world: World) -> Iterator[tuple[str, Article]]:
    """(language, article) of all articles."""
    for code in world.languages:
        for article in world.articles[code]:
            yield code, article


def sentences_of(world: World, *languages: str) -> list[tuple[str, Sentence]]:
    """(language, sentence) of all sentences, those in markup too."""
    return [
        (code, sentence)
        for code, article in articles_of(world)
        if not languages or code in languages
        for sentence in article.sentences
    ]


def mentions_of(world: World, *languages: str) -> list[tuple[str, Mention]]:
    """(language, mention) of all mentions."""
    return [
        (code, found) for code, sentence in sentences_of(world, *languages) for found in sentence.mentions
    ]


def statements_of(world: World) -> dict[tuple[str, str], list[Sentence]]:
    """(uuid, language) to the sentences that state the fact there."""
    found: dict[tuple[str, str], list[Sentence]] = {}
    for code, sentence in sentences_of(world):
        if sentence.fact:
            found.setdefault((sentence.fact, code), []).append(sentence)
    return found


def share(flags: list[bool]) -> float:
    """The share of true flags."""
    return sum(flags) / len(flags)
