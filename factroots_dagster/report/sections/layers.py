"""In which layers the active neurons are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from factroots_dagster.report.figures.neurons import plot_layer_profile
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section, percent
from factroots_dagster.report.sections.untrained import compare_with_twins, difference, overall_rows


def build_section(inputs: ReportInputs) -> Section | None:
    rows = inputs.rows("layer_profile")
    if not rows:
        return None
    totals: dict[int, float] = {}
    for row in rows:
        totals[row["layer"]] = totals.get(row["layer"], 0.0) + row["share"]
    most = max(totals, key=totals.__getitem__)
    twin = {int(measure): row for (measure, _), row in overall_rows(inputs, "layers").items()}
    shown = {(str(layer), "all"): f"layer {layer + 1}" for layer in sorted(twin)}
    text, tables, data = compare_with_twins(inputs, "layers", shown, {})
    return Section(
        id="layers",
        title="Where the neurons are",
        finding=f"Layer {most + 1} of {len(totals)} has the largest share of the most active neurons",
        method=["Share of the most active neurons in each layer of the model, one thin line per language."],
        text=[
            *text,
            *([_say_differences(twin)] if twin else []),
        ],
        figures=[
            Figure(
                "layer_profile",
                plot_layer_profile(rows, {layer: row["untrained"] for layer, row in twin.items()}),
                "Active neurons by layer; the first layer is 1.",
                "layer_profile",
                f"Lines over {len(totals)} layers; on average most active neurons are in layer {most + 1}.",
            )
        ],
        tables=tables,
        asset="neuron_similarity",
        data={"layer_profile": inputs.tables["layer_profile"], **data},
    )


def _say_differences(twin: Mapping[int, Mapping[str, Any]]) -> str:
    """In how many layers the shares differ, and where most. twin: rows of UNTRAINED_TWINS by layer."""
    tested = {layer: row for layer, row in twin.items() if row["difference_low"] is not None}
    if not tested:
        return "Too few facts to compare the layers with those of the untrained twins."
    differing = {
        layer: row
        for layer, row in tested.items()
        if not row["difference_low"] <= 0 <= row["difference_high"]
    }
    if not differing:
        return (
            "No difference: in no layer is the share unlike that of the untrained twins. Where the neurons "
            "are says nothing of what was learnt."
        )
    most = max(differing, key=lambda layer: abs(differing[layer]["difference"]))
    row = differing[most]
    return (
        f"In {len(differing)} of {len(tested)} layers the share differs from that of the untrained twins (by "
        f"chance one in twenty would), most in layer {most + 1}: {percent(row['trained'])} in the trained "
        f"model and {percent(row['untrained'])} in its twins, a difference of {difference(row)}."
    )
