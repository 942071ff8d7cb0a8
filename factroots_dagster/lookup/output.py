"""Traced facts as JSON lines, and as a table on a terminal with the evidence below each fact.

Labels, titles, sentences and predictions are untrusted; `lookup.terminal` says how they are printed.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from factroots_dagster.facts.relations import describe_relation, name_relation
from factroots_dagster.lookup.marks import mark_sides
from factroots_dagster.lookup.terminal import (
    print_indented,
    print_table_row,
    printable,
    table_widths,
    total_width,
)
from factroots_dagster.lookup.trace import TracedFact

if TYPE_CHECKING:
    from rich.console import Console

INDENT = 4


def find_link(language: str, passage: Mapping[str, Any], *, links: bool) -> str | None:
    """The address of the text that a passage of evidence is from; None where it has none.

    links: whether the wikis exist.
    """
    if passage.get("url"):
        return str(passage["url"])
    return permalink(language, passage["revision_id"]) if links and passage["revision_id"] else None


def permalink(language: str, revision_id: int) -> str:
    """The address of a revision on the language's Wikipedia."""
    return f"https://{language.replace('_', '-')}.wikipedia.org/w/index.php?oldid={revision_id}"


def json_lines(facts: Iterable[TracedFact], *, links: bool) -> Iterator[str]:
    """One JSON object per fact and language, with the attributes of fact and answer, and the relation's name.

    links: whether the wikis exist.
    """
    for fact in facts:
        evidence = [
            _printable_values(
                {
                    "title": passage["title"],
                    "page_id": passage["page_id"],
                    "revision_id": passage["revision_id"],
                    "link": find_link(fact.language, passage, links=links),
                    "sentence": passage["sentence"],
                    "marked": mark_sides(fact, passage),
                    "stated_probability": passage["stated_probability"],
                }
            )
            for passage in fact.evidence
        ]
        row = _printable_values(vars(fact)) | {
            "relation_name": name_relation(fact.relation),
            "evidence": evidence,
        }
        del row["answer"]
        if fact.answer is not None:
            row |= _printable_values(vars(fact.answer))
        yield json.dumps(row, ensure_ascii=False)


def _printable_values(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: printable(value) if isinstance(value, str) else value for name, value in row.items()}


def print_facts(facts: Sequence[TracedFact], console: Console, *, links: bool) -> None:
    """Print a table of facts, each followed by its evidence; only links may be wider than the console."""
    checkpoint = next((fact.answer.checkpoint for fact in facts if fact.answer is not None), None)
    answer_names = ["prediction", "type"] if checkpoint is not None else []
    names = ["language", "relation", "subject — object", *answer_names, "matcher", "windows"]
    rows = [_cells(fact, with_answer=checkpoint is not None) for fact in facts]
    # The first of these that is there shrinks first when the table is too wide.
    shrinkable = [
        names.index(name) for name in ("prediction", "subject — object", "relation") if name in names
    ]
    widths = table_widths([names, *rows], shrinkable, console.width)
    print_table_row(console, names, widths, style="bold")
    print_indented(console, "-" * min(console.width, total_width(widths)))
    for fact, row in zip(facts, rows, strict=True):
        print_table_row(console, row, widths)
        _print_evidence(fact, console, links=links)
    if any(fact.evidence for fact in facts):
        print_indented(console, "")
        print_indented(console, "In the sentences: [subject], <object>.")
    if checkpoint is not None:
        print_indented(console, f"Predictions and types: {checkpoint}.")


def _cells(fact: TracedFact, *, with_answer: bool) -> list[str]:
    """A fact's row of the table."""
    matcher = fact.matcher or "-"
    if fact.unknown_pieces:
        matcher += " (a label has an unknown wordpiece)"
    answer = ["-", "-"] if with_answer else []
    if fact.answer is not None:
        sign = "✓" if fact.answer.predicted else "✗"
        answer = [f"{sign} {fact.answer.prediction or '-'}", fact.answer.type]
    pair = f"{fact.subject} — {fact.object}"
    return [fact.language, describe_relation(fact.relation), pair, *answer, matcher, f"{fact.windows:,}"]


def _print_evidence(fact: TracedFact, console: Console, *, links: bool) -> None:
    """Print what is below a fact's row: the reason for its type, its verdict, and its evidence."""
    if fact.answer is not None:
        print_indented(console, fact.answer.reason, INDENT)
    if fact.answer is not None and fact.answer.verdict is not None:
        print_indented(console, f"known from: {fact.answer.verdict}. {fact.answer.verdict_reason}", INDENT)
    if len(fact.corpora) > 1 and fact.windows:
        by_corpus = ", ".join(f"{windows:,} in {name}" for name, windows in fact.corpora.items())
        print_indented(console, f"windows: {by_corpus}", INDENT)
    if not fact.windows:
        articles = "" if fact.articles is None else f" in {fact.articles:,} articles"
        print_indented(console, f"no source found{articles}", INDENT)
    for passage in fact.evidence:
        title, link = passage["title"], find_link(fact.language, passage, links=links)
        revision = "" if link or not passage["revision_id"] else f", revision {passage['revision_id']}"
        print_indented(console, title + revision, INDENT)
        if link:
            print_indented(console, link, INDENT, wrap=False)
        print_indented(console, mark_sides(fact, passage), 2 * INDENT)
