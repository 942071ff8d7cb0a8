"""From what a user types to facts: a uuid, or names of a subject and its object in any language.

Names are compared in the form of `text.search`, so that marks, case and the order of words do not count.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from itertools import chain
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.terminal import printable
from factroots_dagster.store.pointers import in_parallel
from factroots_dagster.store.store import Store
from factroots_dagster.tables import string_array
from factroots_dagster.text.search import find_spellings, fold_name, fold_names, is_named, may_begin

MAX_SUGGESTIONS = 5
MAX_COMPARED = 5000
"""Labels that are compared letter by letter with a label that no subject has."""

MIN_SIMILARITY = 0.7


class Fact(NamedTuple):
    """A fact, which is the same in all languages."""

    relation: str
    uuid: str


def find_facts(store: Store, query: str) -> set[Fact]:
    """The facts that `query` names in some language of the store.

    Those whose whole subject it is; if there are none, that whose uuid it is; if there is none, those of
    which it holds all words of the subject, and otherwise words of the object, in any order; if there are
    none, the same with typos. Raises InputError, with similar labels, when there is none.
    """
    languages = store.keys("mlama_split")
    if not languages:
        store.require("mlama_split")
    folded = fold_name(query)
    finders: list[Callable[[str], set[Fact]]] = [partial(_find_rows, store, column="uuid", values={query})]
    if folded:
        finders = [
            partial(_find_whole, store, folded=folded),
            *finders,
            partial(_find_words, store, folded=folded),
            partial(_find_words, store, folded=folded, typos=True),
        ]
    facts: set[Fact] = set()
    for find in finders:
        if not facts:
            facts = set().union(*in_parallel(find, languages))
    if not facts:
        similar = find_similar(folded, _subjects(store, languages)) if folded else []
        suggestions = f" (similar ones: {', '.join(map(printable, similar))})" if similar else ""
        raise InputError(
            f"{store.location}: {printable(query)!r} is neither the uuid of a fact nor the label of a "
            f"subject in {', '.join(languages)}",
            f"write a subject as the facts spell it{suggestions}, or a uuid",
        )
    return facts


def _find_whole(store: Store, language: str, *, folded: str) -> set[Fact]:
    """The facts of a language whose subject has a folded form."""
    subjects = store.version("mlama_split", language).read_distinct("subject")
    first = pc.utf8_slice_codeunits(subjects, 0, 1)
    letters = [letter for letter in first.unique().to_pylist() if may_begin(letter, folded)]
    candidates = subjects.filter(pc.is_in(first, string_array(letters))).to_pylist()
    alike = {name for name, other in zip(candidates, fold_names(candidates), strict=True) if other == folded}
    return _find_rows(store, language, column="subject", values=alike) if alike else set()


def _find_rows(store: Store, language: str, *, column: str, values: Collection[str]) -> set[Fact]:
    """The facts of a language that have one of some values in a column."""
    rows = store.version("mlama_split", language).find_rows({column: values}, Fact._fields)
    return {Fact(**row) for row in rows.to_pylist()}


def _find_words(store: Store, language: str, *, folded: str, typos: bool = False) -> set[Fact]:
    """The facts of a language that the words of a folded query name, as `text.search.is_named` says."""
    names = store.read("mlama_split", language, columns=[*Fact._fields, "subject", "object"])
    labels = pa.chunked_array([*names["subject"].chunks, *names["object"].chunks]).unique().to_pylist()
    words = {label: other.split() for label, other in zip(labels, fold_names(labels), strict=True) if other}
    spellings = find_spellings(folded, chain.from_iterable(words.values()), typos=typos)
    if not all(spellings.values()):
        return set()
    meant = frozenset().union(*spellings.values())
    subjects = [label for label, own in words.items() if meant.issuperset(own)]
    candidates = names.filter(pc.is_in(names["subject"], string_array(subjects)))
    return {
        Fact(row["relation"], row["uuid"])
        for row in candidates.to_pylist()
        if is_named(spellings.values(), words[row["subject"]], words.get(row["object"], ()))
    }


def find_similar(folded: str, labels: Iterable[tuple[str, str]]) -> list[str]:
    """At most MAX_SUGGESTIONS of `labels`: the shortest that contain `folded`, then those spelled like it.

    labels: with their folded forms.
    """
    letters = set(folded)
    containing: set[str] = set()
    compared: dict[str, str] = {}
    for label, other in labels:
        if folded in other:
            containing.add(label)
        elif (
            len(compared) < MAX_COMPARED
            and abs(len(other) - len(folded)) <= max(2, len(folded) // 3)
            and 2 * len(letters.intersection(other)) > len(letters)
        ):
            compared[other] = label
    close = difflib.get_close_matches(folded, compared, n=MAX_SUGGESTIONS, cutoff=MIN_SIMILARITY)
    shortest = sorted(containing, key=lambda label: (len(label), label))
    return [*shortest, *(compared[other] for other in close)][:MAX_SUGGESTIONS]


def _subjects(store: Store, languages: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The labels of all subjects with their folded forms, each once per language."""
    for language in languages:
        labels = store.read("mlama_split", language, columns=["subject"])["subject"].unique().to_pylist()
        yield from zip(labels, fold_names(labels), strict=True)
