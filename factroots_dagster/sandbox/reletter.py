"""Rewrites a world so that every language has an alphabet of its own: the negative control.

The letters become Hangul syllables: a block of 400 for each language. Private-use characters would not do,
since BERT's tokenizer drops them. Digits, spaces and punctuation stay.
"""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from factroots_dagster.sandbox.articles import Article, Mention, Section, Sentence
from factroots_dagster.sandbox.languages import CODES

if TYPE_CHECKING:
    from factroots_dagster.sandbox.world import World

_HANGUL, _BLOCK = 0xAC00, 400


def reletter_text(text: str, code: str) -> str:
    """`text` in the alphabet of language `code`; the slots [X] and [Y] stay."""
    start = _HANGUL + _BLOCK * CODES.index(code)
    letters = []
    for position, character in enumerate(text):
        if not character.isalpha() or text[max(0, position - 1) : position + 2] in ("[X]", "[Y]"):
            letters.append(character)
            continue
        point = ord(character)
        offset = point - 0x41 if point < 0x80 else point - 0x370 if point < 0x400 else point - 0x400
        letters.append(chr(start + offset))
    return "".join(letters)


def reletter(world: World) -> World:
    """The same world with every label, template and sentence in its language's own alphabet."""
    return dataclasses.replace(
        world,
        disjoint=True,
        labels={
            code: {uri: reletter_text(label, code) for uri, label in labels.items()}
            for code, labels in world.labels.items()
        },
        templates={
            code: {relation: reletter_text(template, code) for relation, template in templates.items()}
            for code, templates in world.templates.items()
        },
        articles={
            code: tuple(_article(article, code) for article in articles)
            for code, articles in world.articles.items()
        },
        redirects={
            code: {reletter_text(title, code): reletter_text(target, code) for title, target in pairs.items()}
            for code, pairs in world.redirects.items()
        },
    )


def _article(article: Article, code: str) -> Article:
    sections = tuple(
        Section(
            reletter_text(section.title, code) if section.title else None,
            tuple(tuple(_sentence(sentence, code) for sentence in group) for group in section.paragraphs),
            section.listed,
        )
        for section in article.sections
    )
    return Article(
        reletter_text(article.title, code), article.uri, reletter_text(article.topic, code), sections
    )


def _sentence(sentence: Sentence, code: str) -> Sentence:
    parts = tuple(
        reletter_text(part, code)
        if isinstance(part, str)
        else Mention(part.uri, reletter_text(part.label, code))
        for part in sentence.parts
    )
    return Sentence(parts, sentence.fact)
