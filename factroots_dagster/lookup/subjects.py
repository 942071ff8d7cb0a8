"""From what a user types to facts: a uuid, or names of a subject and its object in any language.

Names are compared in the form of `text.search`, so that marks, case and the order of words do not count.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from itertools import chain

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.terminal import printable
from factroots_dagster.store.store import Store
from factroots_dagster.text.search import find_spellings, fold_name, fold_names, is_named

MAX_SUGGESTIONS = 5
MAX_COMPARED = 5000
"""Labels that are compared letter by letter with a label that no subject has."""

MIN_SIMILARITY = 0.7


def find_facts(store: Store, query: str) -> set[str]:
    """The uuids of the facts that `query` names in some language of the store.

    Those whose uuid or whole subject it is; if there are none, those of which it holds all words of the
    subject, and otherwise words of the object, in any order; if there are none, the same with typos.
    Raises InputError, with similar labels, when there is none.
    """
    languages = store.keys("mlama_split")
    if not languages:
        store.require("mlama_split")
    folded = fold_name(query)
    uuids: set[str] = set()
    for language in languages:
        uuids |= _find_whole(_read_names(store, language), query, folded)
    for typos in (False, True):
        for language in languages if not uuids and folded else ():
            uuids |= _find_words(_read_names(store, language), folded, typos=typos)
    if not uuids:
        similar = find_similar(folded, _subjects(store, languages)) if folded else []
        suggestions = f" (similar ones: {', '.join(map(printable, similar))})" if similar else ""
        raise InputError(
            f"{store.location}: {printable(query)!r} is neither the uuid of a fact nor the label of a "
            f"subject in {', '.join(languages)}",
            f"write a subject as the facts spell it{suggestions}, or a uuid",
        )
    return uuids


def _read_names(store: Store, language: str) -> pa.Table:
    """uuid, subject and object of a language's facts."""
    return store.read("mlama_split", language, columns=["uuid", "subject", "object"])


def _find_whole(names: pa.Table, query: str, folded: str) -> set[str]:
    """The uuids of the facts whose uuid is `query`, or whose subject has the folded form `folded`."""
    subjects = names["subject"].unique().to_pylist()
    alike = [
        subject for subject, other in zip(subjects, fold_names(subjects), strict=True) if other == folded
    ]
    named = pc.is_in(names["subject"], pa.array(alike if folded else [], pa.string()))
    return set(names.filter(pc.or_(named, pc.equal(names["uuid"], query)))["uuid"].to_pylist())


def _find_words(names: pa.Table, folded: str, *, typos: bool) -> set[str]:
    """The uuids of the facts that the words of a folded query name, as `text.search.is_named` says."""
    labels = pa.chunked_array([*names["subject"].chunks, *names["object"].chunks]).unique().to_pylist()
    words = {label: other.split() for label, other in zip(labels, fold_names(labels), strict=True) if other}
    spellings = find_spellings(folded, chain.from_iterable(words.values()), typos=typos)
    if not all(spellings.values()):
        return set()
    meant = frozenset().union(*spellings.values())
    subjects = [label for label, own in words.items() if meant.issuperset(own)]
    candidates = names.filter(pc.is_in(names["subject"], pa.array(subjects, pa.string())))
    columns = (candidates[name].to_pylist() for name in ("uuid", "subject", "object"))
    return {
        uuid
        for uuid, subject, target in zip(*columns, strict=True)
        if is_named(spellings.values(), words[subject], words.get(target, ()))
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
