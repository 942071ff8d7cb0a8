"""Where it has it from: types, how they move, absent sources, easy facts, examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from factroots_dagster.report.figures import roots as figures
from factroots_dagster.report.figures.style import TYPE_NAMES
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Grid, Section, percent, sentence
from factroots_dagster.roots.schema import PREDICTED_TYPES, TYPES


def answer(inputs: ReportInputs) -> Section:
    """Types by language: the answer in one picture."""
    total = inputs.counts["*"]
    predicted = sum(total[t] for t in PREDICTED_TYPES)
    luck = inputs.luck[-1]
    text = [
        f"Of {predicted + total['not_predicted']:,} questions in {len(inputs.languages)} languages the model "
        f"answers {predicted:,} correctly. Where does it have them from?",
        "Shared: the language's own Wikipedia states the fact, and the model represents it with the "
        "same neurons "
        "as another language. Independent: stated there, too, but represented in this language alone. "
        "Transferred: this language's Wikipedia does not state it and nothing gives it away, so it "
        "must have come "
        "over from another language. Easy: not stated either, but the name gives the answer away.",
    ]
    if luck["rate"] is not None:
        text.append(
            f"Some hits are luck: of {luck['unsourced']:,} questions that no Wikipedia here answers "
            "and no name gives "
            f"away, {percent(luck['rate'])} are answered correctly all the same. Of "
            f"{luck['transferred']:,} transferred "
            f"facts about {luck['expected_lucky']:,.0f} are therefore expected to be guesses, which leaves "
            f"{luck['transferred_net']:,.0f}."
        )
    shown = [language for language in inputs.languages if language in inputs.counts]
    named = [*(TYPE_NAMES[t] for t in PREDICTED_TYPES)]
    columns = ["language", *named, "Predicted", TYPE_NAMES["not_predicted"], "Asked"]
    rows = [_type_row(inputs, language) for language in [*shown, "*"]]
    bands = (
        " Whiskers, and brackets in the table: the least and the most over all settings tried below."
        if inputs.bands
        else ""
    )
    said = [f"{TYPE_NAMES[t].lower()} {percent(total[t] / predicted)}" for t in PREDICTED_TYPES if predicted]
    return Section(
        "answer",
        "The answer in one picture",
        text,
        [
            Figure(
                "types_by_language",
                figures.types_by_language(inputs.counts, [*shown, "*"], inputs.bands, inputs.name),
                "Correctly predicted facts of each language by type, best-answered language first; the "
                "number "
                "in brackets is 100%." + bands,
                "types_by_language",
                f"Bars for {len(shown)} languages in five panels, one per type. All languages together: "
                + (sentence(said) if said else "no fact is predicted")
                + ".",
            )
        ],
        [Grid(columns, rows, "Every predicted fact has exactly one type; rows and columns add up.")],
        "fact_types",
        {"types_by_language": _counts_table(inputs), "lucky_guesses": pa.Table.from_pylist(inputs.luck)},
    )


def sensitivity(inputs: ReportInputs) -> Section | None:
    """How the counts move when one setting is changed."""
    if inputs.sensitivity is None or not inputs.sensitivity.num_rows:
        return None
    rows = [row for row in inputs.sensitivity.to_pylist() if row["language"] == "*"]
    counts: dict[tuple[str, str, bool], dict[str, int]] = {}
    for row in rows:
        key = (row["axis"], row["setting"], row["is_default"])
        counts.setdefault(key, {})[row["type"]] = row["facts"]
    grid = [
        [
            f"{figures.AXES.get(axis, axis)}: {setting}" + (" (used)" if used else ""),
            *(f"{cells[t]:,}" for t in PREDICTED_TYPES),
        ]
        for (axis, setting, used), cells in counts.items()
    ]
    low_high = {t: inputs.bands["*", t] for t in PREDICTED_TYPES}
    said = [f"{TYPE_NAMES[t].lower()} {low:,} to {high:,}" for t, (low, high) in low_high.items()]
    return Section(
        "sensitivity",
        "How much hangs on the settings",
        [
            "Each row changes one setting and leaves the others as they are: in which window of the "
            "Wikipedia "
            "subject and object must meet and by which names (matcher), how the neurons of two languages are "
            "compared (statistic, and k for the paper’s), how sure “shared” must be (alpha), and what "
            "counts as "
            "given away by a name (easy rule). The range over all rows is the band around every count of "
            "types in this page.",
            "Over all settings: " + sentence(said) + ".",
        ],
        [
            Figure(
                "sensitivity",
                figures.sensitivity(rows),
                "Shares of the types, all languages together, with one setting changed at a time; strong "
                "colours: the settings in use.",
                "sensitivity",
                "Bars in five panels, one per type, a row per setting. " + sentence(said).capitalize() + ".",
            )
        ],
        [Grid(["setting", *(TYPE_NAMES[t] for t in PREDICTED_TYPES)], grid, folded=True)],
        "fact_types",
        {"sensitivity": inputs.sensitivity},
    )


def absence(inputs: ReportInputs) -> Section | None:
    """How many predicted facts no article states."""
    rows = inputs.absence.to_pylist()
    if not rows:
        return None
    published = inputs.published.absence if inputs.published else {}
    shown = [language for language in inputs.languages if any(r["language"] == language for r in rows)]
    matchers = sorted({r["matcher"] for r in rows})
    by_cell = {(r["language"], r["matcher"]): r for r in rows}
    grid = []
    for language in shown:
        cells = [by_cell.get((language, matcher)) for matcher in matchers]
        predicted = next((f"{c['predicted']:,}" for c in cells if c), "–")
        known = [percent(published.get(language))] if published else []
        rates = (percent(c["rate"]) if c else "–" for c in cells)
        grid.append([inputs.name(language), predicted, *rates, *known])
    text = [
        "A source counts as present when subject and object occur together in one window of that language's "
        "Wikipedia. A wider window finds more, also by accident, so absence is a band and not a number.",
    ]
    if inputs.checkpoint.get("corpus") not in ("wikipedia", "sandbox"):
        text.append(
            "This model was not trained on Wikipedia alone: absence here does not mean that it "
            "never read the fact."
        )
    used = sorted(set(inputs.types["matcher"].to_pylist()))
    text.append(f"The types above use: {', '.join(used)}.")
    return Section(
        "absence",
        "Facts that nobody wrote down",
        text,
        [
            Figure(
                "absence",
                figures.absence_by_language(rows, shown, published, inputs.name),
                "Predicted facts without a source, by the window in which subject and object must meet.",
                "source_absence",
                f"A row per language, {len(shown)} in all, with a mark per matcher. Without a source: "
                + sentence([f"{m} {percent(_pooled(rows, m))}" for m in matchers])
                + ".",
            )
        ],
        [
            Grid(
                [
                    "language",
                    "predicted",
                    *matchers,
                    *(["published (512-wordpiece chunk)"] if published else []),
                ],
                grid,
                folded=True,
            )
        ],
        "fact_sources",
        {"source_absence": inputs.absence},
    )


def easy(inputs: ReportInputs) -> Section:
    """What the name gives away."""
    total = inputs.counts["*"]
    without = sum(total[t] for t in ("transferred", "naming_cue", "shared_tokens"))
    text = [
        f"Of {without:,} predicted facts without a source, {total['shared_tokens']:,} have the "
        "object or a piece of it in "
        f"the subject’s name, and {total['naming_cue']:,} belong to relations that a name often "
        "tells (country, "
        "citizenship, native language, religion, languages spoken). The remaining "
        f"{total['transferred']:,} are the "
        "transferred ones.",
        *(_cues(inputs)),
    ]
    grids, data = [], {}
    if inputs.published and "*" in inputs.published.absent_types:
        heads = ["without a source", "here", "published"]
        grids.append(Grid(heads, _against(total, inputs.published.absent_types["*"])))
        rows, cells = [], []
        for language in inputs.languages:
            known = inputs.published.absent_types.get(language)
            if known is None or language not in inputs.counts:
                continue
            own = inputs.counts[language]
            pairs = [(own[kind], known[name]) for kind, name, _ in PUBLISHED_TYPES]
            rows.append([inputs.name(language), *(f"{a:,} / {b:,}" for a, b in pairs)])
            cells.append(
                {"language": language}
                | {f"{kind}_here": own[kind] for kind, _, _ in PUBLISHED_TYPES}
                | {f"{kind}_published": known[name] for kind, name, _ in PUBLISHED_TYPES}
            )
        heads = ["language", *(f"{label}: here / published" for _, _, label in PUBLISHED_TYPES)]
        grids.append(Grid(heads, rows, folded=True))
        data = {"published_types": pa.Table.from_pylist(cells)}
    return Section("easy", "Easy facts", text, [], grids, "fact_types", data)


PUBLISHED_TYPES = (
    ("shared_tokens", "shared_tokens", "shared tokens"),
    ("naming_cue", "naming_cues", "naming cues"),
    ("transferred", "others", "the rest: transferred"),
)
"""Our type, the published record's name of it, and how it is written."""


