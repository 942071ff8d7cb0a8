"""Rewrites a world so that every language has an alphabet of its own: the negative control.

The letters become Hangul syllables: a block of 400 for each language. Private-use characters would not do,
since BERT's tokenizer drops them. Digits, spaces and punctuation stay.
"""

from __future__ import annotations

import dataclasses

from factroots_dagster.sandbox.languages import CODES
from factroots_dagster.sandbox.model import Article, Mention, Section, Sentence, World

_HANGUL, _BLOCK = 0xAC00, 400


def in_own_alphabet(text: str, code: str) -> str:
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


def disjoint_alphabets(world: World) -> World:
    """The same world with every label, template and sentence in its language's own alphabet."""
    return dataclasses.replace(
        world,
        disjoint=True,
        labels={
            code: {uri: in_own_alphabet(label, code) for uri, label in labels.items()}
            for code, labels in world.labels.items()
        },
        templates={
            code: {relation: in_own_alphabet(template, code) for relation, template in templates.items()}
            for code, templates in world.templates.items()
        },
        articles={
            code: tuple(_article(article, code) for article in articles)
            for code, articles in world.articles.items()
        },
        redirects={
            code: {
                in_own_alphabet(title, code): in_own_alphabet(target, code) for title, target in pairs.items()
            }
            for code, pairs in world.redirects.items()
        },
    )


def _article(article: Article, code: str) -> Article:
    sections = tuple(
        Section(
            in_own_alphabet(section.title, code) if section.title else None,
            tuple(tuple(_sentence(sentence, code) for sentence in group) for group in section.paragraphs),
            section.listed,
        )
        for section in article.sections
    )
    return Article(
        in_own_alphabet(article.title, code), article.uri, in_own_alphabet(article.topic, code), sections
    )


def _sentence(sentence: Sentence, code: str) -> Sentence:
    parts = tuple(
        in_own_alphabet(part, code)
        if isinstance(part, str)
        else Mention(part.uri, in_own_alphabet(part.label, code))
        for part in sentence.parts
    )
    return Sentence(parts, sentence.fact)
