"""Words of MediaWiki's markup in the Wikipedias' languages: names of functions, redirects, namespaces.

`magic_words.json` has, by language, the names of the file and category namespaces and their aliases, what a
redirect begins with, the names of parser functions and variables, and the behavior switches that
`wikitext.BEHAVIOR_SWITCH` does not recognize; English names, which hold in every wiki, are here. They are
those of MediaWiki's message files, of its extension ParserFunctions and of the wikis' own settings, in 2022.
Names are folded (`fold_name`). A dump's siteinfo tells the names of namespaces alone.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files

FUNCTIONS = (
    *("formatnum", "lc", "uc", "lcfirst", "ucfirst", "plural"),
    *("#expr", "#if", "#ifeq", "#ifexpr", "#iferror", "#ifexist", "#switch", "#time"),
)
"""Parser functions that the cleaner evaluates, by their English names."""

TITLE_VARIABLES = (
    *("pagename", "fullpagename", "basepagename", "subpagename", "rootpagename", "subjectpagename"),
    "articlepagename",
)
"""Variables that show the page's title, by their English names."""

REDIRECT, FILES, CATEGORIES, SWITCHES, DEFAULT = "redirect", "files", "categories", "switches", "default"
ENGLISH = {
    REDIRECT: ("#redirect",),
    FILES: ("file", "image"),
    CATEGORIES: ("category",),
    DEFAULT: ("#default",),
}
ENGLISH_FUNCTIONS = {name: name for name in (*FUNCTIONS, *TITLE_VARIABLES)} | {
    "#formatdate": "#dateformat",
    "#dateformat": "#dateformat",
    "#ifexists": "#ifexist",
}


def fold_name(name: str) -> str:
    """A name of a namespace, function or template as names are compared: lower case, single spaces."""
    # Turkish capital İ becomes two characters in lower case.
    return " ".join(name.replace("_", " ").lower().replace("i\u0307", "i").split())


@lru_cache(maxsize=1)
def _words() -> dict[str, dict[str, list[str]]]:
    words: dict[str, dict[str, list[str]]] = json.loads(
        (files(__package__) / "magic_words.json").read_text(encoding="utf-8")
    )
    return words


@lru_cache(maxsize=512)
def magic_words(language: str, key: str) -> frozenset[str]:
    """Folded names of one thing in the wiki of a language, English ones included."""
    return frozenset((*_words().get(language, {}).get(key, ()), *ENGLISH.get(key, ())))


def function_names(language: str) -> Mapping[str, str]:
    """Parser functions and title variables (their English names) by their folded names in the wiki."""
    local = {name: key for key in ENGLISH_FUNCTIONS for name in _words().get(language, {}).get(key, ())}
    return local | ENGLISH_FUNCTIONS