def _against(ours: Mapping[str, int], published: Mapping[str, int]) -> list[list[str]]:
    return [[label, f"{ours[kind]:,}", f"{published[name]:,}"] for kind, name, label in PUBLISHED_TYPES]


def _cues(inputs: ReportInputs) -> list[str]:
    """What the rule in use counts as a naming cue."""
    rules = set(inputs.types["easy_rule"].to_pylist()) if "easy_rule" in inputs.types.column_names else set()
    said = {
        "name": "A name counts as a cue when other facts of the relation whose subject has the same name "
        "part "
        "have the same object. The paper’s rule goes by the relation alone and also takes facts that really "
        "were transferred; it stands among the settings above.",
        "relation": "The rule for naming cues goes by relation only, as in the paper: it also takes facts "
        "that "
        "really were transferred.",
        "none": "Naming cues are not set apart here.",
    }
    return [said[rule] for rule in sorted(rules or {"relation"}) if rule in said]


def examples(inputs: ReportInputs) -> Section | None:
    """Some facts to read."""
    if not inputs.examples:
        return None
    rows = []
    for row in inputs.examples:
        evidence = row["evidence"]
        stated = (
            # U+2068 and U+2069 isolate the direction of each label inside one cell.
            f"“\u2068{evidence['sentence']}\u2069” — \u2068{evidence['title']}\u2069, "
            f"revision {evidence['revision_id']}"
            if evidence
            else "no source found"
        )
        rows.append(
            [
                TYPE_NAMES[row["type"]],
                inputs.name(row["language"]),
                row["prompt"],
                row["object"],
                row["reason"],
                stated,
            ]
        )
    heads = ["type", "language", "asked", "answer", "why this type", "source in this language"]
    text = ["The first facts of each type, in order of their identifiers: nobody picked them."]
    return Section("examples", "Some facts to read", text, [], [Grid(heads, rows)], "fact_types")


