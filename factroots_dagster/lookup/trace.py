"""The sources of facts in each language, read from the store."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.answers import Answer, Decode, read_answers, read_rows
from factroots_dagster.lookup.subjects import find_facts
from factroots_dagster.lookup.terminal import printable
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.matchers import MATCHERS


@dataclass(frozen=True)
class TracedFact:
    """A fact in one language, with what one matcher found.

    matcher: None when no matcher found the fact. windows, unknown_pieces, evidence: as in FACT_SOURCES.
    articles: how many were searched; None where that is not known. answer: a checkpoint's; None where none
    was asked.
    """

    uuid: str
    language: str
    relation: str
    subject: str
    object: str
    matcher: str | None
    windows: int
    unknown_pieces: bool
    articles: int | None
    evidence: list[dict[str, Any]]
    answer: Answer | None = None


def trace_facts(
    store: Store,
    query: str,
    languages: Sequence[str],
    matcher: str | None = None,
    *,
    checkpoint: str | None = None,
    decode: Decode | None = None,
) -> list[TracedFact]:
    """The facts that `query` names, in those of `languages` whose sources are in the store.

    query: a fact's uuid, or the label of a subject in any language; letter case does not count. matcher: None
    takes the first in the order of the registry that found the fact. checkpoint: whose answers and types are
    read, too; `decode` turns its token ids into text.

    Sorted by relation and fact, then in the order of `languages`. Raises InputError when there is no such
    fact, matcher or table of sources.
    """
    searched = [language for language in languages if store.exists("fact_sources", language)]
    if not searched:
        store.require("fact_sources", languages[0])
    uuids = find_facts(store, query)
    facts = [fact for language in searched for fact in _trace_in_language(store, language, uuids, matcher)]
    if not facts:
        by_matcher = choice = ""
        if matcher:
            available = store.read("fact_sources", searched[0], columns=["matcher"])["matcher"].unique()
            by_matcher = f" by the matcher {printable(matcher)!r}"
            choice = f", or choose a matcher: {', '.join(available.to_pylist())}"
        raise InputError(
            f"{printable(query)!r} names {len(uuids)} fact(s), but none that was searched for in "
            f"{', '.join(searched)}{by_matcher}",
            f"omit --language and --matcher{choice}",
        )
    if checkpoint is not None:
        answers = read_answers(store, checkpoint, [(fact.language, fact.uuid) for fact in facts], decode)
        facts = [replace(fact, answer=answers.get((fact.language, fact.uuid))) for fact in facts]
    return sorted(facts, key=lambda fact: (fact.relation, fact.uuid))


def _trace_in_language(
    store: Store, language: str, uuids: Collection[str], matcher: str | None
) -> Iterator[TracedFact]:
    """The facts `uuids` that one language has, with the sources by one matcher or by the best."""
    facts = read_rows(store, ("mlama_split", language), ("relation", "subject", "object"), uuids)
    if not facts:
        return
    sources: dict[str, list[dict[str, Any]]] = {}
    columns = ("matcher", "windows", "unknown_pieces", "evidence")
    for row in read_rows(store, ("fact_sources", language), columns, uuids):
        if matcher in (None, row["matcher"]):
            sources.setdefault(row.pop("uuid"), []).append(row)
    articles = None
    if store.exists("wikipedia_articles", language):
        articles = store.read_side("counts", "wikipedia_articles", language)["articles"][0].as_py()
    ranks = {name: rank for rank, name in enumerate(MATCHERS)}  # of others: last
    nothing: dict[str, Any] = {"matcher": None, "windows": 0, "unknown_pieces": False, "evidence": []}
    for fact in facts:
        if fact["uuid"] in sources:
            found = [row for row in sources[fact["uuid"]] if row["windows"]]
            best = min(found, key=lambda row: ranks.get(row["matcher"], len(ranks)), default=nothing)
            yield TracedFact(language=language, articles=articles, **fact, **best)
