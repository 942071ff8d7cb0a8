"""The templates and parser functions of one Wikipedia, and what a reader sees of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from factroots_dagster.corpora.wikipedia.markup.arguments import Arguments
from factroots_dagster.corpora.wikipedia.markup.countries import country_names
from factroots_dagster.corpora.wikipedia.markup.magic_words import function_names
from factroots_dagster.corpora.wikipedia.markup.patterns import Renderer, compile_pattern
from factroots_dagster.corpora.wikipedia.markup.renderers import (
    LANGUAGE_RENDERERS,
    RENDERERS,
    language_renderer,
)
from factroots_dagster.corpora.wikipedia.markup.template_names import (
    CHARACTERS,
    COMMON,
    COUNTRY_CODE,
    MAX_CODE_LENGTH,
    read_names,
)
from factroots_dagster.corpora.wikipedia.markup.wiki_habits import (
    CHARACTERS as WIKI_CHARACTERS,
)
from factroots_dagster.corpora.wikipedia.markup.wiki_habits import (
    LANGUAGE_CODE_TEMPLATES,
    LANGUAGE_NAMES,
    RELATED,
    SELF_NAMED,
    SELF_NAMED_COUNTRIES,
    TITLE_PREFIXES,
)
from factroots_dagster.corpora.wikipedia.markup.wiki_templates import WIKIS


@dataclass(frozen=True)
class Dialect:
    """What names mean in the wiki of a language.

    renderers: of templates, by folded name; characters: those that stand for characters. functions: English
    names of parser functions and title variables, by folded name. countries: names by code. self_named:
    templates that show their own names; prefixes: what the titles of those begin with that show the rest.
    """

    language: str
    renderers: Mapping[str, Renderer]
    characters: Mapping[str, str]
    functions: Mapping[str, str]
    countries: Mapping[str, str]
    self_named: frozenset[str]
    prefixes: tuple[str, ...]

    def render_by_title(self, title: str, body: str | None = None) -> str:
        """What is seen of a template that names what it shows; empty of any other.

        body: what is behind its first bar; None without one.
        """
        if len(title) <= MAX_CODE_LENGTH and (code := COUNTRY_CODE.fullmatch(title)):
            country = self.countries.get(code[1], "")
            return _label_of_flag(Arguments(body), country) if body and country else country
        if title in self.self_named and body is None:
            return title
        return next((title.removeprefix(prefix) for prefix in self.prefixes if title.startswith(prefix)), "")


def _label_of_flag(arguments: Arguments, country: str) -> str:
    """What is seen of a country's template with arguments: nothing (`#`), words of its own, or its name."""
    words = arguments.at(0)
    if words == "#":
        return ""
    return words if len(words) > 2 and words.isalpha() and not words.isupper() else country


@lru_cache(maxsize=64)
def dialect_of(language: str) -> Dialect:
    """The dialect of the wiki with this code; a variant's is that of its language (`zh-yue`: `zh`)."""
    code = language if language in WIKIS else language.split("-")[0]
    countries = country_names(code)
    renderers = {
        name: _renderer(kind, code, countries)
        for table in (COMMON, WIKIS.get(RELATED.get(code, ""), {}), WIKIS.get(code, {}))
        for kind, names in table.items()
        for name in read_names(names)
    }
    own = set(read_names(SELF_NAMED.get(code, "")))
    if code in SELF_NAMED_COUNTRIES:
        own.update(countries.values())
    if code in LANGUAGE_CODE_TEMPLATES:
        renderers |= {name: compile_pattern(f"{words} {{1}}") for name, words in _language_names(code)}
    return Dialect(
        code,
        renderers,
        CHARACTERS | WIKI_CHARACTERS.get(code, {}),
        function_names(code),
        countries,
        frozenset(own),
        TITLE_PREFIXES.get(code, ()),
    )


def _renderer(kind: str, language: str, countries: Mapping[str, str]) -> Renderer:
    """The renderer that a key of the tables of templates stands for."""
    if kind in RENDERERS:
        return RENDERERS[kind]
    if kind in LANGUAGE_RENDERERS:
        return LANGUAGE_RENDERERS[kind](language, countries)
    if kind == "name of the language":
        return language_renderer(dict(_language_names(language)))
    return compile_pattern(kind)


def _language_names(language: str) -> Iterator[tuple[str, str]]:
    for pair in LANGUAGE_NAMES.get(language, "").split():
        code, _, name = pair.partition(":")
        yield code, name
