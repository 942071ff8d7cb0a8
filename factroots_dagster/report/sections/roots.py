"""Where it has it from: types, absent sources, easy facts, examples, planted truth."""

from __future__ import annotations

import pyarrow as pa

from factroots_dagster.report import figures
from factroots_dagster.report.drawing import TYPE_NAMES
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.schema import PREDICTED_TYPES, TYPES
from factroots_dagster.report.sections.parts import (
    Figure,
    Grid,
    Section,
    interval,
    percent,
)


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
    columns = [
        "language",
        *(TYPE_NAMES[t] for t in PREDICTED_TYPES),
        "Predicted",
        TYPE_NAMES["not_predicted"],
        "Asked",
    ]
    rows = [_type_row(inputs, language) for language in [*shown, "*"]]
    return Section(
        "answer",
        "The answer in one picture",
        text,
        [
            Figure(
                "types_by_language",
                figures.types_by_language(inputs.counts, shown),
                "Correctly predicted facts of each language by type, best-answered language first; "
                "the number on the right is 100%.",
            )
        ],
        [Grid(columns, rows, "Every predicted fact has exactly one type; rows and columns add up.")],
        "fact_types",
        {"types_by_language": _counts_table(inputs), "lucky_guesses": pa.Table.from_pylist(inputs.luck)},
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
        grid.append([inputs.name(language), predicted, *(percent(c["rate"]) if c else "–" for c in cells)])
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
                figures.absence_by_language(rows, shown, published),
                "Predicted facts without a source, by the window in which subject and object must meet.",
            )
        ],
        [Grid(["language", "predicted", *matchers], grid, folded=True)],
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
        "The rule for naming cues goes by relation only, as in the paper: it also takes facts that "
        "really were transferred.",
    ]
    grids = []
    if inputs.published and "*" in inputs.published.absent_types:
        known = inputs.published.absent_types["*"]
        grids = [
            Grid(
                ["without a source", "here", "published"],
                [
                    ["shared tokens", f"{total['shared_tokens']:,}", f"{known['shared_tokens']:,}"],
                    ["naming cues", f"{total['naming_cue']:,}", f"{known['naming_cues']:,}"],
                    ["the rest: transferred", f"{total['transferred']:,}", f"{known['others']:,}"],
                ],
            )
        ]
    return Section("easy", "Easy facts", text, [], grids, "fact_types")


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


def planted(inputs: ReportInputs) -> Section | None:
    """Agreement with planted truth, in generated worlds."""
    found = inputs.planted
    if not found or not found["cells"]:
        return None
    accuracy = interval(found["accuracy"], found["accuracy_low"], found["accuracy_high"])
    recall = interval(
        found["balanced_accuracy"], found["balanced_accuracy_low"], found["balanced_accuracy_high"]
    )
    text = [
        "This world is generated, so it is known where each fact was stated and which languages could read "
        f"it from each other. Of {found['cells']:,} predicted facts planted as shared, independent or "
        f"transferred, {accuracy} got the planted type; the mean recall of the three is {recall}.",
        "Stated or not is exact truth. “Shared” and “independent” are planted as a lexical link between "
        "languages, which the network follows statistically and not fact by fact: call it agreement with "
        "the planted link. Facts that could only be guessed are predicted in "
        f"{percent(found['luck_rate'])} of cases.",
    ]
    p1 = [
        [kind, f"{row['n']:,}", interval(row["full_match"], row["low"], row["high"])]
        for kind, row in found["p_at_1"].items()
    ]
    kinds = [
        [kind, percent(found["precision"][kind]), percent(found["recall"][kind])] for kind in found["recall"]
    ]
    grids = [
        Grid(["planted kind", "cells", "P@1"], p1, "How much of each planted kind the model learnt."),
        Grid(["type", "precision", "recall"], kinds, "Among predicted facts of the three kinds."),
    ]
    if found["tracing"]:
        rows = [
            [m, f"{r['stated']:,}", f"{r['found']:,}", percent(r["precision"]), percent(r["recall"])]
            for m, r in found["tracing"].items()
        ]
        grids.append(
            Grid(
                ["window", "stated", "found", "precision", "recall"],
                rows,
                "Sources found against facts really stated.",
            )
        )
    return Section(
        "planted",
        "Checked against planted truth",
        text,
        [
            Figure(
                "confusion",
                figures.confusion(found["confusion"]),
                "Predicted facts: planted kind against the type given.",
            )
        ],
        grids,
        "planted_truth",
    )


def _type_row(inputs: ReportInputs, language: str) -> list[str]:
    counts = inputs.counts[language]
    predicted = sum(counts[t] for t in PREDICTED_TYPES)
    cells = [
        *(counts[t] for t in PREDICTED_TYPES),
        predicted,
        counts["not_predicted"],
        predicted + counts["not_predicted"],
    ]
    return [inputs.name(language), *(f"{cell:,}" for cell in cells)]


def _counts_table(inputs: ReportInputs) -> pa.Table:
    return pa.Table.from_pylist(
        [{"language": x} | {t: c[t] for t in TYPES} for x, c in inputs.counts.items()]
    )
