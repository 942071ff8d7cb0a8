"""`factroots trace`: the roots of a subject's facts, looked up in the store and laid out for a terminal.

Labels, titles, sentences and predictions are data from anywhere: they pass through `plain` before they are
shown.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.dataset as ds

from factroots_dagster.errors import InputError
from factroots_dagster.lookup.answers import Answer, Decode, answers
from factroots_dagster.lookup.terminal import columns, plain, row_lines, wrapped
from factroots_dagster.store.store import Store, main_files, read_batches
from factroots_dagster.text.normalization import normalize, normalize_with_positions

FIRST_MATCHERS = ("sentence", "chunk", "article")
"""Matchers whose evidence is shown before that of others: the closest window first."""

SUGGESTIONS = 5
LIKELY_NAMES = 5000
"""Names that are compared with a mistyped one letter by letter."""

INDENT = 4


@dataclass(frozen=True)
class Traced:
    """A fact in one language and the matcher that serves it best (None: none found it).

    `evidence` holds dicts of the fields of `tracing.schema.EVIDENCE`; `articles` is how many articles were
    searched, None where that is not known; `answer` is what a checkpoint says, None where none was asked.
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


def trace(
    store: Store,
    wanted: str,
    languages: Sequence[str],
    matcher: str | None = None,
    *,
    checkpoint: str | None = None,
    decode: Decode | None = None,
) -> list[Traced]:
    """The facts that `wanted` names, in those of `languages` whose sources are in the store.

    `wanted` is a fact's uuid or a subject's label in any language, upper and lower case alike. The result
    is sorted by relation and fact, then in the order of `languages`. Without `matcher`, the first of
    sentence, chunk, article and the others that found the fact is taken. With a `checkpoint`, its answers
    and their types stand beside the sources; `decode` turns a wrong answer's token ids into text.
    Raises InputError when no such fact, matcher or table of sources is there.
    """
    found = [language for language in languages if store.exists("fact_sources", language)]
    if not found:
        store.require("fact_sources", languages[0])
    uuids = facts_named(store, wanted)
    traced = [fact for language in found for fact in traced_in(store, language, uuids, matcher)]
    if not traced:
        how = f" by the matcher {plain(matcher)!r}" if matcher else ""
        known = f"; its matchers are {', '.join(matchers_of(store, found[0]))}" if matcher else ""
        raise InputError(
            f"{plain(wanted)!r} names {len(uuids)} fact(s), but none that was looked for in "
            f"{', '.join(found)}{how}{known}. Remedy: leave --language and --matcher out."
        )
    if checkpoint is not None:
        said = answers(store, checkpoint, [(fact.language, fact.uuid) for fact in traced], decode)
        traced = [replace(fact, answer=said.get((fact.language, fact.uuid))) for fact in traced]
    return sorted(traced, key=lambda fact: (fact.relation, fact.uuid))


def facts_named(store: Store, wanted: str) -> set[str]:
    """The uuids of the facts that `wanted` names in any language of the store.

    Raises InputError with near names when there is none.
    """
    languages = store.keys("mlama_split")
    if not languages:
        store.require("mlama_split")
    folded = folded_label(wanted)
    uuids: set[str] = set()
    for language in languages:
        for batch in read_batches(store.require("mlama_split", language), 1 << 16):
            rows = zip(batch["uuid"].to_pylist(), batch["subject"].to_pylist(), strict=True)
            uuids |= {uuid for uuid, subject in rows if uuid == wanted or folded_label(subject) == folded}
    if not uuids:
        near = near_names(folded, subjects(store, languages))
        hint = f"; near it: {', '.join(plain(name) for name in near)}" if near else ""
        raise InputError(
            f"{plain(wanted)!r} is neither a fact's uuid nor a subject's label "
            f"in {', '.join(languages)}{hint}. Remedy: name a subject as mLAMA writes it, or a uuid."
        )
    return uuids


def subjects(store: Store, languages: Iterable[str]) -> Iterator[str]:
    """The labels of all subjects, each once per language."""
    for language in languages:
        yield from store.read("mlama_split", language, columns=["subject"])["subject"].unique().to_pylist()


def folded_label(label: str) -> str:
    """A label as it is compared with what a user types."""
    return " ".join(normalize(label).split()).casefold()


