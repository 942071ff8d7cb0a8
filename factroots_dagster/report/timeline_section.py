"""When the facts of a run were learnt, which language had them first, and what frequency leaves over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.figures.timeline import plot_learning, plot_transfer
from factroots_dagster.report.language_names import label_language
from factroots_dagster.report.sections.model import Figure, Section, Table, percent
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.tables import zip_columns

FEWEST_CHECKPOINTS = 3
"""Of a run that has a section: two say nothing of an order."""
ALL = "*"

CURVE = pa.schema(
    [
        ("language", pa.string()),
        ("step", pa.int64()),
        ("learnt", pa.int64()),
        ("share", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
    ]
)
"""low, high: 95% interval of the share over facts (Wilson)."""

MOST_FIRST_LANGUAGES = 5

WHAT_IT_IS = (
    "A fact is learnt at the first checkpoint that answers its question; it lies after the checkpoint "
    "before. A lag is told where another language that states the fact knew it at an earlier checkpoint. The "
    "frequency model says how soon a language learns a fact from the number of its own sources and of facts "
    "with the same object; what is learnt beyond that, once a language that states the fact knows it, counts "
    "as transfer. Some facts are easy in every language, so the same is measured again where every language "
    "keeps its sources and is given the answers of another: what is as large there does not come from who "
    "states a fact."
)


def build_timeline_sections(
    facts: pa.Table, languages: pa.Table, names: Mapping[str, str]
) -> Iterator[Section]:
    """A section of every run with at least FEWEST_CHECKPOINTS checkpoints.

    facts: KNOWLEDGE_TIMELINE. languages: TIMELINE_LANGUAGES. names: language code to the name that is shown.
    """
    totals = [row for row in languages.to_pylist() if row["language"] == ALL]
    runs = [row["run"] for row in totals if row["checkpoints"] >= FEWEST_CHECKPOINTS and row["facts"]]
    for number, run in enumerate(runs, 1):
        own = facts.filter(pc.equal(facts["run"], run))
        yield _build_section(number, own, languages.filter(pc.equal(languages["run"], run)), names)


def _build_section(number: int, facts: pa.Table, languages: pa.Table, names: Mapping[str, str]) -> Section:
    rows = languages.to_pylist()
    (total,) = (row for row in rows if row["language"] == ALL)
    ordered = sorted(
        (row for row in rows if row["language"] != ALL), key=lambda row: (-row["learnt"], row["language"])
    )
    curve = trace_curve(facts)
    last = [row for row in curve.to_pylist() if row["language"] == ALL][-1]
    figures = [
        Figure(
            f"learning_{number}",
            plot_learning(curve.to_pylist()),
            "Facts that some checkpoint up to this step answers, with a 95% interval over facts; thin lines "
            "are single languages.",
            f"learning_{number}",
            f"Lines that rise with the training step; at step {last['step']:,} {percent(last['share'])} of "
            "the facts of all languages are learnt.",
        )
    ]
    fitted = [row for row in ordered if row["transfer"] is not None]
    if fitted:
        figures.append(
            Figure(
                f"transfer_{number}",
                plot_transfer(fitted, lambda language: label_language(language, names)),
                "Transfer: facts learnt beyond what the frequency of their own sources explains; whiskers "
                "are 95% intervals, bars span the placebo’s values.",
                f"timeline_languages_{number}",
                f"A point with an interval and a bar for each of {len(fitted)} languages.",
            )
        )
    return Section(
        id=f"timeline-{number}",
        title=f"When facts are learnt: the run up to {total['run']}",
        text=[_say_when(total, ordered), _say_lag(total), _say_transfer(total)],
        finding=_find(total),
        method=[WHAT_IT_IS],
        figures=figures,
        tables=[_tabulate([*ordered, total], names), _tabulate_first(facts, ordered, names)],
        asset="knowledge_timeline",
        data={f"learning_{number}": curve, f"timeline_languages_{number}": languages},
    )


def trace_curve(facts: pa.Table) -> pa.Table:
    """CURVE of one run: by language, and for all ("*"), the facts learnt by each step.

    facts: KNOWLEDGE_TIMELINE. Steps at which no fact was learnt in any language, nor the last one, may be
    missing.
    """
    steps = pc.unique(
        pa.chunked_array([*facts["first_known"].chunks, *facts["learnt_after"].chunks], pa.int64())
    )
    ordered = sorted(step for step in steps.to_pylist() if step)
    sizes: dict[str, int] = {}
    learnt: dict[str, dict[int, int]] = {}
    groups = facts.group_by(["language", "first_known"], use_threads=False).aggregate([("uuid", "count")])
    for row in groups.to_pylist():
        for language in (row["language"], ALL):
            sizes[language] = sizes.get(language, 0) + row["uuid_count"]
            of_steps = learnt.setdefault(language, {})
            if row["first_known"] is not None:
                of_steps[row["first_known"]] = of_steps.get(row["first_known"], 0) + row["uuid_count"]
    rows = []
    for language in sorted(sizes):
        so_far = 0
        for step in ordered:
            so_far += learnt[language].get(step, 0)
            share = so_far / sizes[language]
            low, high = wilson(so_far, sizes[language])
            ends = {"share": share, "low": low, "high": high}
            rows.append({"language": language, "step": step, "learnt": so_far} | ends)
    return pa.Table.from_pylist(rows, schema=CURVE)


def _find(total: Mapping[str, Any]) -> str:
    if not total["learnt"]:
        return "No fact is learnt"
    return (
        f"Half of the {total['learnt']:,} facts that are learnt are known by step {total['median_step']:,.0f}"
    )


def _tabulate_first(facts: pa.Table, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Table:
    """Which languages had the facts first that a language learnt after another.

    facts: KNOWLEDGE_TIMELINE of one run. rows: of TIMELINE_LANGUAGES, in the order of the table.
    """
    learnt = facts.filter(pc.is_valid(facts["first_known"]))
    counts: dict[str, Counter[str]] = {}
    behind: Counter[str] = Counter()
    for language, first in zip_columns(learnt, "language", "first_languages"):
        counts.setdefault(language, Counter()).update(first)
        behind[language] += bool(first)
    cells = []
    for row in rows:
        first = counts.get(row["language"], Counter())
        ordered = sorted(first.items(), key=lambda item: (-item[1], item[0]))
        named = [
            f"{label_language(code, names)} ({count:,})" for code, count in ordered[:MOST_FIRST_LANGUAGES]
        ]
        if len(ordered) > MOST_FIRST_LANGUAGES:
            named.append(f"{len(ordered) - MOST_FIRST_LANGUAGES} more")
        cells.append(
            [label_language(row["language"], names), f"{behind[row['language']]:,}", ", ".join(named) or "–"]
        )
    caption = (
        "Facts that a language learnt after another that states them, and which had them first; a fact "
        "counts for each of these. An order is no proof that the fact came from there: compare the placebo."
    )
    return Table(["language", "learnt after another", "first known in"], cells, caption, prose=True)


def _say_when(total: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> str:
    learnt, facts = total["learnt"], total["facts"]
    if not learnt:
        return (
            f"None of the {facts:,} questions is answered at any of the {total['checkpoints']} checkpoints."
        )
    said = (
        f"Some of the {total['checkpoints']} checkpoints answer {learnt:,} of {facts:,} questions "
        f"({percent(learnt / facts)}), half of these by step {total['median_step']:,.0f}"
    )
    medians = [row["median_step"] for row in rows if row["learnt"]]
    if min(medians) < max(medians):
        said += f"; in single languages by step {min(medians):,.0f} to {max(medians):,.0f}"
    return (
        f"{said}. Lost again at the last checkpoint: {total['forgotten']:,}. Forgettings, from one "
        f"checkpoint to the next: {total['forgettings']:,}; in a random order of the checkpoints: "
        f"{total['forgettings_shuffled']:,.0f}."
    )


def _say_lag(total: Mapping[str, Any]) -> str:
    if total["median_lag"] is None:
        return (
            "No language learnt a fact that another language which states it knew at an earlier checkpoint."
        )
    said = (
        f"Cases in which a language learnt a fact after another that states it: {total['behind']:,}, by a "
        f"median of {total['median_lag']:,.0f} steps behind the first"
    )
    if total["median_lag_shuffled"] is None:
        return f"{said}."
    said += (
        f"; with languages shuffled: {total['behind_shuffled']:,.0f}, by a median of "
        f"{total['median_lag_shuffled']:,.0f} steps."
    )
    if total["behind"] <= total["behind_shuffled"]:
        said += " That is no more than the placebo: the order does not depend on who states a fact."
    return said


def _say_transfer(total: Mapping[str, Any]) -> str:
    if total["transfer"] is None:
        return "There are too few facts that were learnt in between to fit the frequency model."
    said = (
        f"Beyond what the frequency of their own sources explains, {total['transfer']:,.0f} facts were "
        f"learnt (95% interval {total['transfer_low']:,.0f} to {total['transfer_high']:,.0f})"
    )
    if total["transfer_low"] <= 0:
        said += ", which is none that can be told from 0"
    if total["transfer_shuffled"] is None:
        return f"{said}."
    low, high = total["transfer_shuffled_low"], total["transfer_shuffled_high"]
    said += f"; with languages shuffled {total['transfer_shuffled']:,.0f} ({low:,.0f} to {high:,.0f}). "
    if total["transfer_low"] > high:
        return said + "That is more than the placebo explains."
    if total["transfer_high"] < low:
        return said + "That is less than the placebo: own sources explain more than another language’s do."
    return (
        said + "That is no more than the placebo: it is no evidence that a fact came from another language."
    )


def _tabulate(rows: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> Table:
    columns = (
        "language", "facts", "learnt", "median step", "forgettings (random order)", "behind (shuffled)",
        "median lag (shuffled)", "transfer", "transfer, shuffled",
    )  # fmt: skip
    cells = [
        [
            "all languages" if row["language"] == ALL else label_language(row["language"], names),
            f"{row['facts']:,}",
            f"{row['learnt']:,}",
            _count(row["median_step"]),
            *(_count_with_placebo(row, name) for name in ("forgettings", "behind", "median_lag")),
            _count_with_ends(row, "transfer_low", "transfer", "transfer_high"),
            _count_with_ends(row, "transfer_shuffled_low", "transfer_shuffled", "transfer_shuffled_high"),
        ]
        for row in rows
    ]
    return Table(columns, cells, "A step is a step of the training; transfer is a number of facts.")


def _count(value: float | None) -> str:
    return "–" if value is None else f"{value:z,.0f}"


def _count_with_placebo(row: Mapping[str, Any], name: str) -> str:
    placebo = row[f"{name}_shuffled"]
    return _count(row[name]) if placebo is None else f"{_count(row[name])} ({_count(placebo)})"


def _count_with_ends(row: Mapping[str, Any], low: str, name: str, high: str) -> str:
    value = row[name]
    return "–" if value is None else f"{value:z,.0f} [{row[low]:z,.0f}, {row[high]:z,.0f}]"
