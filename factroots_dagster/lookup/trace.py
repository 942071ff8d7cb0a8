"""The sources of facts in each language, read from the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import chain
from typing import Any

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.answers import Answer, Decode, choose_checkpoint, read_answers, read_rows
from factroots_dagster.lookup.decoder import token_decoder
from factroots_dagster.lookup.subjects import Fact, find_facts
from factroots_dagster.lookup.terminal import printable
from factroots_dagster.settings import Settings
from factroots_dagster.store.pointers import in_parallel
from factroots_dagster.store.store import Store
from factroots_dagster.tracing.matchers import MATCHERS


@dataclass(frozen=True)
class TracedFact:
    """A fact in one language, with what one matcher found.

    matcher: None when no matcher found the fact. windows, unknown_pieces, evidence: as in FACT_SOURCES.
    articles: how many were searched; None where that is not known, as in some corpora of several. corpora:
    windows by corpus, of those that were searched. answer: a checkpoint's; None where none was asked.
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
    corpora: dict[str, int] = field(default_factory=dict)
    answer: Answer | None = None


def trace_facts(
    settings: Settings,
    query: str,
    languages: Sequence[str] = (),
    matcher: str | None = None,
    checkpoint: str | None = None,
) -> tuple[list[TracedFact], str | None]:
    """The facts that `query` names, in those of `languages` that have sources, and the checkpoint shown.

    query: a fact's uuid, or the label of a subject in any language; letter case does not count. languages:
    none for the active ones. matcher: None takes the first in the order of the registry that found the fact.
    checkpoint: whose answers and types are read, too, and in whose corpora sources count; None for the only
    one with types, if there is one.

    Sorted by relation and fact, then in the order of `languages`. Raises InputError when there is no such
    fact, matcher or table of sources.
    """
    store = Store(settings.data_root, settings.world)
    key = choose_checkpoint(store, checkpoint)
    decode = token_decoder(settings, store, key) if key else None
    return _trace(store, query, languages or settings.active_languages, matcher, key, decode), key


def _trace(
    store: Store,
    query: str,
    languages: Sequence[str],
    matcher: str | None,
    checkpoint: str | None,
    decode: Decode | None,
) -> list[TracedFact]:
    store = store.view()  # facts, sources and answers of one version each
    searched = [language for language in languages if store.exists("fact_sources", language)]
    if not searched:
        store.require("fact_sources", languages[0])
    named = find_facts(store, query)
    corpora = None
    if checkpoint is not None and store.exists("checkpoint", checkpoint):
        corpora = store.read("checkpoint", checkpoint, columns=["corpora"])["corpora"][0].as_py()
    trace = partial(_trace_in_language, store, named=named, matcher=matcher, corpora=corpora)
    facts = list(chain.from_iterable(in_parallel(trace, searched)))
    if not facts:
        by_matcher = choice = ""
        if matcher:
            available = store.read("fact_sources", searched[0], columns=["matcher"])["matcher"].unique()
            by_matcher = f" by the matcher {printable(matcher)!r}"
            choice = f", or choose a matcher: {', '.join(available.to_pylist())}"
        raise InputError(
            f"{store.location}: {printable(query)!r} names {len(named)} fact(s), but none that was searched "
            f"for in {', '.join(searched)}{by_matcher}",
            f"omit --language and --matcher{choice}",
        )
    if checkpoint is not None:
        answers = read_answers(store, checkpoint, {fact.language for fact in facts}, named, decode)
        facts = [replace(fact, answer=answers.get((fact.language, fact.uuid))) for fact in facts]
    return sorted(facts, key=lambda fact: (fact.relation, fact.uuid))


def _trace_in_language(
    store: Store,
    language: str,
    *,
    named: Collection[Fact],
    matcher: str | None,
    corpora: Collection[str] | None,
) -> list[TracedFact]:
    """The named facts that one language has, with the sources by one matcher or by the best."""
    facts = read_rows(store, ("mlama_split", language), ("relation", "subject", "object"), named)
    if not facts:
        return []
    sources: dict[str, list[dict[str, Any]]] = {}
    columns = ("corpus", "matcher", "windows", "unknown_pieces", "evidence")
    for row in read_rows(store, ("fact_sources", language), columns, named):
        if matcher in (None, row["matcher"]) and (corpora is None or row["corpus"] in corpora):
            sources.setdefault(row.pop("uuid"), []).append(row)
    articles = None
    if corpora is None and store.exists("wikipedia_articles", language):
        articles = store.read_side("counts", "wikipedia_articles", language)["articles"][0].as_py()
    ranks = {name: rank for rank, name in enumerate(MATCHERS)}  # of others: last
    return [
        TracedFact(
            language=language, articles=articles, **fact, **_join_corpora(sources[fact["uuid"]], ranks)
        )
        for fact in facts
        if fact["uuid"] in sources
    ]


def _join_corpora(rows: Sequence[dict[str, Any]], ranks: dict[str, int]) -> dict[str, Any]:
    """What the first matcher by `ranks` that found a fact found in all corpora. rows: of FACT_SOURCES."""
    found = [row for row in rows if row["windows"]]
    best = min(found, key=lambda row: ranks.get(row["matcher"], len(ranks)), default=None)
    own = [row for row in rows if best is not None and row["matcher"] == best["matcher"]]
    return {
        "matcher": best and best["matcher"],
        "windows": sum(row["windows"] for row in own),
        "unknown_pieces": best["unknown_pieces"] if best else False,
        "evidence": sorted(
            (passage for row in own for passage in row["evidence"]),
            key=lambda one: -one["stated_probability"],
        ),
        "corpora": dict.fromkeys((row["corpus"] for row in rows), 0)
        | {row["corpus"]: row["windows"] for row in own},
    }