def near_names(folded: str, names: Iterable[str]) -> list[str]:
    """At most five of `names` that hold `folded`, or are written almost like it."""
    letters = set(folded)
    holding: set[str] = set()
    alike: dict[str, str] = {}
    for name in names:
        other = folded_label(name)
        if folded and folded in other:
            holding.add(name)
        elif (
            len(alike) < LIKELY_NAMES
            and abs(len(other) - len(folded)) <= max(2, len(folded) // 3)
            and 2 * len(letters.intersection(other)) > len(letters)
        ):
            alike[other] = name
    near = difflib.get_close_matches(folded, alike, n=SUGGESTIONS, cutoff=0.7)
    whole = sorted(holding, key=lambda name: (len(name), name))
    return list(islice((*whole, *(alike[other] for other in near)), SUGGESTIONS))


def traced_in(store: Store, language: str, uuids: Collection[str], matcher: str | None) -> Iterator[Traced]:
    """The facts `uuids` as they stand in one language."""
    wanted = pc.field("uuid").isin(sorted(uuids))

    def rows(asset: str, columns: list[str]) -> list[dict[str, Any]]:
        paths = [str(path) for path in main_files(store.require(asset, language))]
        found: list[dict[str, Any]] = ds.dataset(paths).to_table(columns=columns, filter=wanted).to_pylist()
        return found

    facts = {fact["uuid"]: fact for fact in rows("mlama_split", ["uuid", "relation", "subject", "object"])}
    if not facts:
        return
    sources: dict[str, list[dict[str, Any]]] = {}
    for row in rows("fact_sources", ["uuid", "matcher", "windows", "unknown_pieces", "evidence"]):
        if matcher in (None, row["matcher"]):
            sources.setdefault(row["uuid"], []).append(row)
    articles = None
    if store.exists("wikipedia_articles", language):
        articles = store.read_side("counts", "wikipedia_articles", language)["articles"][0].as_py()
    for uuid, tried in sources.items():
        if uuid not in facts:
            continue
        best = next((row for row in sorted(tried, key=closeness) if row["windows"]), None)
        yield Traced(
            **facts[uuid],
            language=language,
            matcher=best["matcher"] if best else None,
            windows=best["windows"] if best else 0,
            unknown_pieces=bool(best and best["unknown_pieces"]),
            articles=articles,
            evidence=(best["evidence"] or []) if best else [],
        )


def closeness(row: dict[str, Any]) -> int:
    """Rank of a row's matcher among those that can be shown."""
    name = row["matcher"]
    return FIRST_MATCHERS.index(name) if name in FIRST_MATCHERS else len(FIRST_MATCHERS)


def matchers_of(store: Store, language: str) -> list[str]:
    """Names of the matchers in one language's table of sources."""
    matchers = store.read("fact_sources", language, columns=["matcher"])["matcher"]
    names: list[str] = matchers.unique().to_pylist()
    return names


def permalink(language: str, revision_id: int) -> str:
    """Where the revision stands on the language's Wikipedia."""
    return f"https://{language.replace('_', '-')}.wikipedia.org/w/index.php?oldid={revision_id}"


def marked(fact: Traced, place: dict[str, Any]) -> str:
    """The evidence's sentence, with [the subject] and <the object> marked where they stand in it."""
    sentence = place["sentence"]
    marks: list[tuple[int, int, int, int, str]] = []
    for rank, (span, signs) in enumerate(zip(spans(fact, place), ("[]", "<>"), strict=True)):
        if span is not None:
            start, end = span
            # At one place what ends is closed before another begins, and the inner one is closed first.
            marks += [(end, 0, -start, -rank, signs[1]), (start, 1, -end, rank, signs[0])]
    text, at = "", 0
    for position, _, _, _, sign in sorted(marks):
        text += sentence[at:position] + sign
        at = position
    return plain(text + sentence[at:])


def spans(fact: Traced, place: dict[str, Any]) -> tuple[tuple[int, int] | None, tuple[int, int] | None]:
    """Where subject and object stand in the evidence's sentence; None for what is not there.

    The evidence's offsets count from the beginning of the article, so of the places where the labels
    stand those are taken that are as far apart; another name than the label is found by that distance.
    """
    sentence = place["sentence"]
    find = partial(occurrences, sentence, language=fact.language)
    in_subject, in_object = find(fact.subject), find(fact.object)
    apart = place["subject_start"] - place["object_start"]
    wide, long = (place[f"{side}_end"] - place[f"{side}_start"] for side in ("subject", "object"))
    pairs = [(s, o) for o in in_object for s in in_subject if s - o == apart]
    if not pairs and len(in_object) == 1 and not in_subject:
        pairs = [(in_object[0] + apart, in_object[0])]
    elif not pairs and len(in_subject) == 1 and not in_object:
        pairs = [(in_subject[0], in_subject[0] - apart)]
    if pairs and min(pairs[0]) >= 0 and max(pairs[0][0] + wide, pairs[0][1] + long) <= len(sentence):
        s, o = pairs[0]
        return (s, s + wide), (o, o + long)
    first = [
        (starts[0], starts[0] + len(label)) if starts else None
        for starts, label in ((in_subject, fact.subject), (in_object, fact.object))
    ]
    return first[0], first[1]


def occurrences(sentence: str, label: str, *, language: str) -> list[int]:
    """Where `label` begins in `sentence`, compared as mentions are."""
    text, places = normalize_with_positions(sentence, language)
    pattern = re.escape(normalize(label, language))
    starts = [match.start() for match in re.finditer(f"(?={pattern})", text)]
    if places is None:
        return starts
    found: list[int] = places.start(np.array(starts, dtype=np.int64)).tolist()
    return found


def json_lines(facts: Iterable[Traced], links: bool) -> Iterator[str]:
    """One JSON object per fact and language; `links` is whether the wikis exist."""
    for fact in facts:
        evidence = [
            {
                "title": plain(place["title"]),
                "page_id": place["page_id"],
                "revision_id": place["revision_id"],
                "link": permalink(fact.language, place["revision_id"]) if links else None,
                "sentence": plain(place["sentence"]),
                "marked": marked(fact, place),
            }
            for place in fact.evidence
        ]
        row = {
            "uuid": plain(fact.uuid),
            "language": fact.language,
            "relation": plain(fact.relation),
            "subject": plain(fact.subject),
            "object": plain(fact.object),
            "matcher": fact.matcher,
            "windows": fact.windows,
            "unknown_pieces": fact.unknown_pieces,
            "articles": fact.articles,
            "evidence": evidence,
            **({} if fact.answer is None else _answer(fact.answer)),
        }
        yield json.dumps(row, ensure_ascii=False)


def _answer(answer: Answer) -> dict[str, Any]:
    return {
        "checkpoint": answer.checkpoint,
        "prediction": None if answer.prediction is None else plain(answer.prediction),
        "predicted": answer.right,
        "probability": answer.probability,
        "type": answer.type,
        "reason": plain(answer.reason),
    }


def table_lines(facts: Sequence[Traced], links: bool, width: int) -> Iterator[str]:
    """A table of facts, each followed by its evidence, in lines of at most `width` columns but for links."""
    said = any(fact.answer is not None for fact in facts)
    head = ["language", "relation", "subject — object", *(["prediction", "type"] if said else [])]
    rows = [[*head, "matcher", "windows"]]
    for fact in facts:
        matcher = fact.matcher or "-"
        if fact.unknown_pieces:
            matcher += " (a label holds an unknown piece)"
        pair = f"{plain(fact.subject)} — {plain(fact.object)}"
        own = [*_said(fact.answer)] if said else []
        rows.append([fact.language, plain(fact.relation), pair, *own, matcher, f"{fact.windows:,}"])
    sizes = [max(map(columns, column)) for column in zip(*rows, strict=True)]
    head = rows[0]
    # What is too wide is wrapped: the labels, and before them a long prediction.
    wide = [3, 2] if said else [2]
    for place in wide:
        others = sum(sizes) - sizes[place] + 2 * (len(sizes) - 1)
        sizes[place] = max(min(sizes[place], width - others), 16)
    yield from row_lines(head, sizes)
    yield "-" * min(width, sum(sizes) + 2 * (len(sizes) - 1))
    for fact, row in zip(facts, rows[1:], strict=True):
        yield from row_lines(row, sizes)
        yield from evidence_lines(fact, links, width)
    if any(fact.evidence for fact in facts):
        yield ""
        yield "In the sentences: [subject], <object>."
    if said:
        yield from wrapped(f"Predictions and types: {facts_checkpoint(facts)}.", width)


def facts_checkpoint(facts: Iterable[Traced]) -> str:
    """The checkpoint that was asked."""
    return next(fact.answer.checkpoint for fact in facts if fact.answer is not None)


def _said(answer: Answer | None) -> tuple[str, str]:
    """The prediction with a sign of right or wrong, and the type."""
    if answer is None:
        return "-", "-"
    text = "-" if answer.prediction is None else plain(answer.prediction)
    return f"{'✓' if answer.right else '✗'} {text}", answer.type


def evidence_lines(fact: Traced, links: bool, width: int) -> Iterator[str]:
    """What is printed below a fact's row."""
    indent = " " * INDENT
    if fact.answer is not None:
        yield from (indent + line for line in wrapped(plain(fact.answer.reason), width - INDENT))
    if not fact.windows:
        among = "" if fact.articles is None else f" in {fact.articles:,} articles"
        yield f"{indent}no source found{among}"
    for place in fact.evidence:
        title = plain(place["title"])
        if links:
            yield from (indent + line for line in wrapped(title, width - INDENT))
            yield indent + permalink(fact.language, place["revision_id"])
        else:
            line = f"{title}, revision {place['revision_id']}"
            yield from (indent + piece for piece in wrapped(line, width - INDENT))
        yield from (2 * indent + line for line in wrapped(marked(fact, place), width - 2 * INDENT))
