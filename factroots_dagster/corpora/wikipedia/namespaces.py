"""Which link prefixes hide a link from the prose: files, categories, links to other languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from factroots_dagster.corpora.wikipedia.namespace_names import CATEGORY_NAMES, FILE_NAMES, LANGUAGE_CODES

FILE_KEY, CATEGORY_KEY = 6, 14
"""MediaWiki's numbers of the namespaces, the same in every wiki."""


def fold_name(name: str) -> str:
    """A namespace name in the form in which links are compared: lower case, single spaces."""
    return " ".join(name.replace("_", " ").lower().split())


@dataclass(frozen=True)
class Namespaces:
    """Folded link prefixes of one wiki: links with these prefixes are not part of its prose."""

    language: str
    files: frozenset[str]
    categories: frozenset[str]
    languages: frozenset[str] = LANGUAGE_CODES

    @classmethod
    def for_wiki(cls, language: str, siteinfo: Sequence[tuple[int, str]] = ()) -> Namespaces:
        """The prefixes of the wiki in `language` whose siteinfo lists its namespaces (number, name)."""

        def prefixes(key: int, known: Mapping[str, str]) -> frozenset[str]:
            own = [name for number, name in siteinfo if number == key]
            fixed = f"{known['']} {known.get(language.split('-')[0], '')}".split()
            return frozenset(fold_name(name) for name in own + fixed)

        return cls(language, prefixes(FILE_KEY, FILE_NAMES), prefixes(CATEGORY_KEY, CATEGORY_NAMES))