def _type_row(inputs: ReportInputs, language: str) -> list[str]:
    counts = inputs.counts[language]
    predicted = sum(counts[t] for t in PREDICTED_TYPES)
    typed = []
    for kind in PREDICTED_TYPES:
        low, high = inputs.bands.get((language, kind), (counts[kind], counts[kind]))
        band = f" [{low:,}–{high:,}]" if inputs.bands else ""
        typed.append(f"{counts[kind]:,}{band}")
    ends = (predicted, counts["not_predicted"], predicted + counts["not_predicted"])
    return [inputs.name(language), *typed, *(f"{cell:,}" for cell in ends)]


def _counts_table(inputs: ReportInputs) -> pa.Table:
    """Counts by language and type, with the band of each predicted type where it is known."""
    rows = []
    for language, counts in inputs.counts.items():
        row: dict[str, int | str] = {"language": language} | {t: counts[t] for t in TYPES}
        for kind in PREDICTED_TYPES if inputs.bands else ():
            row[f"{kind}_least"], row[f"{kind}_most"] = inputs.bands[language, kind]
        rows.append(row)
    return pa.Table.from_pylist(rows)


def _pooled(rows: Sequence[Mapping[str, Any]], matcher: str) -> float | None:
    """The share of all languages' predicted facts without a source by one matcher."""
    mine = [row for row in rows if row["matcher"] == matcher]
    predicted = sum(row["predicted"] for row in mine)
    return sum(row["absent"] for row in mine) / predicted if predicted else None
