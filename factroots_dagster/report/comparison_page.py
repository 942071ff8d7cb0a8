"""Writes the page of the comparison: P@1 and types over the checkpoints, and which facts changed type."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from factroots_dagster.report.figures import comparison as figures
from factroots_dagster.report.figures.style import TYPE_COLOURS, TYPE_NAMES
from factroots_dagster.report.page import environment
from factroots_dagster.report.page_files import write_figures_and_data
from factroots_dagster.report.sections.model import Figure, Grid, Section, percent, sentence
from factroots_dagster.roots.counts import type_bands
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES

EXAMPLES = 8
"""Facts of each change that are shown by name."""


def write_comparison(
    folder: Path,
    table: pa.Table,
    changed: pa.Table,
    splits: Iterable[pa.Table],
    names: Mapping[str, str],
    sensitivity: Mapping[str, pa.Table],
) -> None:
    """Writes `index.html`, `figures/*.svg` and `data/*.csv` into `folder`.

    Args:
        folder: existing folder.
        table: CHECKPOINT_COMPARISON.
        changed: CHANGED_FACTS.
        splits: MLAMA_SPLIT of the languages in `changed`, consumed one by one, for the facts' labels.
        names: names that stand beside the languages' codes.
        sensitivity: checkpoint to SENSITIVITY, for the bands.
    """
    rows = table.to_pylist()
    order = [key for _, key in sorted({(row["order"], row["checkpoint"]) for row in rows})]
    bands = {key: type_bands(one) for key, one in sensitivity.items()}
    parts = [_overall(rows, order, bands), _languages(rows, order, names)]
    parts += _changes(changed, order, _labels(changed, splits), names)
    embedded = write_figures_and_data(folder, parts)
    page = environment().get_template("comparison.html")
    text = page.render(sections=parts, figures=embedded, colours=TYPE_COLOURS, order=order, script_digest="")
    (folder / "index.html").write_text(text, "utf-8", errors="replace")


def _overall(
    rows: list[dict[str, Any]],
    order: list[str],
    bands: Mapping[str, Mapping[tuple[str, str], tuple[int, int]]],
) -> Section:
    cells = {(row["checkpoint"], row["type"]): row for row in rows if row["language"] == "*"}
    p1 = {key: cells[key, TYPES[0]]["full_match"] for key in order}
    grid = [
        [
            key,
            percent(p1[key]),
            *(_banded(cells[key, t]["facts"], bands.get(key, {}).get(("*", t))) for t in TYPES),
            f"{sum(cells[key, t]['facts'] for t in TYPES):,}",
        ]
        for key in order
    ]
    return Section(
        "overall",
        "What moves from checkpoint to checkpoint",
        [
            "Along one training run: does the model first learn facts where it reads them and carry them "
            "over "
            "later? Between models: do they know the same facts in the same way? P@1 counts the rows that a "
            "model can be asked for a full match."
        ],
        [
            Figure(
                "checkpoints",
                figures.checkpoints_overall(rows, bands),
                "Left: P@1, thin lines for single languages. Right: all rows by type, with the least and the "
                "most over all settings as areas; the rest is not predicted.",
                "checkpoint_comparison",
                "P@1 of all languages: " + sentence([f"{key} {percent(p1[key])}" for key in order]) + ".",
            )
        ],
        [Grid(["checkpoint", "P@1", *(TYPE_NAMES[t] for t in TYPES), "Rows"], grid)],
        "checkpoint_comparison",
        {"checkpoint_comparison": pa.Table.from_pylist(rows)},
    )


def _banded(facts: int, band: tuple[int, int] | None) -> str:
    return f"{facts:,}" if band is None else f"{facts:,} [{band[0]:,}–{band[1]:,}]"


def _languages(rows: list[dict[str, Any]], order: list[str], names: Mapping[str, str]) -> Section:
    last = {r["language"]: r["full_match"] for r in rows if r["checkpoint"] == order[-1]}
    languages = sorted({r["language"] for r in rows} - {"*"}, key=lambda x: (-(last.get(x) or 0.0), x))
    value = {(r["checkpoint"], r["language"]): r["full_match"] for r in rows}

    def name(language: str) -> str:
        return f"{names[language]} · {language}" if language in names else language

    grid = [[name(x), *(percent(value.get((key, x))) for key in order)] for x in languages]
    return Section(
        "languages",
        "P@1 by language",
        ["Languages in the order of the last checkpoint, the best first."],
        [
            Figure(
                "checkpoints_by_language",
                figures.by_language(rows, languages, name),
                "P@1 of every language, a mark per checkpoint, stronger for later ones.",
                "p_at_1_by_language",
                f"A row per language, {len(languages)} in all.",
            )
        ],
        [Grid(["language", *order], grid, folded=True)],
        "checkpoint_comparison",
        {
            "p_at_1_by_language": pa.Table.from_pylist(
                [{"language": x} | {key: value.get((key, x)) for key in order} for x in languages]
            )
        },
    )


def _changes(
    changed: pa.Table,
    order: list[str],
    labels: Mapping[tuple[str, str], tuple[str, str]],
    names: Mapping[str, str],
) -> list[Section]:
    """A section for each step: how many facts went where, and the first of each change."""
    parts = []
    for number, (before, after) in enumerate(pairwise(order), 1):
        step = changed.filter(
            pc.and_(pc.equal(changed["checkpoint_from"], before), pc.equal(changed["checkpoint_to"], after))
        )
        moves = Counter(zip(step["type_from"].to_pylist(), step["type_to"].to_pylist(), strict=True))
        counted = [
            {"type_from": a, "type_to": b, "facts": moves[a, b]} for a in TYPES for b in TYPES if moves[a, b]
        ]
        known = {move: n for move, n in moves.items() if set(move) <= set(PREDICTED_TYPES)}
        grid = [
            [
                f"{TYPE_NAMES[row['type_from']]} → {TYPE_NAMES[row['type_to']]}",
                names.get(row["language"], row["language"]),
                *labels.get((row["language"], row["uuid"]), ("–", "–")),
                row["uuid"],
            ]
            for row in _first_of_each(step)
        ]
        gained = sum(n for (a, _), n in moves.items() if a == "not_predicted")
        lost = sum(n for (_, b), n in moves.items() if b == "not_predicted")
        parts.append(
            Section(
                f"change-{number}",
                f"From {before} to {after}",
                [
                    f"{step.num_rows:,} facts changed their type: {gained:,} are newly predicted, {lost:,} "
                    f"no "
                    f"longer, and {sum(known.values()):,} are predicted by both and have another type."
                ],
                [
                    Figure(
                        f"changes_{number}",
                        figures.changes(moves, f"{before} (down) to {after} (across)"),
                        "Facts that changed: the type before (down) and after (across).",
                        f"changes_{number}",
                        f"A table of counts; {step.num_rows:,} facts in all.",
                    )
                ],
                [
                    Grid(
                        ["change", "language", "subject", "object", "fact"],
                        grid,
                        "The first facts of each change by identifier: nobody picked them.",
                        folded=True,
                    )
                ],
                "checkpoint_comparison",
                {
                    f"changes_{number}": pa.Table.from_pylist(
                        counted,
                        pa.schema(
                            [("type_from", pa.string()), ("type_to", pa.string()), ("facts", pa.int64())]
                        ),
                    ),
                    f"changed_facts_{number}": step,
                },
            )
        )
    return parts


def _first_of_each(step: pa.Table) -> list[dict[str, Any]]:
    """The first facts of every change, by identifier and language."""
    seen: Counter[tuple[str, str]] = Counter()
    kept = []
    for row in step.sort_by([("uuid", "ascending"), ("language", "ascending")]).to_pylist():
        move = (row["type_from"], row["type_to"])
        seen[move] += 1
        if seen[move] <= EXAMPLES:
            kept.append(row)
    return sorted(kept, key=lambda row: (TYPES.index(row["type_from"]), TYPES.index(row["type_to"])))


def _labels(changed: pa.Table, splits: Iterable[pa.Table]) -> dict[tuple[str, str], tuple[str, str]]:
    """(language, uuid) to subject and object, of the facts that may be shown."""
    wanted: dict[str, set[str]] = {}
    for before in pc.unique(changed["checkpoint_from"]).to_pylist():
        for row in _first_of_each(changed.filter(pc.equal(changed["checkpoint_from"], before))):
            wanted.setdefault(row["language"], set()).add(row["uuid"])
    found = {}
    for split in splits:
        for language in pc.unique(split["language"]).to_pylist():
            own = pc.is_in(split["uuid"], pa.array(sorted(wanted.get(language, ())), pa.string()))
            for row in split.filter(own).select(["uuid", "subject", "object"]).to_pylist():
                found[language, row["uuid"]] = (row["subject"], row["object"])
    return found
