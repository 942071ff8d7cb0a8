"""The negative control: the same world with an alphabet of its own for every language.

Letters are replaced by Hangul syllables, a block for each language. Private-use characters would not do,
since BERT's tokenizer drops them. Digits, spaces and punctuation stay.
"""

from __future__ import annotations

import dataclasses
import unicodedata
from collections.abc import Iterable

from factroots_dagster.sandbox.records import Article, Mention, Sentence, World

_HANGUL_START, _INVENTED_BLOCK_SIZE = 0xAC00, 400
_LATIN_START, _GREEK_START, _CYRILLIC_START = 0x41, 0x370, 0x400


class _Alphabet:
    """Replaces the letters of one language by its own; the slots [X] and [Y] stay."""

    def __init__(self, letters: dict[str, str]) -> None:
        self.letters = letters

    def spell(self, text: str) -> str:
        return "".join(
            character
            if text[max(0, position - 1) : position + 2] in ("[X]", "[Y]")
            else self.letters.get(character, character)
            for position, character in enumerate(text)
        )

    def spell_values(self, texts: dict[str, str]) -> dict[str, str]:
        return {key: self.spell(text) for key, text in texts.items()}

    def spell_article(self, article: Article) -> Article:
        sections = tuple(
            dataclasses.replace(
                section,
                title=self.spell(section.title) if section.title else None,
                paragraphs=tuple(
                    tuple(self._spell_sentence(sentence) for sentence in paragraph)
                    for paragraph in section.paragraphs
                ),
            )
            for section in article.sections
        )
        return Article(self.spell(article.title), article.uri, self.spell(article.topic), sections)

    def _spell_sentence(self, sentence: Sentence) -> Sentence:
        parts = tuple(
            self.spell(part)
            if isinstance(part, str)
            else Mention(part.uri, self.spell(part.label), self.spell(part.title) if part.title else None)
            for part in sentence.parts
        )
        return Sentence(parts, sentence.fact)


def with_disjoint_alphabets(world: World) -> World:
    """The same world with every label, template and article in its language's own alphabet."""
    alphabets = _make_alphabets(world)
    return dataclasses.replace(
        world,
        labels={code: alphabets[code].spell_values(labels) for code, labels in world.labels.items()},
        templates={code: alphabets[code].spell_values(texts) for code, texts in world.templates.items()},
        articles={
            code: tuple(alphabets[code].spell_article(article) for article in articles)
            for code, articles in world.articles.items()
        },
        redirects={
            code: {
                alphabets[code].spell(title): alphabets[code].spell(target) for title, target in pairs.items()
            }
            for code, pairs in world.redirects.items()
        },
    )


def _make_alphabets(world: World) -> dict[str, _Alphabet]:
    """An alphabet per language; no two have a letter in common."""
    alphabets, start = {}, _HANGUL_START
    for code, language in world.languages.items():
        letters = _letters_of(_texts_of(world, code))
        if language.invented:
            alphabets[code] = _Alphabet({letter: chr(start + _offset(letter)) for letter in letters})
            start += _INVENTED_BLOCK_SIZE
        else:
            alphabets[code] = _Alphabet(
                {letter: chr(start + number) for number, letter in enumerate(letters)}
            )
            start += len(letters)
    return alphabets


def _offset(letter: str) -> int:
    """The place of a made-up language's letter in its block, as in the first release."""
    point = ord(letter)
    if point < 0x80:
        return point - _LATIN_START
    return point - (_GREEK_START if point < _CYRILLIC_START else _CYRILLIC_START)


def _texts_of(world: World, code: str) -> Iterable[str]:
    yield from world.labels[code].values()
    yield from world.templates[code].values()
    for title, target in world.redirects[code].items():
        yield from (title, target)
    for article in world.articles[code]:
        yield from (article.title, article.topic)
        yield from (section.title for section in article.sections if section.title)
        for sentence in article.sentences:
            yield sentence.text
            yield from (mention.title for mention in sentence.mentions if mention.title)


def _letters_of(texts: Iterable[str]) -> list[str]:
    """All letters and the marks on them."""
    characters = {character for text in texts for character in text}
    return sorted(character for character in characters if unicodedata.category(character)[0] in "LM")
