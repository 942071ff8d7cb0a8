"""In which layers the active neurons are."""

from __future__ import annotations

from factroots_dagster.report.figures.neurons import plot_layer_profile
from factroots_dagster.report.inputs import ReportInputs
from factroots_dagster.report.sections.model import Figure, Section


def build_section(inputs: ReportInputs) -> Section | None:
    rows = inputs.rows("layer_profile")
    if not rows:
        return None
    totals: dict[int, float] = {}
    for row in rows:
        totals[row["layer"]] = totals.get(row["layer"], 0.0) + row["share"]
    most = max(totals, key=totals.__getitem__)
    return Section(
        id="layers",
        title="Where the neurons are",
        text=["Share of the most active neurons in each layer of the model, one thin line per language."],
        figures=[
            Figure(
                "layer_profile",
                plot_layer_profile(rows),
                "Active neurons by layer; the first layer is 1.",
                "layer_profile",
                f"Lines over {len(totals)} layers; on average most active neurons are in layer {most + 1}.",
            )
        ],
        asset="neuron_similarity",
        data={"layer_profile": inputs.tables["layer_profile"]},
    )
