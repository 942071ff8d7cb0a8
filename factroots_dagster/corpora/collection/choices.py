"""The corpora of a world, as `FACTROOTS_CORPORA` names them.

    wikipedia, web=/data/fineweb-2/data/{language_script}/train/*.parquet shape=fineweb2

Corpora are separated by commas. `wikipedia` is what `FACTROOTS_WIKIPEDIA_SOURCE` names. Any other is a
name, `=` and a location, followed by options, each a name, `=` and a value, separated by blanks; quotes
keep blanks and commas together. A location is a file, a folder, or a glob, local or at a URI that Spark
reads; `{language}` and `{language_script}` in it stand for the codes of the language.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from factroots_dagster.corpora.schema import WIKIPEDIA
from factroots_dagster.errors import InputError
from factroots_dagster.store.web import has_credentials

DUPLICATES = ("count", "merge", "once")
NEWLINES = ("plain", "escaped")
OPTIONAL = "?"
"""Ends the name of a column that need not exist."""

EXAMPLE = "web=/data/{language_script}/*.parquet shape=fineweb2"
_NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
_PLACEHOLDER = re.compile(r"{([^{}]*)}")
PLACEHOLDERS = ("language", "language_script")


@dataclass(frozen=True)
class Reading:
    """How the documents of a corpus are read.

    text, id, url, language, weight: names of columns, a dot between the levels of nested ones; empty: none.
        One that ends in `?` need not exist. language: holds a code, or a list whose first counts; documents
        in other languages are passed over, those without a code are not. weight: how many times the document
        counts, a whole number from 1 on.
    duplicates: of documents with the same text in the language `count` takes each for itself, `merge` reads
        one with the sum of their weights, `once` reads the first with its own weight.
    newlines: whether the line ends of texts are `plain` or `escaped`, a backslash and an n.
    """

    text: str = "text"
    id: str = "id?"
    url: str = "url?"
    language: str = ""
    weight: str = ""
    duplicates: str = "count"
    newlines: str = "plain"


READING_OPTIONS = tuple(field.name for field in fields(Reading))
COLUMNS = ("text", "id", "url", "language", "weight")

SHAPES: Mapping[str, Reading] = {
    "plain": Reading(),
    # huggingface.co/datasets/HuggingFaceFW/fineweb-2
    "fineweb2": Reading(id="id", url="url", language="language"),
    # hplt-project.org/datasets/v2.0
    "hplt": Reading(id="id", url="u", language="lang"),
    # github.com/allenai/dolma, docs/data-format.md; only some of its sources have addresses
    "dolma": Reading(id="id", url="metadata.url?"),
    # huggingface.co/datasets/uonlp/CulturaX
    "culturax": Reading(id="", url="url"),
    # huggingface.co/datasets/allenai/MADLAD-400
    "madlad": Reading(id="", url="", newlines="escaped"),
}
"""The published corpora whose columns are known, by the value of `shape`."""


@dataclass(frozen=True)
class CorpusChoice:
    """One corpus of a world: its name, where it is, and how it is read; no location for Wikipedia."""

    name: str
    location: str = ""
    reading: Reading = Reading()


def parse_corpora(text: str) -> tuple[CorpusChoice, ...]:
    """The corpora that a value of `FACTROOTS_CORPORA` names, in its order. Raises InputError."""
    lexer = shlex.shlex(text, posix=True, punctuation_chars=",")
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError as error:
        raise InputError(f"FACTROOTS_CORPORA: {error} in {text!r}", "close every quote") from None
    items: list[list[str]] = [[]]
    for word in words:
        if set(word) == {","}:
            items += [[] for _ in word]
        else:
            items[-1].append(word)
    choices = tuple(_parse_choice(item) for item in items if item)
    names = [choice.name for choice in choices]
    if not names or len(set(names)) < len(names):
        problem = "names a corpus twice" if names else "names no corpus"
        raise InputError(f"FACTROOTS_CORPORA {problem}: {text!r}", f"write wikipedia, or {EXAMPLE}, or both")
    return choices


def _parse_choice(words: list[str]) -> CorpusChoice:
    name, _, location = words[0].partition("=")
    where = f"FACTROOTS_CORPORA: corpus {name!r:.60}"
    if name == WIKIPEDIA:
        if location or len(words) > 1:
            problem = f"{where} has a location or options, and is what FACTROOTS_WIKIPEDIA_SOURCE names"
            raise InputError(problem, "write wikipedia alone, or give the corpus another name")
        return CorpusChoice(name)
    if not _NAME.fullmatch(name):
        problem = f"{where} has characters that a name cannot have"
        raise InputError(problem, "use small letters, digits, '.', '_' and '-', at most 40")
    if not location:
        raise InputError(f"{where} has no location", f"write one after its name, as in {EXAMPLE}")
    if has_credentials(location):
        problem = f"{where} has credentials in its location, which is stored with the data"
        raise InputError(problem, "give them to Spark, in spark-defaults.conf, or in its environment")
    unknown = sorted(set(_PLACEHOLDER.findall(location)) - set(PLACEHOLDERS))
    if unknown:
        allowed = " and ".join(f"{{{placeholder}}}" for placeholder in PLACEHOLDERS)
        problem = f"{where}: {{{unknown[0]}}} in its location stands for nothing"
        raise InputError(problem, f"use {allowed}, and * for other parts")
    return CorpusChoice(name, location, _parse_options(where, words[1:]))


def _parse_options(where: str, words: list[str]) -> Reading:
    options: dict[str, str] = {}
    for word in words:
        option, equals, value = word.partition("=")
        if not equals or option not in ("shape", *READING_OPTIONS) or option in options:
            problem = f"{where}: {word!r:.80} is not an option" + (
                " or repeats one" if option in options else ""
            )
            raise InputError(problem, f"write name=value; the names are shape, {', '.join(READING_OPTIONS)}")
        options[option] = value
    allowed = {"shape": tuple(SHAPES), "duplicates": DUPLICATES, "newlines": NEWLINES}
    for option, values in allowed.items():
        if option in options and options[option] not in values:
            problem = f"{where}: {option} is {options[option]!r:.60}"
            raise InputError(problem, f"choose one of {', '.join(values)}")
    reading = replace(SHAPES[options.pop("shape", "plain")], **options)
    if not reading.text or reading.text.endswith(OPTIONAL):
        raise InputError(f"{where} has no column of texts", "name it: text=<column>")
    return reading
