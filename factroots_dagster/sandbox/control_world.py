"""The negative control: the same world with an alphabet of its own for every language.

Letters are replaced by Hangul syllables, a block of 400 per language. Private-use characters would not do,
since BERT's tokenizer drops them. Digits, spaces and punctuation stay.
"""

from __future__ import annotations

import dataclasses

from factroots_dagster.sandbox.languages import CODES
from factroots_dagster.sandbox.records import Article, ArticleSection, Mention, Sentence, World

_HANGUL_START, _BLOCK_SIZE = 0xAC00, 400
_LATIN_START, _GREEK_START, _CYRILLIC_START = 0x41, 0x370, 0x400


def to_own_alphabet(text: str, code: str) -> str:
    """`text` with each letter replaced by one of language `code`'s block; the slots [X] and [Y] stay."""
    block_start = _HANGUL_START + _BLOCK_SIZE * CODES.index(code)
    letters = []
    for position, character in enumerate(text):
        if not character.isalpha() or text[max(0, position - 1) : position + 2] in ("[X]", "[Y]"):
            letters.append(character)
            continue
        point = ord(character)
        if point < 0x80:
            offset = point - _LATIN_START
        elif point < _CYRILLIC_START:
            offset = point - _GREEK_START
        else:
            offset = point - _CYRILLIC_START
        letters.append(chr(block_start + offset))
    return "".join(letters)


def with_disjoint_alphabets(world: World) -> World:
    """The same world with every label, template and article in its language's own alphabet."""
    return dataclasses.replace(
        world,
        disjoint_alphabets=True,
        labels={code: _convert_values(labels, code) for code, labels in world.labels.items()},
        templates={code: _convert_values(templates, code) for code, templates in world.templates.items()},
        articles={
            code: tuple(_convert_article(article, code) for article in articles)
            for code, articles in world.articles.items()
        },
        redirects={
            code: {
                to_own_alphabet(title, code): to_own_alphabet(target, code) for title, target in pairs.items()
            }
            for code, pairs in world.redirects.items()
        },
    )


def _convert_values(texts: dict[str, str], code: str) -> dict[str, str]:
    return {key: to_own_alphabet(text, code) for key, text in texts.items()}


def _convert_article(article: Article, code: str) -> Article:
    sections = tuple(
        ArticleSection(
            to_own_alphabet(section.title, code) if section.title else None,
            tuple(
                tuple(_convert_sentence(sentence, code) for sentence in paragraph)
                for paragraph in section.paragraphs
            ),
            section.listed,
        )
        for section in article.sections
    )
    return Article(
        to_own_alphabet(article.title, code), article.uri, to_own_alphabet(article.topic, code), sections
    )


def _convert_sentence(sentence: Sentence, code: str) -> Sentence:
    parts = tuple(
        to_own_alphabet(part, code)
        if isinstance(part, str)
        else Mention(part.uri, to_own_alphabet(part.label, code))
        for part in sentence.parts
    )
    return Sentence(parts, sentence.fact)
