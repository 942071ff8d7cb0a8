"""What `factroots run` ends with: the answer, P@1 beside its baselines, the report, what to do next."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow.compute as pc

from factroots_dagster.lookup.terminal import printable
from factroots_dagster.models.registry import registered
from factroots_dagster.report.language_names import label_language, language_names
from factroots_dagster.report.sections.answer import state_answer
from factroots_dagster.report.sections.model import bounds, percent
from factroots_dagster.roots.schema import KNOWN_FROM
from factroots_dagster.settings import Settings
from factroots_dagster.store.store import Store

SHOWN_LANGUAGES = 10
SHOWN_WARNINGS = 5
SCORES = {"P@1": "full_match", "commonest answer": "majority", "subject hidden": "prior_typed_p1"}
"""Headings to columns of PROBING_SCORES; a decoder's level for other subjects is shown, too."""


def summarize(settings: Settings, checkpoints: Sequence[str], warnings: Sequence[str]) -> Iterator[str]:
    """Lines on what was made. checkpoints: those that were made, the last of which is told at length."""
    store = Store(settings.data_root, settings.world)
    reported = [key for key in checkpoints if store.exists("categorization_report", key)]
    if reported:
        yield from _summarize_checkpoint(settings, store, reported[-1])
        yield ""
    if len(reported) > 1:
        yield "Other checkpoints"
        yield from (f"  {_in_one_line(store, key)}" for key in reported[:-1])
        yield ""
    if warnings:
        yield f"Checks that warned ({len(warnings)}; the UI shows all of them in full)"
        yield from (f"  {_shorten(printable(warning))}" for warning in warnings[:SHOWN_WARNINGS])
        yield ""
    if reported:
        yield f"Report      {store.shown_folder('categorization_report', reported[-1]) / 'index.html'}"
    if len(reported) > 1 and store.exists("checkpoint_comparison"):
        yield f"Comparison  {store.shown_folder('checkpoint_comparison') / 'index.html'}"
    yield from (f"Next        {command}" for command in next_commands(settings, reported[-1:]))


def _summarize_checkpoint(settings: Settings, store: Store, key: str) -> Iterator[str]:
    summary = _report_summary(store, key)
    shares = store.read_side("shares", "fact_verdicts", key).to_pylist()
    scores = store.read("probing_scores", key).to_pylist()
    scores = [row for row in scores if row["relation"] == "*"]
    languages = [row for row in scores if row["language"] != "*"]
    wikipedia_only = all(choice.location == "" for choice in settings.corpus_choices)
    texts = "Wikipedia" if wikipedia_only else "text"
    asked = sum(summary["types"]["*"].values())
    yield f"What {key} knows, and from where" + (" (a made-up world)" if settings.generated else "")
    yield ""
    (trained_on,) = store.read("checkpoint", key, columns=["corpus"])["corpus"].to_pylist()
    for sentence in state_answer(shares, asked, len(languages), texts, trained_on):
        yield f"  {sentence}"
    yield ""
    yield from _score_lines(languages, summary["p_at_1"]["overall"])
    planted = summary["planted_agreement"]
    if planted and planted["cells"]:
        yield (
            "  agreement with the planted truth (independent, shared, transferred): "
            f"{planted['accuracy']:.3f} of {planted['cells']} predicted facts"
        )


def _score_lines(scores: Sequence[Mapping[str, Any]], overall: float | None) -> Iterator[str]:
    """P@1 and baselines by language, the best first."""
    shown = dict(SCORES)
    if any(row["chance"] is not None for row in scores):
        shown["another subject"] = "chance"
    names = language_names()
    ranked = sorted(scores, key=lambda row: (-(row["full_match"] or 0), row["language"]))
    labels = [label_language(row["language"], names) for row in ranked[:SHOWN_LANGUAGES]]
    width = max(map(len, ["all languages", *labels]))
    yield f"  {'':{width}}  {'P@1':>6}  {'95% interval':>14}  " + "  ".join(list(shown)[1:])
    yield f"  {'all languages':{width}}  {percent(overall):>6}"
    for label, row in zip(labels, ranked, strict=False):
        cells = [f"{percent(row[column]):>{len(name)}}" for name, column in list(shown.items())[1:]]
        interval = bounds(row["full_match_low"], row["full_match_high"])
        yield f"  {label:{width}}  {percent(row['full_match']):>6}  {interval:>14}  " + "  ".join(cells)
    if len(ranked) > SHOWN_LANGUAGES:
        yield f"  and {len(ranked) - SHOWN_LANGUAGES} more in the report"


def _in_one_line(store: Store, key: str) -> str:
    summary = _report_summary(store, key)
    shares = store.read_side("shares", "fact_verdicts", key).to_pylist()
    expected = {row["verdict"]: row["expected"] for row in shares if row["language"] == "*"}
    known = "  ".join(f"{name} {percent(expected[name])}" for name in KNOWN_FROM if name in expected)
    return f"{key}  P@1 {percent(summary['p_at_1']['overall'])}  {known}"


def _report_summary(store: Store, key: str) -> dict[str, Any]:
    path = store.version("categorization_report", key).file("summary.json")
    summary: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return summary


def next_commands(settings: Settings, checkpoints: Sequence[str]) -> Iterator[str]:
    """Commands that show what was made, with a subject that exists."""
    world = [] if settings.world == Settings.model_fields["world"].default else ["--world", settings.world]
    if not checkpoints:
        yield shlex.join(["factroots", "status", *world])
        return
    (key,) = checkpoints
    store = Store(settings.data_root, settings.world)
    yield shlex.join(["factroots", "open", *world])
    if example := _example_fact(store, key):
        subject, language = example
        several = ["--checkpoint", key] if len(store.keys("fact_types")) > 1 else []
        yield shlex.join(["factroots", "trace", subject, "--language", language, *several, *world])
    table = ["fact_verdicts", "--checkpoint", key, "--output", "verdicts.csv"]
    yield shlex.join(["factroots", "data", *table, *world])
    if len(registered(settings)) == 1 and settings.generated is False:
        yield "factroots checkpoints add <another model>, for a comparison"


def _example_fact(store: Store, key: str) -> tuple[str, str] | None:
    """Subject and language of a fact to look up: the surest transferred one, else of another verdict."""
    verdicts = store.read("fact_verdicts", key, columns=["uuid", "language", "verdict", *KNOWN_FROM])
    for verdict in ("transferred", "shared", "independent"):
        rows = verdicts.filter(pc.field("verdict") == verdict)
        if rows.num_rows:
            row = rows.sort_by([(verdict, "descending"), ("uuid", "ascending")]).slice(0, 1).to_pylist()[0]
            fact = pc.field("uuid") == row["uuid"]
            (subject,) = store.read("mlama_split", row["language"], columns=["subject"], where=fact)[
                "subject"
            ]
            return subject.as_py(), row["language"]
    return None


def _shorten(line: str, length: int = 160) -> str:
    return line if len(line) <= length else f"{line[: length - 1]}…"
