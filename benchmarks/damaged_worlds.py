"""Worlds whose text was damaged after a model had learnt from it, as seen by what looks for sources.

Statements are taken out, so that they are missed, and subjects meet their objects where nothing is stated.
Chance meetings are those of the facts' own pairs, which no pair of names that was put together at random
shows: the hardest kind.
"""

from __future__ import annotations

import dataclasses
import zlib
from collections.abc import Callable

import numpy as np

from factroots_dagster.sandbox.leave_out import stating_languages
from factroots_dagster.sandbox.lexicon import NEUTRAL_FILLERS, PAIR_FILLERS, SUBJECT_FILLERS
from factroots_dagster.sandbox.records import Article, ArticleSection, Fact, Mention, Sentence, World
from factroots_dagster.sandbox.sentences import SentenceWriter, join

SENTENCES, FACTS = "sentences", "facts"
MEETINGS = ("sentence", "list", "passage")


@dataclasses.dataclass(frozen=True)
class Damage:
    """What happens to a world's text.

    missed: the share of what states a fact that is taken out. of: SENTENCES, each for itself, or FACTS, of
    which a language then has no statement at all. chance: the share of the facts that a language does not
    state whose subject and object meet in it. seed: draws both.
    """

    missed: float
    of: str
    chance: float
    seed: int


def damage_world(world: World, damage: Damage) -> World:
    """The world with damaged articles; plan, labels and truth are as they were."""
    stating = stating_languages(world)
    articles = {}
    for code in world.languages:
        random = np.random.default_rng([damage.seed, world.seed, zlib.crc32(code.encode())])
        lost = {fact.uuid for fact in world.facts if random.random() < damage.missed}

        def is_lost(sentence: Sentence, lost: set[str] = lost, random: np.random.Generator = random) -> bool:
            if damage.of == FACTS:
                return sentence.fact in lost
            return sentence.fact is not None and bool(random.random() < damage.missed)

        kept = [_without(article, is_lost) for article in world.articles[code]]
        meeting = [
            fact for fact in world.facts if code not in stating[fact.uuid] and random.random() < damage.chance
        ]
        articles[code] = tuple(_add_meetings(world, code, kept, meeting, random))
    return dataclasses.replace(world, articles=articles)


def _without(article: Article, is_lost: Callable[[Sentence], bool]) -> Article:
    sections = []
    for section in article.sections:
        kept = (
            tuple(sentence for sentence in paragraph if not is_lost(sentence))
            for paragraph in section.paragraphs
        )
        paragraphs = tuple(paragraph for paragraph in kept if paragraph)
        if paragraphs:
            sections.append(dataclasses.replace(section, paragraphs=paragraphs))
    return dataclasses.replace(article, sections=tuple(sections))


def _add_meetings(
    world: World, code: str, articles: list[Article], facts: list[Fact], random: np.random.Generator
) -> list[Article]:
    """The articles, with a section for every fact whose names are to meet: of its subject, or its object."""
    writer = SentenceWriter(random, world.languages[code], world.labels, world.dials)
    number_of = {article.uri: number for number, article in enumerate(articles) if article.uri}
    added = list(articles)
    for fact in facts:
        number = number_of[fact.subject_uri if fact.subject_uri in number_of else fact.object_uri]
        section = _meeting(writer, fact, str(random.choice(MEETINGS)))
        added[number] = dataclasses.replace(added[number], sections=(*added[number].sections, section))
    return added


def _meeting(writer: SentenceWriter, fact: Fact, kind: str) -> ArticleSection:
    """A sentence with both names, a list with both as items, or sentences of which two name one each."""
    pair, random = (fact.subject_uri, fact.object_uri), writer.random
    paragraphs: tuple[tuple[Sentence, ...], ...]
    if kind == "sentence":
        paragraphs = ((writer.write(str(random.choice(PAIR_FILLERS)), *pair),),)
    elif kind == "list":
        items = [join([Mention(uri, writer.labels[uri])]) for uri in pair]
        return ArticleSection(None, tuple((item,) for item in items), listed=True)
    else:
        first, last = (writer.write(str(random.choice(SUBJECT_FILLERS)), uri) for uri in pair)
        paragraphs = ((first, writer.write(str(random.choice(NEUTRAL_FILLERS))), last),)
    return ArticleSection(None, paragraphs)
