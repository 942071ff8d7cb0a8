"""Facts whose object the subject's name gives away."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Section, Table, interval, percent

PUBLISHED_TYPES = (
    ("shared_tokens", "shared_tokens", "shared tokens"),
    ("naming_cue", "naming_cues", "naming cues"),
    ("transferred", "others", "transferred"),
)
"""Our type, its name in the published record, and how it is shown."""

EFFECT_NAMES = {
    "object_in_subject": "object inside the subject’s name",
    "shared_wordpiece": "shared wordpiece",
    "name_cue": "cue in the name",
    "relation_cue": "relation told by names",
}
EFFECTS_CAPTION = (
    "What each rule is worth: P@1 of facts without a source to which it applies, predicted or not, beside "
    "facts of the same language, relation and object to which no rule about names applies (for the last "
    "rule: of other relations). Intervals draw objects."
)

RULE_TEXTS = {
    "name": "A name counts as a cue when other facts of the relation whose subjects share a part of it "
    "have the same object. The paper’s rule goes by the relation alone and also takes facts that really "
    "were transferred; it is among the settings below.",
    "relation": "The rule for naming cues goes by the relation alone, as in the paper (country, citizenship, "
    "native language, religion, languages spoken): it also takes facts that really were transferred.",
    "none": "Naming cues are not separated here.",
}


def build_section(inputs: ReportInputs) -> Section:
    total = inputs.counts["*"]
    without_source = sum(total[type_] for type_, _, _ in PUBLISHED_TYPES)
    rules = sorted(set(inputs.types["easy_rule"].to_pylist()))
    published = inputs.published.absent_types if inputs.published else {}
    return Section(
        id="easy",
        title="Easy facts",
        finding=_find(without_source, total["shared_tokens"] + total["naming_cue"]),
        method=[RULE_TEXTS[rule] for rule in rules],
        text=[
            f"Of {without_source:,} predicted facts without a source, {total['shared_tokens']:,} have the "
            f"object or a piece of it in the subject’s name, and {total['naming_cue']:,} have a naming cue: "
            f"the subject’s name suggests the object. The remaining {total['transferred']:,} are the "
            "transferred ones.",
        ]
        if without_source
        else [],
        tables=[*_effects(inputs), *(_tables(inputs, published) if published else [])],
        asset="fact_types",
        data={"published_types": _data(inputs, published)} if published else {},
    )


def _find(without_source: int, easy: int) -> str:
    if not without_source:
        return "Every predicted fact has a source, so none is easy"
    return f"Of {without_source:,} predicted facts without a source, names give {easy:,} away"


def _effects(inputs: ReportInputs) -> list[Table]:
    """What each rule is worth, all languages together; nothing without the table."""
    rows = [
        [
            EFFECT_NAMES[row["rule"]],
            f"{row['facts']:,}",
            f"{row['compared']:,}",
            percent(row["compared_full_match"]),
            percent(row["alike_full_match"]),
            interval(row["effect"], row["effect_low"], row["effect_high"]),
        ]
        for row in inputs.rows("easy_effects")
        if row["language"] == "*"
    ]
    columns = ["rule", "facts without a source", "compared", "P@1", "P@1 without the rule", "difference"]
    return [Table(columns, rows, EFFECTS_CAPTION)] if rows else []


def _tables(inputs: ReportInputs, published: Mapping[str, Mapping[str, int]]) -> list[Table]:
    overall = [
        [label, f"{inputs.counts['*'][type_]:,}", f"{published['*'][name]:,}"]
        for type_, name, label in PUBLISHED_TYPES
    ]
    by_language = [
        [
            inputs.language_label(language),
            *(
                f"{inputs.counts[language][type_]:,} / {published[language][name]:,}"
                for type_, name, _ in PUBLISHED_TYPES
            ),
        ]
        for language in _shown(inputs, published)
    ]
    columns = ["language", *(f"{label}: here / published" for _, _, label in PUBLISHED_TYPES)]
    table = Table(["without a source", "here", "published"], overall)
    return [table, Table(columns, by_language, collapsed=True)]


def _data(inputs: ReportInputs, published: Mapping[str, Mapping[str, int]]) -> pa.Table:
    rows = [
        {"language": language}
        | {f"{type_}_here": inputs.counts[language][type_] for type_, _, _ in PUBLISHED_TYPES}
        | {f"{type_}_published": published[language][name] for type_, name, _ in PUBLISHED_TYPES}
        for language in _shown(inputs, published)
    ]
    return pa.Table.from_pylist(rows)


def _shown(inputs: ReportInputs, published: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [language for language in inputs.languages if language in published and language in inputs.counts]
