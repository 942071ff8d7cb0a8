"""From what a user types to facts: a uuid, or the label of a subject in any language."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.terminal import printable
from factroots_dagster.store.store import Store
from factroots_dagster.text.normalization import normalize

MAX_SUGGESTIONS = 5
MAX_COMPARED = 5000
"""Labels that are compared letter by letter with a label that no subject has."""

MIN_SIMILARITY = 0.7


def find_facts(store: Store, query: str) -> set[str]:
    """The uuids of the facts whose uuid or subject, in any language of the store, is `query`.

    Raises InputError, with similar labels, when there is none.
    """
    languages = store.keys("mlama_split")
    if not languages:
        store.require("mlama_split")
    folded = fold(query)
    uuids: set[str] = set()
    for language in languages:
        for batch in store.version("mlama_split", language).read_batches(1 << 16):
            rows = zip(batch["uuid"].to_pylist(), batch["subject"].to_pylist(), strict=True)
            uuids |= {uuid for uuid, subject in rows if uuid == query or fold(subject) == folded}
    if not uuids:
        similar = find_similar(folded, _subjects(store, languages))
        suggestions = f" (similar ones: {', '.join(map(printable, similar))})" if similar else ""
        raise InputError(
            f"{store.root}: {printable(query)!r} is neither the uuid of a fact nor the label of a subject "
            f"in {', '.join(languages)}",
            f"write a subject as the facts spell it{suggestions}, or a uuid",
        )
    return uuids


def fold(label: str) -> str:
    """A label in the form in which it is compared with what a user types: letter case does not count."""
    return " ".join(normalize(label).split()).casefold()


def find_similar(folded: str, labels: Iterable[str]) -> list[str]:
    """At most MAX_SUGGESTIONS of `labels`: the shortest that contain `folded`, then those spelled like it."""
    letters = set(folded)
    containing: set[str] = set()
    compared: dict[str, str] = {}
    for label in labels:
        other = fold(label)
        if folded and folded in other:
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


def _subjects(store: Store, languages: Iterable[str]) -> Iterator[str]:
    """The labels of all subjects, each once per language."""
    for language in languages:
        yield from store.read("mlama_split", language, columns=["subject"])["subject"].unique().to_pylist()
