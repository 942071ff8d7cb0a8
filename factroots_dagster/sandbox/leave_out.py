"""Takes the statements of chosen facts out of a world's articles, block by block.

What a model trained without them no longer knows, it knew from them. A block leaves out many facts at once,
so that few retrainings test every fact. Mentions stay: only sentences that state the fact are taken out.

- `own-<n>`: of every fact, its statements in one language (in several where there are more stating languages
  than blocks, then of different scripts as far as possible).
- `everywhere-<n>`: the statements of a part of the facts in all languages. For a language that does not state
  the fact these are exactly the other languages' statements.
- `complete`: nothing is left out.

A block is a replicate of the training for every fact that it leaves alone.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from factroots_dagster.errors import InputError
from factroots_dagster.sandbox.blocks import COMPLETE, EVERYWHERE, EVERYWHERE_BLOCKS, OWN_BLOCKS, block_names
from factroots_dagster.sandbox.records import Article, World

Cell = tuple[str, str]
"""A fact in a language: uuid and language code."""


@dataclass(frozen=True)
class Block:
    """What one retraining leaves out: the statements of these facts in these languages."""

    name: str
    cells: frozenset[Cell]


def plan_block(world: World, name: str, own_blocks: int = OWN_BLOCKS) -> Block:
    """The block of this name.

    own_blocks: in how many blocks each stating language of a fact is left out once. Raises InputError for an
    unknown name.
    """
    if name not in block_names(own_blocks):
        raise InputError(f"unknown block {name!r}", f"choose one of {', '.join(block_names(own_blocks))}")
    kind, _, number = name.partition("-")
    if kind == COMPLETE:
        return Block(name, frozenset())
    stating = stating_languages(world)
    random = np.random.default_rng([world.seed, 8])
    chosen: set[Cell] = set()
    for position, uuid in enumerate(_by_relation(world, random)):
        # Languages of one script follow one another, so that they fall into different blocks.
        languages = sorted(stating[uuid], key=lambda code: world.languages[code].script)
        if kind == EVERYWHERE:
            if position % EVERYWHERE_BLOCKS == int(number) - 1:
                chosen.update((uuid, language) for language in languages)
            continue
        first = int(random.integers(own_blocks))
        chosen.update(
            (uuid, language)
            for rank, language in enumerate(languages)
            if (first + rank) % own_blocks == int(number) - 1
        )
    return Block(name, frozenset(chosen))


def stating_languages(world: World) -> dict[str, list[str]]:
    """Of every fact (uuid) the languages whose articles state it, in the world's order."""
    stating: dict[str, list[str]] = {fact.uuid: [] for fact in world.facts}
    for language in world.languages:
        stated = {sentence.fact for article in world.articles[language] for sentence in article.sentences}
        for uuid in stating:
            if uuid in stated:
                stating[uuid].append(language)
    return stating


def leave_out(world: World, block: Block) -> World:
    """The world without the block's statements; an emptied paragraph or section goes with its title."""
    return dataclasses.replace(
        world,
        articles={
            language: tuple(_without(article, block, language) for article in articles)
            for language, articles in world.articles.items()
        },
    )


def _without(article: Article, block: Block, language: str) -> Article:
    sections = []
    for section in article.sections:
        kept = (
            tuple(sentence for sentence in paragraph if (sentence.fact, language) not in block.cells)
            for paragraph in section.paragraphs
        )
        paragraphs = tuple(paragraph for paragraph in kept if paragraph)
        if paragraphs:
            sections.append(dataclasses.replace(section, paragraphs=paragraphs))
    return dataclasses.replace(article, sections=tuple(sections))


def _by_relation(world: World, random: np.random.Generator) -> Iterator[str]:
    """The facts' uuids, relation after relation, in random order within each."""
    for relation in dict.fromkeys(fact.relation for fact in world.facts):
        uuids = [fact.uuid for fact in world.facts if fact.relation == relation]
        yield from (uuids[index] for index in random.permutation(len(uuids)).tolist())
