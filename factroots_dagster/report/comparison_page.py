"""Writes the page that compares checkpoints: P@1, types, when facts were learnt, and which changed type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.figures import comparison as figures
from factroots_dagster.report.figures.colours import TYPE_COLOURS, TYPE_NAMES
from factroots_dagster.report.language_names import label_language
from factroots_dagster.report.page import (
    PAGE_SCRIPT,
    load_template,
    read_script,
    write_figures_and_data,
    write_page,
)
from factroots_dagster.report.sections.model import (
    Figure,
    Section,
    Table,
    count_words,
    interval,
    join_words,
    percent,
)
from factroots_dagster.report.shares_section import build_shares_section
from factroots_dagster.report.timeline_section import build_timeline_sections
from factroots_dagster.roots.counts import CountRanges, count_ranges
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES
from factroots_dagster.stats.intervals import wilson
from factroots_dagster.tables import zip_columns

EXAMPLES = 8
"""Facts of each change that are shown by name."""

CHANGE_COUNTS = pa.schema([("type_from", pa.string()), ("type_to", pa.string()), ("facts", pa.int64())])

Labels = Mapping[tuple[str, str], tuple[str, str]]
"""(language, uuid) to subject and object."""


def write_comparison(
    folder: Path,
    comparison: pa.Table,
    changed: pa.Table,
    splits: Iterable[pa.Table],
    names: Mapping[str, str],
    sensitivity: Mapping[str, pa.Table],
    timeline: tuple[pa.Table, pa.Table],
    reports: Mapping[str, str] | None = None,
    steps: Mapping[str, int] | None = None,
    shares: Mapping[str, pa.Table] | None = None,
) -> None:
    """Writes `index.html`, `figures/*.svg` and `data/*.csv` into `folder`.

    folder: an existing folder. comparison: CHECKPOINT_COMPARISON. changed: CHANGED_FACTS. splits: MLAMA_SPLIT
    of the languages in `changed`, consumed one by one, for the facts' labels. names: language code to the
    name that is shown beside it. sensitivity: checkpoint to SENSITIVITY, for the ranges of the counts.
    timeline: KNOWLEDGE_TIMELINE and TIMELINE_LANGUAGES. reports: checkpoint to the address of its report,
    relative to this page. steps: checkpoint to its training step, where all are of one run. shares:
    checkpoint to VERDICT_SHARES; a checkpoint without them is left out of their section.
    """
    rows = comparison.to_pylist()
    checkpoints = figures.in_order(rows)
    ranges = {checkpoint: count_ranges(table) for checkpoint, table in sensitivity.items()}
    labels = _labels_of_examples(changed, splits)
    of_shares = build_shares_section(shares or {}, checkpoints, steps)
    sections = [
        _overall_section(rows, checkpoints, ranges, steps),
        *([of_shares] if of_shares else []),
        _language_section(rows, checkpoints, names),
        *build_timeline_sections(*timeline, names),
        *(
            _change_section(number, before, after, changed, labels, names)
            for number, (before, after) in enumerate(pairwise(checkpoints), 1)
        ),
    ]
    page = load_template("comparison.html").render(
        sections=sections,
        figures=write_figures_and_data(folder, sections),
        colours=TYPE_COLOURS,
        checkpoints=checkpoints,
        reports=reports or {},
        scripts=[read_script(PAGE_SCRIPT)],
    )
    write_page(folder, page)


def _overall_section(
    rows: Sequence[Mapping[str, Any]],
    checkpoints: Sequence[str],
    ranges: Mapping[str, CountRanges],
    steps: Mapping[str, int] | None,
) -> Section:
    by_key = {(row["checkpoint"], row["type"]): row for row in rows if row["language"] == "*"}
    value = {checkpoint: by_key[checkpoint, TYPES[0]]["full_match"] for checkpoint in checkpoints}
    ends = {
        checkpoint: wilson(share * facts, facts)
        for checkpoint, share in value.items()
        if share is not None and (facts := sum(by_key[checkpoint, type_]["facts"] for type_ in TYPES))
    }
    p_at_1 = {key: interval(value[key], *ends.get(key, (None, None))) for key in checkpoints}
    cells = []
    for checkpoint in checkpoints:
        counts = [by_key[checkpoint, type_]["facts"] for type_ in TYPES]
        bounds = [ranges.get(checkpoint, {}).get(("*", type_)) for type_ in TYPES]
        with_bounds = map(_count_with_range, counts, bounds)
        cells.append([checkpoint, p_at_1[checkpoint], *with_bounds, f"{sum(counts):,}"])
    figure = Figure(
        "checkpoints",
        figures.plot_checkpoints(rows, ranges, ends, steps),
        "Left: P@1 with its 95% interval over facts; thin lines are single languages. Right: all rows by "
        "type; areas span the smallest and the largest count over all settings, and the remaining rows are "
        "not predicted.",
        "checkpoint_comparison",
        f"P@1 of all languages: {join_words([' '.join(item) for item in p_at_1.items()])}.",
    )
    return Section(
        id="overall",
        title="What changes from checkpoint to checkpoint",
        text=[],
        finding=_find_overall(checkpoints, value),
        method=[
            "Along one training run: does the model first learn facts where it reads them, and carry them "
            "over later? Between models: do they know the same facts in the same way? P@1 counts the rows "
            "in which a model can be asked for a full match."
        ],
        figures=[figure],
        tables=[Table(["checkpoint", "P@1", *(TYPE_NAMES[type_] for type_ in TYPES), "Rows"], cells)],
        asset="checkpoint_comparison",
        data={"checkpoint_comparison": pa.Table.from_pylist(list(rows))},
    )


def _find_overall(checkpoints: Sequence[str], value: Mapping[str, float | None]) -> str:
    first, last = value[checkpoints[0]], value[checkpoints[-1]]
    if first is None or last is None:
        return ""
    if len(checkpoints) == 1:
        return f"P@1 is {percent(last)}"
    return f"P@1 goes from {percent(first)} at the first checkpoint to {percent(last)} at the last"


def _count_with_range(facts: int, counts: tuple[int, int] | None) -> str:
    return f"{facts:,}" if counts is None else f"{facts:,} [{counts[0]:,}–{counts[1]:,}]"


def _language_section(
    rows: Sequence[Mapping[str, Any]], checkpoints: Sequence[str], names: Mapping[str, str]
) -> Section:
    p_at_1 = {(row["checkpoint"], row["language"]): row["full_match"] for row in rows}
    languages = sorted(
        {row["language"] for row in rows} - {"*"},
        key=lambda language: (-(p_at_1.get((checkpoints[-1], language)) or 0.0), language),
    )
    columns = {key: [p_at_1.get((key, language)) for language in languages] for key in checkpoints}
    labels = [label_language(language, names) for language in languages]
    cells = list(zip(labels, *(map(percent, column) for column in columns.values()), strict=True))
    figure = Figure(
        "checkpoints_by_language",
        figures.plot_p_at_1_by_checkpoint(rows, languages, lambda language: label_language(language, names)),
        "P@1 of every language, a mark per checkpoint, stronger for later ones.",
        "p_at_1_by_language",
        f"A row per language, {len(languages)} in all.",
    )
    return Section(
        id="languages",
        title="P@1 by language",
        text=[],
        finding=_find_languages(labels, columns[checkpoints[-1]]),
        method=["Languages are in the order of the last checkpoint, the best one first."],
        figures=[figure],
        tables=[Table(["language", *checkpoints], cells, collapsed=True)],
        asset="checkpoint_comparison",
        data={"p_at_1_by_language": pa.table({"language": languages} | columns)},
    )


def _find_languages(labels: Sequence[str], last: Sequence[float | None]) -> str:
    """The best and the worst language of the last checkpoint."""
    known = [(label, value) for label, value in zip(labels, last, strict=True) if value is not None]
    if len(known) < 2:
        return ""
    (best, most), (worst, least) = known[0], known[-1]
    return (
        f"The last checkpoint knows most in {best} ({percent(most)}) and least in {worst} ({percent(least)})"
    )


def _change_section(
    number: int, before: str, after: str, changed: pa.Table, labels: Labels, names: Mapping[str, str]
) -> Section:
    """How many facts changed from which type to which between two checkpoints, and the first of each."""
    step = changed.filter(
        pc.and_(pc.equal(changed["checkpoint_from"], before), pc.equal(changed["checkpoint_to"], after))
    )
    changes = Counter(zip(step["type_from"].to_pylist(), step["type_to"].to_pylist(), strict=True))
    gained = sum(facts for (old, _), facts in changes.items() if old == "not_predicted")
    lost = sum(facts for (_, new), facts in changes.items() if new == "not_predicted")
    retyped = sum(facts for types, facts in changes.items() if set(types) <= set(PREDICTED_TYPES))
    figure = Figure(
        f"changes_{number}",
        figures.plot_changes(changes, f"{before} (rows) to {after} (columns)"),
        "Facts that changed, by their type before (rows) and after (columns).",
        f"changes_{number}",
        f"A table of counts; {step.num_rows:,} facts in all.",
    )
    caption = "The first facts of each change, in the order of their identifiers; none was picked by hand."
    columns = ["change", "language", "subject", "object", "fact"]
    cells = [
        [
            f"{TYPE_NAMES[row['type_from']]} → {TYPE_NAMES[row['type_to']]}",
            names.get(row["language"], row["language"]),
            *labels.get((row["language"], row["uuid"]), ("–", "–")),
            row["uuid"],
        ]
        for row in _first_of_each_change(step)
    ]
    counts = [
        {"type_from": old, "type_to": new, "facts": changes[old, new]}
        for old, new in product(TYPES, TYPES)
        if changes[old, new]
    ]
    return Section(
        id=f"change-{number}",
        title=f"From {before} to {after}",
        text=[
            f"{step.num_rows:,} facts changed their type: {gained:,} are newly predicted, {lost:,} are no "
            f"longer predicted, and {retyped:,} are predicted by both checkpoints but have another type."
        ],
        figures=[figure],
        tables=[
            _changes_by_language(step, names),
            Table(columns, cells, caption, collapsed=True, prose=True),
        ],
        finding=f"{count_words(gained, 'fact')} became known, and {lost:,} were lost",
        asset="checkpoint_comparison",
        data={
            f"changes_{number}": pa.Table.from_pylist(counts, CHANGE_COUNTS),
            f"changed_facts_{number}": step,
        },
    )


def _changes_by_language(step: pa.Table, names: Mapping[str, str]) -> Table:
    """How many facts each language gained and lost. step: CHANGED_FACTS between two checkpoints."""
    counts: dict[str, Counter[str]] = {}
    for language, old, new in zip_columns(step, "language", "type_from", "type_to"):
        change = "gained" if old == "not_predicted" else "lost" if new == "not_predicted" else "other type"
        for key in (language, "*"):
            counts.setdefault(key, Counter())[change] += 1
    order = sorted(counts, key=lambda key: (key == "*", counts[key]["lost"] - counts[key]["gained"], key))
    cells = [
        [
            label_language(language, names),
            *(f"{counts[language][change]:,}" for change in ("gained", "lost")),
            f"{counts[language]['gained'] - counts[language]['lost']:+,}",
            f"{counts[language]['other type']:,}",
        ]
        for language in order
    ]
    return Table(["language", "gained", "lost", "net change", "other type"], cells)


def _first_of_each_change(changed: pa.Table) -> list[dict[str, Any]]:
    """The first facts of every change between every two checkpoints, by identifier and language."""
    seen: Counter[tuple[str, ...]] = Counter()
    first = []
    for row in changed.sort_by([("uuid", "ascending"), ("language", "ascending")]).to_pylist():
        change = (row["checkpoint_from"], row["type_from"], row["type_to"])
        seen[change] += 1
        if seen[change] <= EXAMPLES:
            first.append(row)
    return sorted(first, key=lambda row: (TYPES.index(row["type_from"]), TYPES.index(row["type_to"])))


def _labels_of_examples(changed: pa.Table, splits: Iterable[pa.Table]) -> Labels:
    """Subject and object, in all languages, of the facts that are shown by name."""
    uuids = pa.array(sorted({row["uuid"] for row in _first_of_each_change(changed)}), pa.string())
    return {
        (row["language"], row["uuid"]): (row["subject"], row["object"])
        for split in splits
        for row in split.filter(pc.is_in(split["uuid"], uuids)).to_pylist()
    }
