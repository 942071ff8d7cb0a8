"""How the counts by type change when one setting is changed."""

from __future__ import annotations

from factroots_dagster.report.figures.colours import TYPE_NAMES
from factroots_dagster.report.figures.roots import AXIS_NAMES, plot_sensitivity
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, Table, join_words
from factroots_dagster.roots.schema import PREDICTED_TYPES


def build_section(inputs: ReportInputs) -> Section | None:
    rows = [row for row in inputs.rows("sensitivity") if row["language"] == "*"]
    if not rows:
        return None
    counts: dict[tuple[str, str, bool], dict[str, int]] = {}
    for row in rows:
        key = (row["axis"], row["setting"], row["is_default"])
        counts.setdefault(key, {})[row["type"]] = row["facts"]
    cells = [
        [
            f"{AXIS_NAMES.get(axis, axis)}: {setting}" + (" (in use)" if in_use else ""),
            *(f"{by_type[type_]:,}" for type_ in PREDICTED_TYPES),
        ]
        for (axis, setting, in_use), by_type in counts.items()
    ]
    bounds = {type_: inputs.count_ranges["*", type_] for type_ in PREDICTED_TYPES}
    widest = max(bounds, key=lambda type_: bounds[type_][1] - bounds[type_][0])
    low, high = bounds[widest]
    ranges = join_words(
        [f"{TYPE_NAMES[type_].lower()} {low:,} to {high:,}" for type_, (low, high) in bounds.items()]
    )
    figure = Figure(
        "sensitivity",
        plot_sensitivity(rows),
        "Shares of the types, all languages together, when one setting is changed at a time; strong colours "
        "mark the settings in use.",
        "sensitivity",
        "Bars in panels, one per type, with a row per setting. " + ranges.capitalize() + ".",
    )
    return Section(
        id="sensitivity",
        title="How much depends on the settings",
        finding=f"Depending on the settings, fixed rules call {low:,} to {high:,} facts "
        f"{TYPE_NAMES[widest].lower()}",
        text=[f"Over all settings: {ranges}."],
        method=[
            "Each row changes one setting and keeps the others: in which window of a text subject and "
            "object must occur together, and under which names (matcher); how the neurons of two "
            "languages are compared (statistic, and k for the paper’s); how certain “shared” must be (alpha, "
            "or q after correction for multiple testing); and when a name counts as giving the answer away "
            "(naming cues). Every count of types on this page is shown with its range over all rows.",
        ],
        figures=[figure],
        tables=[Table(["setting", *(TYPE_NAMES[type_] for type_ in PREDICTED_TYPES)], cells, collapsed=True)],
        asset="fact_types",
        data={"sensitivity": inputs.tables["sensitivity"]},
    )
