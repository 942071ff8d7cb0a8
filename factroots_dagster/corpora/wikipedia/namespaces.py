"""Namespaces of a wiki: which link prefixes hide a link from the prose, and what a title's prefix means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from factroots_dagster.corpora.wikipedia.markup.magic_words import CATEGORIES, FILES, fold_name, magic_words
from factroots_dagster.corpora.wikipedia.namespace_names import LANGUAGE_CODES, NAMESPACE_NUMBERS

MEDIA_KEY, FILE_KEY, CATEGORY_KEY = -2, 6, 14
"""MediaWiki's numbers of the namespaces, the same in every wiki."""


@dataclass(frozen=True)
class Namespaces:
    """Folded link prefixes of one wiki.

    Links with the prefixes of files, categories and languages are not part of its prose; of links to media
    (sounds that are played) only the label is. `numbers`: those of all namespaces by name, for titles.
    """

    language: str
    files: frozenset[str]
    categories: frozenset[str]
    media: frozenset[str] = frozenset({"media"})
    languages: frozenset[str] = LANGUAGE_CODES
    numbers: Mapping[str, int] = field(default_factory=dict, hash=False)

    @classmethod
    def for_wiki(cls, language: str, siteinfo: Sequence[tuple[int, str]] = ()) -> Namespaces:
        """The prefixes of the wiki in `language` whose siteinfo lists its namespaces (number, name)."""
        code = language.split("-")[0]
        own = [(number, fold_name(name)) for number, name in siteinfo if name]

        def prefixes(key: int, words: frozenset[str]) -> frozenset[str]:
            return words | {name for number, name in own if number == key}

        files = prefixes(FILE_KEY, magic_words(code, FILES))
        categories = prefixes(CATEGORY_KEY, magic_words(code, CATEGORIES))
        media = prefixes(MEDIA_KEY, frozenset({"media"}))
        numbers = NAMESPACE_NUMBERS | dict.fromkeys(files, FILE_KEY) | dict.fromkeys(categories, CATEGORY_KEY)
        numbers |= {name: number for number, name in own}
        return cls(language, files, categories, media, numbers=numbers)

    def number_of(self, title: str) -> int:
        """The namespace of a page by the prefix of its title: 0, of articles, without a known prefix."""
        prefix, colon, _ = title.partition(":")
        return self.numbers.get(fold_name(prefix), 0) if colon else 0
